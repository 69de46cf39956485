"""The scripts that need root: published as they are run, and run as what they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from tasks.model.answer import Answer, Command
from tasks.observe.helpers import (
    INSTALLED,
    OTHER_VERSION,
    fed_function,
    function_name,
    helper,
    helper_text,
)
from tasks.observe.shell import NOT_ASKED
from tasks.server.firewall.questions import FILES
from tests.unit.observe.scripts import ask

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
HELPERS = sorted(path.name for path in (TEMPLATES / "helpers").iterdir())
LISTS = sorted((TEMPLATES / "sudoers").iterdir())
SUDO = 'shift; echo "sudo $*" >&2; exec "$@"'
NAME = "firewall-files"


@pytest.mark.parametrize("name", HELPERS)
def test_each_is_a_script_that_every_shell_takes(name: str) -> None:
    first, second, *_ = helper_text(name).splitlines()
    assert first == "#!/bin/sh"
    assert re.fullmatch(rf"# vipbook helper {name} [1-9][0-9]*", second)
    for shell in filter(shutil.which, ("dash", "bash")):
        subprocess.run([shell, "-n", TEMPLATES / "helpers" / name], check=True, timeout=20)


@pytest.mark.parametrize("name", HELPERS)
def test_each_searches_programs_where_only_root_writes(name: str) -> None:
    lines = [line for line in helper_text(name).splitlines() if not line.startswith("#")]
    assert lines[0] == "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


def test_the_lists_name_all_of_them_without_arguments_and_no_others() -> None:
    text = "".join(path.read_text() for path in LISTS)
    assert sorted(re.findall(rf'{INSTALLED}/([a-z-]+) ""', text)) == HELPERS
    assert len(re.findall(rf"^ .*{INSTALLED}/|= {INSTALLED}/", text, re.MULTILINE)) == len(HELPERS)


@pytest.mark.parametrize("path", [path for path in LISTS if path.name != "server-change"], ids=lambda path: path.name)
def test_no_list_that_is_a_fence_has_a_pattern_or_keeps_the_environment(path: Path) -> None:
    text = "".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("#"))
    assert not re.search(r"[*?\[\]\\](?!\n)", text)
    assert not re.search(r" \^", text.replace("^filter$ /proc/net/", ""))
    assert re.search(
        r"^Defaults!VIPBOOK_\w+ env_reset, !env_keep, !env_check, !setenv, always_set_home", text, re.MULTILINE
    )


def test_the_files_are_those_that_are_read() -> None:
    listed = re.search(r"^for path in (.*?)^do$", helper_text(NAME), re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert tuple(listed[1].replace("\\\n", " ").split()) == FILES


def run(where: Path, command: Command, installed: str | None = None, sudo: str = SUDO) -> Answer:
    """The answer of a host where the script is installed with this text, or not at all."""
    place = where / "libexec"
    place.mkdir()
    if installed is not None:
        path = place / command.key
        path.write_text(installed)
        path.chmod(0o755)
    fragment = (command.fragment or "").replace(INSTALLED, f"{place}")
    programs = {"sudo": sudo, "sh": 'exec /bin/sh "$@"', "frr": 'echo "frr $*"'}
    return ask(where, [replace(command, fragment=fragment)], programs)[command.key]


SHORT = "#!/bin/sh\n# vipbook helper firewall-files {}\necho short\n"


def test_an_installed_one_is_run_by_its_name_alone(tmp_path: Path) -> None:
    answer = run(tmp_path, helper(NAME, NAME), SHORT.format(1))
    assert (answer.status, answer.stdout) == (0, "short\n")
    assert answer.stderr == f"sudo {tmp_path}/libexec/{NAME}\n"


@pytest.mark.parametrize("text", [SHORT.format(2), SHORT.format(10), "", "#!/bin/sh\n", "\n\n\n"])
def test_one_of_another_version_is_not_run(tmp_path: Path, text: str) -> None:
    answer = run(tmp_path, helper(NAME, NAME), text)
    assert (answer.status, answer.stdout) == (OTHER_VERSION, "")
    assert f"{NAME} is of another version; install templates/helpers/{NAME} of this vipbook" in answer.stderr
    assert "sudo" not in answer.stderr


def test_where_it_is_not_installed_roots_shell_runs_the_same_text(tmp_path: Path) -> None:
    """Nothing of it in the words of sudo, which are logged."""
    answer = run(tmp_path, helper(NAME, NAME))
    assert answer.status == 0
    assert answer.stderr == "sudo sh -s\n"
    assert re.findall(r"^== (/.*)$", answer.stdout, re.MULTILINE) == list(FILES)


@pytest.mark.parametrize(
    ("sudo", "status"), [("echo 'sudo: a password is required' >&2; exit 1", 1), ("exit 7", 7), ("kill -9 $$", 137)]
)
def test_a_refusal_is_the_answer(tmp_path: Path, sudo: str, status: int) -> None:
    answer = run(tmp_path, helper(NAME, NAME), sudo=sudo)
    assert (answer.status, answer.stdout) == (status, "")


def test_without_its_condition_it_is_not_asked(tmp_path: Path) -> None:
    answer = run(tmp_path, helper(NAME, NAME, when="[ -e /nonexistent ]"), SHORT.format(1))
    assert (answer.status, answer.stdout, answer.stderr) == (NOT_ASKED, "", "")


FED = '#!/bin/sh\n# vipbook helper frr-show {}\nread -r line; echo "helper $line"\n'


@pytest.mark.parametrize(
    ("installed", "status", "stdout"),
    [
        pytest.param(FED.format(2), 0, "helper show evpn json\n", id="installed"),
        pytest.param(None, 0, "frr -c show evpn json\n", id="not-installed"),
        pytest.param(FED.format(1), OTHER_VERSION, "", id="another-version"),
    ],
)
def test_a_question_is_fed_and_no_argument(tmp_path: Path, installed: str | None, status: int, stdout: str) -> None:
    fragment = f"{fed_function('frr-show')}{function_name('frr-show')} 'show evpn json' frr -c 'show evpn json'"
    answer = run(tmp_path, Command(key="frr-show", argv=("x",), fragment=fragment), installed)
    assert (answer.status, answer.stdout) == (status, stdout)


GOOD = "show evpn json"


@pytest.mark.parametrize(
    ("fed", "status", "asked"),
    [
        pytest.param(f"{GOOD}\n", 0, f"-c\n{GOOD}\n", id="one"),
        pytest.param(f"{GOOD}\nshow evpn\n", 0, f"-c\n{GOOD}\n-c\nshow evpn\n", id="two"),
        pytest.param(f"{GOOD}\n" * 1000, 0, f"-c\n{GOOD}\n" * 1000, id="a thousand"),
        pytest.param(f"{GOOD}\n" * 1001, 2, "", id="more than a thousand"),
        pytest.param("", 2, "", id="none"),
        pytest.param(f"{GOOD}\nconfigure terminal\n", 2, "", id="the second is no question"),
        pytest.param(f"configure terminal\n{GOOD}\n", 2, "", id="the first is no question"),
        pytest.param(f"{GOOD}\n\n{GOOD}\n", 2, "", id="an empty line between"),
    ],
)
def test_frr_is_asked_all_lines_or_nothing(fed: str, status: int, asked: str, tmp_path: Path) -> None:
    (tmp_path / "vtysh").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (tmp_path / "vtysh").chmod(0o755)
    text = helper_text("frr-show").replace("PATH=/usr", f"PATH={tmp_path}:/usr", 1)
    ran = subprocess.run(["/bin/sh", "-c", text], input=fed, text=True, capture_output=True, check=False, timeout=20)
    assert (ran.returncode, ran.stdout) == (status, asked)


def probe(place: Path, line: str) -> tuple[int, str]:
    """Exit status of probe-ping, and what its ping is given."""
    text = helper_text("probe-ping").replace("exec ping", "exec echo")
    (place / "probe-ping").write_text(text)
    done = subprocess.run(
        ["/bin/sh", place / "probe-ping"], input=f"{line}\n", text=True, capture_output=True, check=False, timeout=20
    )
    return done.returncode, done.stdout.strip().rpartition(" ")[2]


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "255.255.255.255", "100.65.0.10", "::", "::1", "1::", "fd00:100:65::10", "1:2:3:4:5:6:7:8"),
        *("1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3::5:6:7:8"),
    ],
)
def test_a_probe_takes_an_address(tmp_path: Path, address: str) -> None:
    assert ip_address(address)
    assert probe(tmp_path, f"1 {address}") == (0, address)


@pytest.mark.parametrize(
    "word",
    [
        # Names of such signs alone, which the DNS would be asked for, and numbers that a resolver takes for addresses.
        *(
            "bad.cafe",
            "ba.dc.af.e",
            "cafe",
            "a.b.c.d",
            "1.2.3",
            "1.2",
            "1",
            "0x7f.1",
            "127.1",
            "010.0.0.1",
            "256.0.0.1",
        ),
        *("1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..2.3", "1.2.3.a", "bad:cafe", ":::", "1::2::3", ":1", "1:", "1:2"),
        *("1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2::4:5:6:7:8:9", "12345::1", "::1.2.3.4", "1.2.3.4:5", ""),
    ],
)
def test_a_probe_takes_no_name(tmp_path: Path, word: str) -> None:
    assert probe(tmp_path, f"1 {word}") == (2, "")
