"""A server's power goes: what an apply left stays, and what was not confirmed goes back with the next boot."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.lab.conftest import NAME, VIPBOOK, Fabric, eventually
from tests.lab.test_safety import until_reading_back

pytestmark = pytest.mark.lab
CONFIG = "/etc/keepalived/keepalived.conf"
SERVERS = {
    "H1": ("web", "H1: {interface: enp0s8, address: 100.65.0.11/24, priority: 100", "priority: 100", "priority: 99"),
    "H2": ("web", "H2: {interface: enp0s8, address: 100.65.0.12/24, priority: 1", "priority: 1", "priority: 3"),
    "H3": ("db", "priority: 150", "priority: 150", "priority: 149"),
    "H4": ("db", "priority: 100, leaf: L2, port: swp2", "priority: 100", "priority: 99"),
}
"""Cluster, the place in clusters.yaml, and what changes there."""
CLOSE = {
    "H1": "iptables -D INPUT -s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT && "
    "sed -i '/--comment vipbook/d' /etc/iptables/rules.v4",
    "H2": "handle=$(nft -a list chain inet filter input | sed -n 's/.*comment \"vipbook\" # handle //p') && "
    "nft delete rule inet filter input handle $handle && sed -i '/^insert/d' /etc/nftables-vipbook.nft",
    "H3": "for each in '' --permanent; do firewall-cmd $each --list-rich-rules | grep -e '\"-112\"' | "
    'while read -r rule; do firewall-cmd $each --remove-rich-rule="$rule"; done; done',
    "H4": "for each in 100.65.0.13 fd00:100:65::13; do ufw delete allow proto vrrp from $each to any; done",
}
"""Takes out the rules of ours, now and for the next boot."""
RULES = {
    "H1": "iptables -S; cat /etc/iptables/rules.v4",
    # keepalived leaves tables of its own behind when it had a virtual MAC once; a boot does not.
    "H2": "nft -s list table inet filter; cat /etc/nftables.conf /etc/nftables-vipbook.nft",
    # firewalld has no order among them: after a boot it lists them in another one.
    "H3": "firewall-cmd --list-all | sort; firewall-cmd --permanent --list-all | sort; "
    "cat /etc/firewalld/zones/public.xml",
    "H4": "iptables -S; ip6tables -S; cat /etc/ufw/*.rules",
}


def reboot(server: str) -> None:
    argv = [VIPBOOK, "lab", "reboot", "--name", NAME, server]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


def standing(fabric: Fabric, server: str) -> list[str]:
    """Rules, files and service as they are, and everything that a way back leaves while it is armed."""
    units = "/etc/systemd/system /etc/systemd/system/multi-user.target.wants /run/systemd/system /run/systemd/transient"
    words = (
        RULES[server],
        f"ls -l {CONFIG}; cat {CONFIG}; ls -A /etc/keepalived /etc",
        "systemctl is-active keepalived; systemctl is-enabled keepalived",
        f"ls {units} 2>/dev/null | grep vipbook-undo; ls /var/lib/vipbook",
        "systemctl list-units --all --plain --no-legend 'vipbook-*'",
    )
    return [fabric.shell(server, "sh", "-c", f"{each}; true") for each in words]


@pytest.mark.parametrize("server", SERVERS)
def test_an_apply_that_was_confirmed_outlives_a_power_cut(db: Fabric, server: str) -> None:
    before = standing(db, server)
    reboot(server)
    ran = db.vipbook("verify", "--wait", "60", "--json")
    assert ran.code == 0, ran.problems()
    assert db.vipbook("plan", "--check").code == 0
    assert standing(db, server) == before


@pytest.mark.parametrize("server", SERVERS)
def test_what_was_not_confirmed_goes_back_with_the_next_boot(db: Fabric, server: str, tmp_path: Path) -> None:
    """The controller is killed, and the power goes before the timer that would have put everything back."""
    cluster, place, old, new = SERVERS[server]
    db.shell(server, "sh", "-c", CLOSE[server])
    before = standing(db, server)
    other = db.variant(tmp_path, (place, place.replace(old, new)))
    running = other.start("apply", "--yes", cluster, "--confirm-timeout", "300")
    until_reading_back(running)
    running.kill()
    running.communicate(timeout=10)
    changed = standing(db, server)
    assert all(now != was for now, was in zip(changed[:2], before[:2], strict=True))
    assert "vipbook-undo" in changed[3]
    reboot(server)
    eventually(lambda: standing(db, server), lambda now: now == before, timeout=30, interval=1)
    said = db.shell(server, "journalctl", "-b", "-u", "vipbook-undo-*", "-o", "cat", "--no-pager", check=False)
    assert "failed" not in said.lower()
    # Its lock went with /run; the other server's would run out in five minutes.
    for each in SERVERS:
        db.shell(each, "sh", "-c", "rm -rf /run/vipbook")
    assert db.vipbook("apply", "--yes", cluster).code == 0


def test_whoever_waits_for_the_confirmation_learns_that_it_went_back(db: Fabric, tmp_path: Path) -> None:
    cluster, place, old, new = SERVERS["H2"]
    before = standing(db, "H2")
    other = db.variant(tmp_path, (place, place.replace(old, new)))
    running = other.start("apply", "--yes", cluster, "--json", "--confirm-timeout", "60")
    until_reading_back(running)
    # The server is gone before anything else is read from it, however busy this machine is.
    running.send_signal(signal.SIGSTOP)
    reboot("H2")
    running.send_signal(signal.SIGCONT)
    out, err = running.communicate(timeout=180)
    assert running.returncode == 4, err
    assert '"rolled-back"' in out
    assert '"as before"' in out
    eventually(lambda: standing(db, "H2"), lambda now: now == before, timeout=10)


@pytest.mark.parametrize(
    ("node", "code", "said"),
    [
        ("L1", 2, "L1 is a leaf and its interfaces are the lab's (nodes that can be rebooted: H1, H2, I1, C1, H3, H4)"),
        ("H9", 2, "the lab has no node 'H9'"),
    ],
)
def test_nodes_that_can_not_be_rebooted(fabric: Fabric, node: str, code: int, said: str) -> None:
    argv = [VIPBOOK, "lab", "reboot", "--name", NAME, node]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, said in done.stderr) == (code, True)
