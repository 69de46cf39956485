"""What a local user can do while a helper runs: imitate keepalived, stop it, freeze it, and read nothing of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric, eventually
from tests.lab.published import HELPERS, INSTALLED, only, write
from tests.lab.test_blinded import VICTIM, look

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
JSON = "keepalived-json"
SECRET, WORD = "/root/secret", "only-root-knows"
PLACE = "/home/automation/imitates"
CGROUP = "/run/delegated"
"""A link to the control group, which is where the machine has its unified hierarchy."""
DELEGATE = f"""
for each in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    [ -e $each/cgroup.procs ] || continue
    mkdir $each/delegated && chown -R automation $each/delegated && ln -s $each/delegated {CGROUP}
done
"""
TIDY = f"""
pkill -KILL -u automation; systemctl stop vipbook-victim 2>/dev/null
echo 0 > {CGROUP}/cgroup.freeze; echo 1 > {CGROUP}/cgroup.kill
rm -rf {PLACE} {SECRET} /root/keepalived /root/other /root/go; iptables-legacy -F INPUT
"""


def sh(fabric: Fabric, script: str) -> str:
    return fabric.shell("H1", "sh", "-c", script)


def user(fabric: Fabric, script: str) -> str:
    return fabric.shell("H1", "su", "automation", "-s", "/bin/sh", "-c", script)


@pytest.fixture
def server(healthy: Fabric) -> Iterator[Fabric]:
    sh(healthy, f"echo {WORD} > {SECRET}; chmod 600 {SECRET}")
    with only(healthy, {"H1": ("server-verify",)}):
        user(healthy, f"mkdir -p {PLACE}")
        try:
            yield healthy
        finally:
            sh(healthy, f"{{ {TIDY} }} 2>/dev/null; sleep 0.2; rmdir $(readlink {CGROUP}) 2>/dev/null; rm -f {CGROUP}")


IMITATIONS = """
printf '#!/bin/sh\\nsleep 300; :\\n' > script/keepalived; chmod 755 script/keepalived; script/keepalived @ &
./keepalived -c 'sleep 300; :' x @ &
unshare -Ur ./keepalived -c 'sleep 300; :' x @ &
unshare -Urmpf ./keepalived -c 'sleep 300; :' x @ &
"""
"""By name alone, by the name of the file too, and as root of a user namespace, alone or with processes of its own."""


def test_a_users_process_named_keepalived_shows_no_file_and_refuses_no_plan(server: Fabric) -> None:
    options = f"--use-file={SECRET} -f {SECRET}"
    begin = IMITATIONS.replace("@", options)
    user(server, f"cd {PLACE}; mkdir script; cp /bin/sh keepalived; {{ {begin} }} >/dev/null 2>&1")
    imitated = "pgrep -cx -u automation keepalived; true"
    eventually(lambda: sh(server, imitated), lambda count: count == "4\n", timeout=10)
    said = user(server, f"sudo -n {INSTALLED}/keepalived-config")
    assert said.endswith("\nend\n")
    words = [word for word in re.findall(r"[A-Za-z0-9+/]{8,}=*", said) if len(word) % 4 == 0]
    text = said + "".join(base64.b64decode(word).decode(errors="replace") for word in words)
    assert "VI_web" in text
    assert WORD not in text
    assert SECRET not in text
    ran = server.vipbook("plan", "web", "--json")
    assert ran.code == 0, ran.problems()
    assert sh(server, imitated) == "4\n"


def test_a_process_that_becomes_another_program_is_neither_run_nor_signalled(server: Fabric) -> None:
    """Opened as one program, looked at as another: what was opened would run as root."""
    sh(server, "cp /bin/sh /root/other; cp /usr/bin/sleep /root/keepalived")
    waits = "while [ ! -e /root/go ]; do sleep 0.05; done; exec /root/keepalived 60"
    opened = "exec 8<\"/proc/$pid/exe\" || fail 5 'keepalived ended'"
    turns = "touch /root/go; until readlink /proc/$pid/exe | grep -q /keepalived; do sleep 0.1; done"
    status, said = look(
        server,
        ("keepalived.service", "vipbook-victim.service"),
        (opened, f"{opened}\n{turns}"),
        before=VICTIM.format(f"/root/other -c '{waits}'"),
    )
    assert (status, "keepalived ended" in said) == (5, True), said
    assert sh(server, "systemctl is-active vipbook-victim") == "active\n"


@pytest.mark.parametrize("name", ["TSTP", "TTIN", "TTOU"])
def test_who_stops_it_from_a_terminal_stops_nothing(server: Fabric, name: str) -> None:
    """The lock that it holds would blind every other run."""
    locked = "exec 2>/dev/null\n"
    status, said = look(server, (locked, f"{locked}kill -{name} $$\n"))
    assert (status, "VI_web" in said) == (0, True), said


def writes(fabric: Fabric, name: str) -> None:
    """Until the helper waits for the reader of its output."""
    waiting = f"for each in $(pgrep -f '^/bin/sh {INSTALLED}/{name}'); do cat /proc/$each/wchan; echo; done"
    eventually(lambda: sh(fabric, waiting), lambda said: "pipe_write" in said, timeout=30)


@pytest.mark.parametrize("broken", ["true", "chmod 0777 /tmp"], ids=["answer", "reason"])
def test_who_reads_nothing_of_it_holds_no_lock(server: Fabric, broken: str) -> None:
    """A pipe that is full already: the first word would wait for its reader."""
    full = f"mkfifo pipe; sleep 300 < pipe & exec > pipe 2>&1; head -c 65536 /dev/zero; sudo -n {INSTALLED}/{JSON}"
    sh(server, broken)
    try:
        user(server, f"cd {PLACE}; {{ {full}; }} >/dev/null 2>&1 &")
        writes(server, JSON)
        assert sh(server, f"flock -n /run/vipbook/{JSON}.lock echo free; true") == "free\n"
    finally:
        sh(server, "chmod 1777 /tmp")


RULES = """
{
    echo '*filter'
    for each in $(seq 2500); do echo "-A INPUT -s 192.0.2.1 -p tcp --dport $each -j ACCEPT"; done
    echo COMMIT
} | iptables-legacy-restore
"""
FREE = "flock -n /run/xtables.lock echo free; true"


def test_who_reads_no_rules_keeps_no_one_from_changing_the_firewall(server: Fabric) -> None:
    sh(server, RULES)
    # As the list allowed it before, and as root may do still.
    sh(server, "{ iptables-legacy -w -S INPUT | sleep 5; } >/dev/null 2>&1 &")
    eventually(lambda: sh(server, FREE), lambda said: not said, timeout=5)
    eventually(lambda: sh(server, FREE), lambda said: said == "free\n", timeout=30)
    said = user(server, f"echo iptables-legacy | sudo -n {INSTALLED}/firewall-rules")
    assert len(said) > 100_000
    user(server, f"{{ echo iptables-legacy | sudo -n {INSTALLED}/firewall-rules | sleep 300; }} >/dev/null 2>&1 &")
    writes(server, "firewall-rules")
    assert sh(server, FREE) == "free\n"


@pytest.mark.parametrize("name", ["firewall-rules", JSON, "keepalived-config", "firewalld"])
def test_who_owns_a_control_group_freezes_no_helper(server: Fabric, name: str) -> None:
    """systemd gives every user one below their own manager."""
    sh(server, f"{DELEGATE}mkfifo -m 666 {PLACE}/at")
    text = (HELPERS / name).read_text()
    moved = next(line for line in text.splitlines(keepends=True) if line.startswith("for group in "))
    # Waits where it would hold something.
    write(server, "H1", f"{INSTALLED}/{name}", text.replace(moved, f"{moved}read -r go < {PLACE}/at\n"), "0755")
    line = f"echo iptables | sudo -n {INSTALLED}/{name} > {PLACE}/out 2>&1; echo late > {PLACE}/late"
    enter = f'echo $$ > {CGROUP}/cgroup.procs; exec su automation -s /bin/sh -c "{line}"'
    server.shell("H1", "sh", "-c", 'sh -c "$1" >/dev/null 2>&1 </dev/null &', "sh", enter)
    runs = f"pgrep -fc '^/bin/sh {INSTALLED}/{name}'; true"
    eventually(lambda: sh(server, runs), lambda count: count != "0\n", timeout=30)
    sh(server, f"echo 1 > {CGROUP}/cgroup.freeze; timeout 10 sh -c 'echo go > {PLACE}/at'")
    eventually(lambda: sh(server, runs), lambda count: count == "0\n", timeout=30)
    # What called it is frozen: it did not get as far as its next command.
    assert sh(server, f"ls {PLACE}/late 2>/dev/null; true") == ""
