"""The helper that lists iptables' rules, run for real with a program that holds a lock as iptables does."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tasks.observe.helpers import helper_text

PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
LONG = "-A INPUT -j ACCEPT\\n"
HOLDS = """exec 9>>@/lock
flock 9
touch @/held
sleep @S
yes 'a rule' | head -n 100000
"""
"""More than any pipe takes."""


def installed(place: Path, body: str, name: str = "iptables") -> Path:
    """The helper, with this in the place of iptables."""
    (place / "bin").mkdir()
    (place / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
    (place / "bin" / name).chmod(0o755)
    helper = place / "firewall-rules"
    text = helper_text("firewall-rules")
    assert text.count(PATH) == 1
    text = text.replace(PATH, f"PATH={place}/bin:/usr/bin:/bin").replace("/sys/fs/cgroup", f"{place}/cgroup")
    helper.write_text(text)
    helper.chmod(0o755)
    return helper


def ask(helper: Path, word: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helper], input=f"{word}\n", text=True, capture_output=True, check=False, timeout=20)


@pytest.mark.parametrize(
    ("body", "status", "stdout", "stderr"),
    [
        pytest.param('echo "$*"', 0, "-w -S\n", "", id="its-words"),
        pytest.param(
            "printf '%s\\n' '-P INPUT DROP' '' '-N x' ''; echo odd >&2",
            0,
            "-P INPUT DROP\n\n-N x\n\n",
            "odd\n",
            id="both",
        ),
        pytest.param('echo half; echo "can\'t initialize" >&2; exit 3', 3, "half\n", "can't initialize\n", id="fails"),
        pytest.param("exit 4", 4, "", "", id="fails-silently"),
        pytest.param("echo '== 9 x'; echo '== 8' >&2; cat; exit 2", 2, "== 9 x\n", "== 8\n", id="imitates"),
    ],
)
def test_what_it_says_comes_out_as_it_is(tmp_path: Path, body: str, status: int, stdout: str, stderr: str) -> None:
    done = ask(installed(tmp_path, body), "iptables")
    assert (done.returncode, done.stdout, done.stderr) == (status, stdout, stderr)


@pytest.mark.parametrize("name", ["iptables-legacy", "ip6tables-legacy"])
def test_of_the_older_interface_the_input_chain(tmp_path: Path, name: str) -> None:
    assert ask(installed(tmp_path, 'echo "$*"', name), name).stdout == "-w -S INPUT\n"


def test_a_program_that_is_not_installed_is_named(tmp_path: Path) -> None:
    done = ask(installed(tmp_path, "echo"), "ip6tables")
    assert (done.returncode, done.stderr) == (127, "ip6tables: command not found\n")


@pytest.mark.parametrize(
    "word", ["", "iptables-restore", "iptables -F", "-F", "../iptables", "/usr/sbin/iptables", "ip*", "$(id)", "sh"]
)
def test_no_other_word_is_taken(tmp_path: Path, word: str) -> None:
    done = ask(installed(tmp_path, f"touch {tmp_path}/ran"), word)
    assert (done.returncode, done.stdout) == (2, "")
    assert not (tmp_path / "ran").exists()


def free(place: Path) -> bool:
    return subprocess.run(["flock", "-n", place / "lock", "true"], check=False).returncode == 0


def until(place: Path, *, held: bool) -> bool:
    """Was the lock taken (and given back)?"""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if (place / "held").exists() and (held or free(place)):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("stopped", [None, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU])
def test_a_caller_who_reads_nothing_and_stops_what_it_can_holds_no_lock(
    tmp_path: Path, stopped: signal.Signals | None
) -> None:
    helper = installed(tmp_path, HOLDS.replace("@/", f"{tmp_path}/").replace("@S", "1"))
    pipe = subprocess.PIPE
    with subprocess.Popen([helper], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(b"iptables\n")
            process.stdin.close()
            assert until(tmp_path, held=True)
            if stopped is not None:
                os.killpg(process.pid, stopped)
            assert until(tmp_path, held=False)
            # It waits for its reader.
            assert process.poll() is None
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("where", ["", "unified"], ids=["v2", "hybrid"])
def test_it_leaves_the_control_group_of_its_caller_first(tmp_path: Path, where: str) -> None:
    """Who owns a control group freezes what is in it. The file stands in for the one of systemd's own."""
    procs = tmp_path / "cgroup" / where / "init.scope/cgroup.procs"
    procs.parent.mkdir(parents=True)
    helper = installed(tmp_path, f"cat {procs}")
    assert ask(helper, "iptables").stdout.strip().isdecimal()
