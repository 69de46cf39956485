"""Scripts run by the real /bin/sh, and their output taken apart again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.model.answer import Command
from tasks.model.script import Section, answers_of, split_output, write_script
from tests.unit.builders import AT

NONCE = "vipbook-0123456789abcdef"


def command(key: str, fragment: str | None = None, *, argv: Sequence[str] = (), feed: bytes | None = None) -> Command:
    return Command(key=key, argv=tuple(argv or (key,)), fragment=fragment, feed=feed)


def ran(*commands: Command, stop: bool = False) -> tuple[str, str]:
    script = write_script(commands, NONCE, stop_on_failure=stop)
    done = subprocess.run(
        ["/bin/sh", "-s"], input=script.encode(), capture_output=True, check=False, timeout=10, close_fds=True
    )
    return done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def sections(*commands: Command, stop: bool = False) -> dict[str, Section]:
    clock, found = split_output(*ran(*commands, stop=stop), NONCE)
    assert clock is not None
    assert abs(clock - time.time()) < 60
    return found


def test_no_command_tells_the_clock_alone() -> None:
    assert sections() == {}


@pytest.mark.parametrize(
    ("fragment", "status", "stdout", "stderr"),
    [
        ("printf 'no newline at the end'", 0, "no newline at the end", ""),
        ("printf 'one\\n'", 0, "one\n", ""),
        ("printf '\\n\\n'", 0, "\n\n", ""),
        ("true", 0, "", ""),
        ("false", 1, "", ""),
        ("(exit 77)", 77, "", ""),
        ("printf out; printf err >&2; (exit 3)", 3, "out", "err"),
        ("printf 'a\\n' >&2; printf 'b\\n'", 0, "b\n", "a\n"),
        ("no-such-program-here 2>/dev/null", 127, "", ""),
        ("cat", 0, "", ""),  # nothing waits for input, and nobody reads the script away
        ("sh -c 'kill -9 $$'", 137, "", None),
        (f"echo '{NONCE}x clock 1'; echo '{NONCE}'", 0, f"{NONCE}x clock 1\n{NONCE}\n", ""),
        ("echo 'vipbook-ffff key 0'; echo; echo x", 0, "vipbook-ffff key 0\n\nx\n", ""),
        ("echo 'EOF'; echo \"it's\" '\"quoted\"' '$HOME' '`x`' '%s %d' 'back\\slash'", 0,
         "EOF\nit's \"quoted\" $HOME `x` %s %d back\\slash\n", ""),
        ("# only a comment\ntrue", 0, "", ""),
    ],
)  # fmt: skip
def test_what_a_command_says_comes_back_as_it_was(fragment: str, status: int, stdout: str, stderr: str | None) -> None:
    found = sections(command("before", "printf first"), command("it", fragment), command("after", "printf last"))
    assert (found["it"].status, found["it"].stdout) == (status, stdout)
    assert stderr is None or found["it"].stderr == stderr
    assert (found["before"].stdout, found["after"].stdout) == ("first", "last")


@pytest.mark.parametrize("key", ["a", "two words", "fdb 100", "%s", "it's", 'say "x"', "$HOME", "a\\nb", "é", "-", "*"])
def test_any_key_names_its_section(key: str) -> None:
    found = sections(command(key, "printf x; printf y >&2; (exit 4)"), command("other", "true"))
    assert found[key] == Section(status=4, stdout="x", stderr="y")
    assert set(found) == {key, "other"}


@pytest.mark.parametrize("word", ["a b", "$(id)", "'\"`", "a\nb", "*", ""])
def test_arguments_reach_the_program_as_they_are(word: str) -> None:
    assert sections(command("it", argv=("printf", "%s", word)))["it"].stdout == word


FEEDS = [
    b"",
    b"text\n",
    b"no newline",
    b'it\'s "quoted" $HOME `id` \\ %s\n',
    f"{NONCE}\n{NONCE} it 0\n".encode(),
    bytes(range(256)),
    b"\x00" * 5000,
    b"EOF\n" * 40,
]


def octets(feed: bytes) -> str:
    return "".join(f"{each:02x}" for each in feed)


@pytest.mark.parametrize("feed", FEEDS)
def test_fed_bytes_arrive_unchanged(feed: bytes) -> None:
    it = command("it", argv=("od", "-An", "-v", "-tx1"), feed=feed)
    found = sections(it, command("after", "printf last"))
    assert "".join(found["it"].stdout.split()) == octets(feed)
    assert (found["it"].status, found["after"].stdout) == (0, "last")


@given(st.lists(st.binary(max_size=120), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_any_bytes_arrive_unchanged(feeds: list[bytes]) -> None:
    commands = [command(f"feed {i}", argv=("od", "-An", "-v", "-tx1"), feed=each) for i, each in enumerate(feeds)]
    found = sections(*commands)
    assert ["".join(found[each.key].stdout.split()) for each in commands] == [octets(each) for each in feeds]


@pytest.mark.parametrize(("argv", "status"), [(("false",), 1), (("sh", "-c", "cat >/dev/null; exit 9"), 9)])
def test_the_status_of_a_fed_command_is_its_own(argv: tuple[str, ...], status: int) -> None:
    assert sections(command("it", argv=argv, feed=b"x"))["it"].status == status


def test_the_feed_is_in_no_argument_and_not_in_the_script_as_it_is() -> None:
    it = command("it", argv=("cat",), feed=b"hunter22")
    assert "hunter22" not in write_script([it], NONCE)
    assert "hunter22" not in repr(it)
    assert "hunter22" not in it.title


@pytest.mark.parametrize(
    ("stop", "keys"), [(False, ["one", "two", "three"]), (True, ["one", "two"])], ids=["goes on", "stops"]
)
def test_stop_on_failure(stop: bool, keys: list[str]) -> None:  # noqa: FBT001
    found = sections(command("one", "true"), command("two", "(exit 5)"), command("three", "true"), stop=stop)
    assert list(found) == keys
    assert found["two"].status == 5


def test_stop_on_failure_goes_to_the_end_when_nothing_fails() -> None:
    assert list(sections(command("one", "true"), command("two", "true"), stop=True)) == ["one", "two"]


def test_a_command_that_ends_the_shell_has_no_section_and_none_after_it() -> None:
    found = sections(command("one", "printf 1"), command("two", "exit 0"), command("three", "printf 3"))
    assert list(found) == ["one"]


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 25])
def test_output_that_was_cut_short_has_no_last_section(cut: int) -> None:
    stdout, stderr = ran(command("one", "printf 1"), command("two", "printf 2"))
    clock, found = split_output(stdout[:-cut], stderr, NONCE)
    assert clock is not None
    assert list(found) == ["one"]


@pytest.mark.parametrize("text", ["", "Welcome\n", "This account is currently not available.\n", f"{NONCE} clock 1"])
def test_output_of_something_else_has_no_clock(text: str) -> None:
    assert split_output(text, "", NONCE) == (None, {})


def test_a_greeting_before_the_script_is_no_part_of_any_answer() -> None:
    stdout, stderr = ran(command("one", "printf 1"))
    clock, found = split_output(f"Authorized use only!\n{stdout}", f"stty: not a tty\n{stderr}", NONCE)
    assert clock is not None
    assert found["one"].stdout == "1"


def test_another_nonce_finds_nothing() -> None:
    assert split_output(*ran(command("one", "printf 1")), "vipbook-another") == (None, {})


def test_programs_run_in_the_c_locale_with_a_full_path() -> None:
    found = sections(command("env", 'printf "%s|%s" "$LC_ALL" "$PATH"'))
    assert found["env"].stdout == "C|/usr/sbin:/usr/bin:/sbin:/bin"


def test_answers_leave_out_what_never_ended() -> None:
    commands = [Command(key="one", argv=("ip", "addr"), sudo=True), Command(key="two", argv=("id",))]
    found = answers_of("H1", commands, {"one": Section(status=2, stdout="o", stderr="e")}, AT)
    assert list(found) == ["one"]
    answer = found["one"]
    assert (answer.host, answer.command, answer.status, answer.at) == ("H1", "sudo ip addr", 2, AT)
    assert (answer.stdout, answer.stderr) == ("o", "e")


@pytest.mark.parametrize(
    ("argv", "sudo", "title"),
    [
        (("ip", "addr"), False, "ip addr"),
        (("ip", "addr"), True, "sudo ip addr"),
        (("vtysh", "-c", "show evpn vni"), True, "sudo vtysh -c 'show evpn vni'"),
    ],
)
def test_title(argv: tuple[str, ...], sudo: bool, title: str) -> None:  # noqa: FBT001
    assert Command(key="k", argv=argv, sudo=sudo).title == title
