"""What a server prints of its keepalived: asked with the real script, of files as they may be."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tasks.model.keepalived import MARK, Declared
from tasks.model.reading import Read, Unread
from tasks.observe.helpers import helper
from tasks.observe.readings import Garbled
from tasks.server.keepalived.conf import LINES
from tasks.server.keepalived.files import declared, parse_declared
from tests.unit.builders import answers

HELPER = Path(__file__).resolve().parents[4] / "templates" / "helpers" / "keepalived-config"
CONF = "/etc/keepalived/keepalived.conf"
Ask = Callable[[], Declared]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/keepalived/conf.d").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for name in ("rpm", "dpkg-query", "systemctl"):
        program(tmp_path, name, "exit 1")
    program(tmp_path, "systemctl", "echo MainPID=0")
    return tmp_path


def program(root: Path, name: str, body: str) -> None:
    path = root / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def put(root: Path, name: str, text: str | bytes) -> Path:
    path = root / "etc/keepalived" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def ask(root: Path) -> Ask:
    """The script with another root, and the paths that it prints as they would be without."""

    def run() -> Declared:
        text = HELPER.read_text().replace("PATH=/usr", f"PATH={root}/bin:/usr")
        for place in ("/etc/", "/var/lib/", "/proc/[0-9]"):
            text = text.replace(place, f"{root}{place}")
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=60, check=True)
        lines = []
        for line in done.stdout.splitlines():
            kind, *words = line.split(" ")
            plain = [word if kind == "daemon" else without(root, word) for word in words]
            lines.append(" ".join([kind, *plain]))
        return parse_declared("\n".join(lines))

    return run


def without(root: Path, word: str) -> str:
    try:
        told = base64.b64decode(word, validate=True)
    except ValueError:
        return word
    if base64.b64encode(told).decode() != word or not told.startswith(str(root).encode()):
        return word
    return base64.b64encode(told.removeprefix(str(root).encode())).decode()


def test_no_file_at_all(ask: Ask) -> None:
    found = ask()
    assert (found.config, found.marked, found.untouched, found.others) == (None, False, False, ())


def test_files_that_are_included_and_include(root: Path, ask: Ask) -> None:
    put(root, "keepalived.conf", "a\ninclude conf.d/*.conf # all\nz\n")
    put(root, "conf.d/1.conf", "b\n  include deeper/x\n")
    put(root, "conf.d/2.conf", "d\n")
    put(root, "conf.d/other", "never\n")
    put(root, "conf.d/deeper/x", "c\n")
    (root / "etc/keepalived/conf.d/3.conf").mkdir()
    found = ask().config
    assert found is not None
    assert [each.text for each in found.statements] == ["a", "b", "c", "d", "z"]
    assert [each.files for each in found.includes] == [
        ("/etc/keepalived/conf.d/1.conf", "/etc/keepalived/conf.d/2.conf"),
        ("/etc/keepalived/conf.d/deeper/x",),
    ]
    assert found.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\n# include secret\n! include secret\nb # include secret\n", id="comments"),
        pytest.param("a\nnoinclude secret\nincluded secret\ninclude_check secret\nb\n", id="other words"),
        pytest.param("a\ninclude none-*\nb\n", id="a pattern that matches nothing"),
    ],
)
def test_what_includes_nothing(root: Path, ask: Ask, text: str) -> None:
    put(root, "keepalived.conf", text)
    put(root, "secret", "never\n")
    found = ask().config
    assert found is not None
    assert "never" not in {each.text for each in found.statements}
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("include $DIR/x", "a variable or a brace", id="variable"),
        pytest.param("include {a,b}.conf", "a variable or a brace", id="braces"),
        pytest.param("include keepalived.conf", "leads back to itself", id="itself"),
        pytest.param("include link", "link is not a file that can be read", id="a link to nothing"),
        pytest.param("include pipe", "pipe is not a file that can be read", id="a pipe"),
        pytest.param("include large", "large: larger than is read", id="a large file"),
        pytest.param("include many/*", "more files than are read", id="many files"),
        pytest.param("include deep/0", "included over too many levels", id="deep"),
    ],
)
def test_what_could_not_be_read_is_said(root: Path, ask: Ask, text: str, why: str) -> None:
    put(root, "keepalived.conf", f"a\n{text}\n")
    (root / "etc/keepalived/link").symlink_to("gone")
    subprocess.run(["mkfifo", root / "etc/keepalived/pipe"], check=True)
    put(root, "large", "x" * 1_100_000)
    for each in range(30):
        put(root, f"deep/{each}", f"include {each + 1}\n")
    if "many" in text:
        for each in range(300):
            put(root, f"many/{each}", "b\n")
    found = ask().config
    assert found is not None
    assert any(why in each for each in found.problems), found.problems


@pytest.mark.parametrize(
    "name",
    ["a b", "a\tb", "a'b", 'a"b', "a$b", "a;b", "-n", "a\nend\nfile x", "é"],
)
def test_no_name_and_no_text_imitates_a_record(root: Path, ask: Ask, name: str) -> None:
    put(root, "keepalived.conf", "include conf.d/*\n")
    put(root, f"conf.d/{name}", "end\nproblem x y\nhost aGk=\n")
    found = ask().config
    assert found is not None
    assert [each.keyword for each in found.statements] in (["end", "problem", "host"], [])
    assert [each.keyword for each in found.statements] or found.problems


def test_bytes_that_are_no_text(root: Path, ask: Ask) -> None:
    put(root, "keepalived.conf", b"a \xff\xfe\nb \x00 c\n")
    found = ask().config
    assert found is not None
    assert [each.keyword for each in found.statements] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "left", "marked", "untouched"),
    [
        pytest.param(f"{MARK} x\na\n", True, True, True, id="as vipbook left it"),
        pytest.param(f"{MARK} x\na\n", False, True, False, id="edited since"),
        pytest.param("a\n", True, False, True, id="no mark"),
    ],
)
def test_what_the_last_change_left(root: Path, ask: Ask, text: str, left: bool, marked: bool, untouched: bool) -> None:  # noqa: FBT001
    path = put(root, "keepalived.conf", text)
    backup = root / "var/lib/vipbook/backups/20260101T000000-abcdef"
    backup.mkdir(parents=True)
    digest = hashlib.sha256(text.encode() if left else b"other").hexdigest()
    (backup / "left").write_text(f"{digest} {path}\n")
    found = ask()
    assert (found.marked, found.untouched) == (marked, untouched)


@pytest.mark.parametrize(
    ("verified", "example"),
    [
        pytest.param("", True, id="nothing differs"),
        pytest.param("S.5....T.  c PATH", False, id="another text"),
        pytest.param("..5....T.  c PATH", False, id="another text of the same size"),
        pytest.param(".M.......  c PATH", True, id="another mode"),
        pytest.param("..?......  c PATH", False, id="not readable"),
        pytest.param("missing   c PATH", False, id="gone"),
        pytest.param("S.5....T.  c /etc/other", True, id="another file"),
    ],
)
def test_the_example_of_a_package(root: Path, ask: Ask, verified: str, example: bool) -> None:  # noqa: FBT001
    path = put(root, "keepalived.conf", "a\n")
    program(root, "rpm", f'case $1 in -qf) ;; -Vf) echo "{verified.replace("PATH", str(path))}" ;; esac')
    assert ask().example is example


@pytest.mark.parametrize(
    ("line", "other"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param('DAEMON_ARGS="-D --vrrp"', None, id="other options"),
        pytest.param('DAEMON_ARGS="-f /etc/other.conf"', "/etc/other.conf", id="short"),
        pytest.param("KEEPALIVED_OPTIONS='-D -f/etc/other.conf'", "/etc/other.conf", id="short, in one word"),
        pytest.param("KEEPALIVED_OPTIONS=-Df /etc/other.conf", "/etc/other.conf", id="short, with others"),
        pytest.param('DAEMON_ARGS="--use-file=/etc/other.conf"', "/etc/other.conf", id="long"),
        pytest.param('DAEMON_ARGS="--use-file /etc/other.conf"', "/etc/other.conf", id="long, in two words"),
        pytest.param('# DAEMON_ARGS="-f /etc/other.conf"', None, id="a comment"),
        pytest.param(f'DAEMON_ARGS="-f {CONF}"', None, id="the same file"),
    ],
)
def test_another_file_that_it_would_start_with(root: Path, ask: Ask, line: str, other: str | None) -> None:
    put(root, "keepalived.conf", "a\n")
    (root / "etc/default").mkdir()
    line = line.replace("/etc/", f"{root}/etc/")
    (root / "etc/default/keepalived").write_text(f"{line}\n")
    (root / "etc/other.conf").write_text("b\n")
    found = ask()
    assert [each.path for each in found.others] == ([other] if other else [])
    assert [each.text for conf in found.others for each in conf.statements] == (["b"] if other else [])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("host aGk=\n", id="cut short"),
        pytest.param("sudo: no\nend\n", id="a sentence"),
        pytest.param("host\nend\n", id="too few words"),
        pytest.param("file aGk= 1\nend\n", id="no content"),
        pytest.param("host !!!\nend\n", id="no base64"),
        pytest.param("file aGk= nan aGk=\nend\n", id="a time that is no number"),
        pytest.param("file aGk= inf aGk=\nend\n", id="a time without an end"),
        pytest.param("file aGk= 999999999999 aGk=\nend\n", id="a time that no clock says"),
    ],
)
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(Garbled):
        parse_declared(text)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def told(paths: Sequence[str], text: str) -> str:
    """The records of these configurations, each with this text."""
    return "".join(f"conf {coded(path)}\nfile {coded(path)} 1 {coded(text)}\n" for path in paths) + "end\n"


def test_few_configurations_are_read_and_the_rest_is_told() -> None:
    found = parse_declared(told([*(f"/{number}" for number in range(20)), CONF], "a\n"))
    assert [each.path for each in found.others] == [f"/{number}" for number in range(7)]
    assert found.config is not None, "whatever comes before it"
    for each in (found.config, *found.others):
        assert each.problems == ("/7 and 12 more: more configurations than are read",)
    found = parse_declared(told([CONF, *(f"/{number}" for number in range(7))], "a\n"))
    assert found.config is not None
    assert (found.config.problems, len(found.others)) == ((), 7)


def test_all_configurations_together_have_one_bound() -> None:
    found = parse_declared(told([CONF, "/1", "/2", "/3"], "a\n" * (LINES // 2 - 10)))
    assert found.config is not None
    confs = (found.config, *found.others)
    assert sum(len(each.statements) for each in confs) <= LINES
    assert [bool(each.problems) for each in confs] == [False, False, True, True]


def test_nothing_of_the_files_is_in_what_is_shown() -> None:
    secret = base64.b64encode(b"auth_pass hunter22").decode()
    for text in (f"file aGk= 1 {secret}\nend\n", f"file aGk= 1 {secret}\n"):
        found = declared(answers("H1", declared=text))
        assert isinstance(found, Read | Unread)
        assert found.source is not None
        assert secret not in repr(found)
    assert isinstance(declared(answers("H1")), Unread)


def test_an_installed_helper_is_what_sudo_is_asked_for() -> None:
    fragment = helper("declared", "keepalived-config").fragment
    assert fragment is not None
    assert "vipbook_path=/usr/local/libexec/vipbook/$1" in fragment
    assert "vipbook_installed keepalived-config '# vipbook helper keepalived-config 1'" in fragment
