"""The helper that asks firewalld: one interpreter for all questions, and the same answers as one for each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.observe.helpers import helper_text

PYTHON = f"""#!{sys.executable} -Es
import sys
words = sys.argv[1:]
if words == ["--version"]:
    print("1.3.3")
    sys.exit()
if "--permanent" in words and "--list-all-zones" in words:
    sys.exit(252)
if words == ["--list-all-policies"]:
    sys.stderr.write("usage\\n")
    sys.exit(2)
print(" ".join(words))
"""
SHELL = """#!/bin/sh
case "$*" in
--version) echo 1.3.3 ;;
'--permanent --list-all-zones') exit 252 ;;
--list-all-policies) echo usage >&2; exit 2 ;;
*) echo "$*" ;;
esac
"""


def asked(place: Path, program: str | None) -> subprocess.CompletedProcess[str]:
    """The helper beside this firewall-cmd, called from a directory of the user's."""
    if program is not None:
        (place / "firewall-cmd").write_text(program)
        (place / "firewall-cmd").chmod(0o755)
    (place / "direct.xml").touch()
    text = helper_text("firewalld").replace("PATH=/usr/sbin", f"PATH={place}:/usr/sbin", 1)
    text = text.replace("/run/vipbook", str(place / "run")).replace("/etc/firewalld/direct.xml", f"{place}/direct.xml")
    text = text.replace("/sys/fs/cgroup", str(place / "cgroup"))
    users = place / "users"
    users.mkdir()
    (users / "harmful.py").write_text(f"open({str(place / 'harmed')!r}, 'w')\n")
    done = subprocess.run(["sh", "-s"], input=text, text=True, capture_output=True, check=False, cwd=users, timeout=60)
    assert list((place / "run").iterdir()) == []
    return done


@pytest.mark.parametrize("program", [pytest.param(PYTHON, id="python"), pytest.param(SHELL, id="shell")])
def test_every_answer_is_behind_its_name_with_its_status(program: str, tmp_path: Path) -> None:
    done = asked(tmp_path, program)
    assert done.stdout.splitlines() == [
        *("== version", "1.3.3", "== default", "--get-default-zone", "== runtime", "--list-all-zones"),
        *("== permanent", "== status 252", "== rpfilter", "== policies", "== status 2"),
        *("== permanent policies", "--permanent --list-all-policies", "== direct rules", "--direct --get-all-rules"),
        *("== direct passthroughs", "--direct --get-all-passthroughs"),
        *("== permanent direct rules", "--permanent --direct --get-all-rules"),
        *("== permanent direct passthroughs", "--permanent --direct --get-all-passthroughs"),
    ]
    assert done.stderr == "usage\n"


@pytest.mark.parametrize(
    ("ends", "status", "said"),
    [
        pytest.param("sys.exit('no bus')", 1, "", id="words instead of a status"),
        pytest.param("raise ValueError('odd')", 1, "firewall-cmd: ValueError('odd')", id="an error of its own"),
        pytest.param("import harmful", 1, "No module named 'harmful'", id="a module that the user put in his way"),
    ],
)
def test_one_that_ends_badly_is_no_answer_and_the_next_is_asked(
    ends: str, status: int, said: str, tmp_path: Path
) -> None:
    program = (
        f"#!{sys.executable} -Es\nimport sys\nif sys.argv[1:] == ['--version']:\n    {ends}\nelse:\n    print('x')\n"
    )
    done = asked(tmp_path, program)
    assert done.stdout.startswith(f"== version\n== status {status}\n== default\nx\n")
    assert said in done.stderr
    assert not (tmp_path / "harmed").exists()


def test_one_that_is_killed_answers_nothing(tmp_path: Path) -> None:
    """Else the questions behind it would look as if nothing were configured."""
    kill = "if '--direct' in sys.argv: os.kill(os.getpid(), 9)"
    done = asked(tmp_path, f"#!{sys.executable} -Es\nimport os, sys\n{kill}\nprint('x')\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "firewall-cmd ended before its last answer" in done.stderr


def test_without_firewall_cmd_no_question_is_answered(tmp_path: Path) -> None:
    assert asked(tmp_path, None).stdout.count("== status 127\n") == 10
