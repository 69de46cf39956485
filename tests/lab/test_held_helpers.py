"""What a local user can do while a helper runs: imitate keepalived, stop it, freeze it, and read nothing of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric, eventually
from tests.lab.published import HELPERS, INSTALLED, only
from tests.lab.test_blinded import VICTIM, look

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
SECRET, WORD = "/root/secret", "only-root-knows"
PLACE = "/home/automation/imitates"
CGROUP = "/sys/fs/cgroup/delegated"
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
            sh(healthy, f"{{ {TIDY} }} 2>/dev/null; sleep 0.1; rmdir {CGROUP} 2>/dev/null; true")


IMITATIONS = {
    "script": "printf '#!/bin/sh\\nsleep 300; :\\n' > keepalived; chmod 755 keepalived; ./keepalived @ &",
    "program": "cp /bin/sh keepalived; ./keepalived -c 'sleep 300; :' x @ &",
    "root-of-a-namespace": "cp /bin/sh keepalived; unshare -Ur ./keepalived -c 'sleep 300; :' x @ &",
    "name-of-a-thread": "cp /bin/sh keepalived; unshare -Urmpf ./keepalived -c 'sleep 300; :' x @ &",
}


@pytest.mark.parametrize("option", [f"--use-file={SECRET}", f"-f {SECRET}"], ids=["long", "short"])
@pytest.mark.parametrize("script", [pytest.param(script, id=name) for name, script in IMITATIONS.items()])
def test_a_users_process_named_keepalived_shows_no_file_and_refuses_no_plan(
    server: Fabric, script: str, option: str
) -> None:
    user(server, f"cd {PLACE}; {{ {script.replace('@', option)} }} >/dev/null 2>&1")
    eventually(lambda: sh(server, f"grep -lsa -- {SECRET} /proc/[0-9]*/cmdline | wc -l"), lambda n: int(n) > 1)
    assert sh(server, "pgrep -cx keepalived") != "1\n"
    said = user(server, f"sudo -n {INSTALLED}/keepalived-config")
    assert said.endswith("\nend\n")
    text = said + "".join(
        base64.b64decode(word).decode(errors="replace")
        for word in re.findall(r"[A-Za-z0-9+/]{8,}=*", said)
        if len(word) % 4 == 0
    )
    assert "VI_web" in text
    assert WORD not in text
    assert SECRET not in text
    ran = server.vipbook("plan", "web", "--json")
    assert ran.code == 0, ran.problems()


def test_a_process_that_becomes_another_program_is_neither_run_nor_signalled(server: Fabric) -> None:
    """Opened as one program, looked at as another: what was opened would run as root."""
    sh(server, "cp /bin/sh /root/other; cp /usr/bin/sleep /root/keepalived")
    waits = "while [ ! -e /root/go ]; do sleep 0.05; done; exec /root/keepalived 60"
    opened = "exec 8<\"/proc/$pid/exe\" || fail 5 'keepalived ended'"
    turns = 'touch /root/go; for each in $(seq 50); do sleep 0.1; case $(readlink "/proc/$pid/exe") in *keep*) break ;; esac; done'
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
    status, said = look(server, (locked, f"{locked}kill -{name} $$ 0\n"), before="set -m")
    assert (status, "VI_web" in said) == (0, True), said


@pytest.mark.parametrize("stream", ["1", "2"])
def test_who_reads_nothing_of_it_holds_no_lock(server: Fabric, stream: str) -> None:
    """A pipe that is full already: the first word of an answer, or of a reason, would wait for its reader."""
    broken = "" if stream == "1" else "chmod 0777 /tmp;"
    run = f"{{ head -c 65536 /dev/zero >&{stream}; sudo -n {INSTALLED}/keepalived-json; }} {stream}>pipe"
    line = f"cd {PLACE}; rm -f pipe; mkfifo pipe; sleep 60 < pipe & cd {PLACE}; {{ {run}; }} >/dev/null 2>&1 & sleep 2"
    sh(server, f"{broken} true")
    try:
        user(server, line if stream == "1" else line.replace("} >/dev/null 2>&1 &", "} >/dev/null &"))
        assert sh(server, "pgrep -fc libexec/vipbook/keepalived-json") != "0\n"
        assert sh(server, "flock -n /run/vipbook/keepalived-json.lock echo free; true") == "free\n"
    finally:
        sh(server, "chmod 1777 /tmp; pkill -KILL -u automation; true")


RULES = """
{
    echo '*filter'
    for each in $(seq 2500); do echo "-A INPUT -s 192.0.2.1 -p tcp --dport $each -j ACCEPT"; done
    echo COMMIT
} | iptables-legacy-restore
"""
FREE = "flock -w 0.2 /run/xtables.lock echo free; true"


def test_who_reads_no_rules_keeps_no_one_from_changing_the_firewall(server: Fabric) -> None:
    sh(server, RULES)
    # As it was allowed before, and as root may do still.
    sh(server, "iptables-legacy -w -S INPUT | sleep 3 & sleep 1; true")
    assert sh(server, FREE) == ""
    sh(server, "sleep 3")
    said = user(server, f"echo iptables-legacy | sudo -n {INSTALLED}/firewall-rules")
    assert len(said) > 100_000
    user(
        server, f"{{ echo iptables-legacy | sudo -n {INSTALLED}/firewall-rules | sleep 60; }} >/dev/null 2>&1 & sleep 2"
    )
    try:
        assert sh(server, "pgrep -fc libexec/vipbook/firewall-rules") != "0\n"
        assert sh(server, FREE) == "free\n"
    finally:
        sh(server, "pkill -KILL -u automation; true")


@pytest.mark.parametrize("name", ["firewall-rules", "keepalived-json", "keepalived-config", "firewalld"])
def test_who_owns_a_control_group_freezes_no_helper(server: Fabric, name: str) -> None:
    """systemd gives every user one below their own manager."""
    sh(
        server,
        f"mkdir {CGROUP} && chown -R automation {CGROUP}; mkfifo -m 666 {PLACE}/at",
    )
    text = (HELPERS / name).read_text()
    moved = "{ echo $$ > /sys/fs/cgroup/init.scope/cgroup.procs; } 2>/dev/null\n"
    assert text.count(moved) == 1
    # Waits where it would hold something.
    waits = text.replace(moved, f"{moved}read -r go < {PLACE}/at\n")
    write = f'printf %s "$1" > {INSTALLED}/{name}'
    server.shell("H1", "sh", "-c", write, "sh", waits)
    line = f"echo iptables | sudo -n {INSTALLED}/{name} > {PLACE}/out 2>&1; echo late > {PLACE}/late"
    enter = f"echo $$ > {CGROUP}/cgroup.procs; exec su automation -s /bin/sh -c '{line}'"
    sh(server, f"sh -c \"$(cat <<'END'\n{enter}\nEND\n)\" >/dev/null 2>&1 </dev/null & sleep 1")
    sh(server, f"echo 1 > {CGROUP}/cgroup.freeze; timeout 5 sh -c 'echo go > {PLACE}/at'")
    eventually(lambda: sh(server, f"pgrep -fc '^/bin/sh {INSTALLED}/{name}'; true"), lambda n: n == "0\n", timeout=15)
    assert sh(server, f"ls {PLACE}/late 2>&1; true").startswith("ls:")
