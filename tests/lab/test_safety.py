"""Changes that cannot lock anyone out: what is killed, cut, full, out of reach, or done twice, ends as it began."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.lab.conftest import Fabric, eventually
from tests.lab.test_apply import leftovers, snapshot

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
PRIORITY = ("priority: 1,", "priority: 3,")
SECOND_VIP = ("vips: [100.65.0.10/24]", "vips: [100.65.0.10/24, 100.65.0.30/24]")
BACKUPS = "/var/lib/vipbook/backups"


def backups(fabric: Fabric, server: str) -> list[str]:
    return fabric.shell(server, "sh", "-c", f"ls {BACKUPS} 2>/dev/null || true").split()


def transitions(fabric: Fabric, server: str, since: str) -> list[str]:
    text = fabric.shell(server, "journalctl", "-u", "keepalived", "--since", since, "-o", "cat", "--no-pager")
    return re.findall(r"Entering (\w+) STATE", text)


def until_reading_back(running: object) -> None:
    for line in running.stderr:  # type: ignore[attr-defined]
        if "reading back" in line:
            return
    pytest.fail("the apply ended before it read back")


def test_killed_between_apply_and_confirm_the_server_heals_itself(healthy: Fabric, tmp_path: Path) -> None:
    """SIGKILL: the timer on the server puts everything back within --confirm-timeout; the lock runs out."""
    before_it = snapshot(healthy, "H2")
    other = healthy.variant(tmp_path, PRIORITY)
    running = other.start("apply", "--yes", "--confirm-timeout", "30")
    until_reading_back(running)
    running.kill()
    running.communicate(timeout=10)
    began = time.monotonic()
    assert snapshot(healthy, "H2") != before_it
    refused = other.vipbook("apply", "--yes")
    assert refused.code == 1
    assert re.search(
        r"web is locked on H[12] by \S+@\S+ \(apply\) since 20\S+Z, until 20\S+Z unless it is renewed; nothing",
        refused.err,
    )
    eventually(lambda: snapshot(healthy, "H2"), lambda now: now == before_it, timeout=45, interval=1)
    assert time.monotonic() - began < 40
    assert leftovers(healthy, "H2") == ""
    assert healthy.vipbook("verify", "--wait", "15").code == 0
    # The lock of whoever was killed runs out a little later.
    eventually(lambda: other.vipbook("apply", "--yes").code, lambda code: code == 0, timeout=120, interval=5)
    assert healthy.vipbook("apply", "--yes").code == 0


def test_two_at_once_and_the_second_is_told_who_and_since_when(healthy: Fabric, tmp_path: Path) -> None:
    other = healthy.variant(tmp_path, PRIORITY)
    running = other.start("apply", "--yes")
    until_reading_back(running)
    second = healthy.variant(tmp_path / "second", ("priority: 1,", "priority: 4,"))
    refused = second.vipbook("apply", "--yes")
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, out + err
    assert refused.code == 1
    assert re.search(r"refused: web is locked on H[12] by \S+@\S+ \(apply\) since", refused.err)
    assert second.vipbook("apply", "--yes").code == 0
    assert healthy.vipbook("apply", "--yes").code == 0


@pytest.mark.narrow(here=False)
def test_a_drill_waits_for_nobody_either(healthy: Fabric, tmp_path: Path) -> None:
    running = healthy.start("drill", "web", "--yes", "--probe", "I1")
    assert running.stderr is not None
    for line in running.stderr:
        if "injecting" in line:
            break
    refused = healthy.variant(tmp_path, PRIORITY).vipbook("apply", "--yes")
    running.communicate(timeout=200)
    assert running.returncode == 0
    assert refused.code in {1, 3, 4}
    assert "drill" in refused.err or "H1" in refused.err


def test_a_reload_that_cuts_ssh_is_taken_back_whole(db: Fabric) -> None:
    """What runs in ufw lets SSH in; what its files say does not, and nobody reloaded since. vipbook has to."""
    util = "/usr/lib/python3/dist-packages/ufw/util.py"
    keep = "mkdir -p /root/ufw && cp -a /etc/ufw/*.rules /root/ufw/"
    for each in ("100.65.0.13", "fd00:100:65::13"):
        db.shell("H4", "ufw", "delete", "allow", "proto", "vrrp", "from", each, "to", "any")
    db.shell("H4", "sh", "-c", keep)
    db.shell("H4", "sed", "-i.new", 's/, "vrrp"]/]/', util)
    # The lab's way to sshd leads over lo.
    db.shell("H4", "sed", "-i", "/-A ufw-before-input -i lo/d", "/etc/ufw/before.rules")
    db.shell("H4", "sed", "-i", "/--dport 22/d", "/etc/ufw/user.rules")
    running = db.shell("H4", "sh", "-c", "iptables-save | grep -v '^#' | sed 's/[[].*//'")
    files = db.shell("H4", "sh", "-c", "cat /etc/ufw/*.rules")
    try:
        ran = db.vipbook("apply", "--yes", "db", "--json", "--confirm-timeout", "60", timeout=400)
        assert ran.code == 4, ran.problems()
        server = next(each for each in ran.report["servers"] if each["host"] == "H4")
        assert (server["outcome"], server["stands"]) == ("rolled-back", "as before")
        assert "no connection" in server["reason"] or "session" in server["reason"]
        assert db.shell("H4", "sh", "-c", "iptables-save | grep -v '^#' | sed 's/[[].*//'") == running
        assert db.shell("H4", "sh", "-c", "cat /etc/ufw/*.rules") == files
        assert leftovers(db, "H4") == ""
    finally:
        db.shell("H4", "sh", "-c", f"mv {util}.new {util}; cp -a /root/ufw/*.rules /etc/ufw/ && ufw reload")
    assert db.vipbook("apply", "--yes", "db", timeout=300).code == 0


def test_a_full_disk_on_etc_leaves_everything_as_it_was(healthy: Fabric, tmp_path: Path) -> None:
    other = healthy.variant(tmp_path, PRIORITY)
    fill = """
        cp -a /etc /root/etc && size=$(du -sk /root/etc | cut -f1)
        mount -t tmpfs -o size=$((size + 200))k full /etc && cp -a /root/etc/. /etc/
        mountpoint -q /etc || exit 1
        dd if=/dev/zero of=/etc/filler bs=1k count=4096 2>/dev/null
        true
    """
    healthy.shell("H2", "sh", "-c", fill)
    try:
        before_it = snapshot(healthy, "H2")
        ran = other.vipbook("apply", "--yes", "--json")
        assert ran.code == 4, ran.problems()
        server = next(each for each in ran.report["servers"] if each["host"] == "H2")
        assert (server["outcome"], server["stands"]) == ("rolled-back", "as before")
        assert "No space left on device" in server["reason"]
        assert snapshot(healthy, "H2") == before_it
        assert leftovers(healthy, "H2") == ""
    finally:
        healthy.shell("H2", "sh", "-c", "umount /etc && rm -rf /root/etc")
    assert healthy.vipbook("verify", "--wait", "15").code == 0


@pytest.mark.parametrize(
    ("host", "away", "back", "remove"),
    [
        (
            "H4",
            "sed -i.file 's#file:[^ ]*#http://127.0.0.1:9#' /etc/apt/sources.list && mv /srv/vipbook-debs /srv/away",
            "mv /etc/apt/sources.list.file /etc/apt/sources.list && mv /srv/away /srv/vipbook-debs",
            "apt-get purge -y keepalived",
        ),
        (
            "H3",
            "mv /srv/vipbook-rpms /srv/rpms.away && dnf clean all",
            "mv /srv/rpms.away /srv/vipbook-rpms",
            "systemctl disable --now keepalived; rpm -e keepalived",
        ),
    ],
)
def test_a_repository_out_of_reach_leaves_a_bare_server_bare(
    db: Fabric,
    host: str,
    away: str,
    back: str,
    remove: str,
) -> None:
    db.shell(host, "sh", "-c", f"{remove}; rm -rf /etc/keepalived")
    db.shell(host, "sh", "-c", away)
    firewall = "ufw status" if host == "H4" else "firewall-cmd --list-all; firewall-cmd --permanent --list-all"
    rules = db.shell(host, "sh", "-c", firewall)
    try:
        ran = db.vipbook("apply", "--yes", "db", "--json", timeout=300)
        assert ran.code == 4, ran.problems()
        outcomes = {each["host"]: (each["outcome"], each["stands"]) for each in ran.report["servers"]}
        assert outcomes[host] == ("rolled-back", "as before")
        assert db.shell(host, "sh", "-c", firewall) == rules
        assert leftovers(db, host) == ""
    finally:
        db.shell(host, "sh", "-c", back)
    ran = db.vipbook("apply", "--yes", "db", "--json", timeout=300)
    assert ran.code == 0, ran.problems()


def test_a_vip_comes_and_goes_without_two_masters(healthy: Fabric, tmp_path: Path) -> None:
    began = healthy.shell("H1", "date", "+%Y-%m-%d %H:%M:%S").strip()
    other = healthy.variant(tmp_path, SECOND_VIP)
    ran = other.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert [each["host"] for each in ran.report["servers"]] == ["H1", "H2"]
    assert {vip["address"]: vip["owner"] for vip in ran.report["clusters"][0]["vips"]} == {
        "100.65.0.10": "H1",
        "100.65.0.30": "H1",
    }
    ran = healthy.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert [each["host"] for each in ran.report["servers"]] == ["H1", "H2"]
    assert "MASTER" not in transitions(healthy, "H2", began)
    assert transitions(healthy, "H1", began) == []


def test_a_vip_is_added_although_a_backup_compares_the_list(healthy: Fabric, tmp_path: Path) -> None:
    """It is stopped while the master is changed, and never hears a list that it would not take."""
    began = healthy.shell("H1", "date", "+%Y-%m-%d %H:%M:%S").strip()
    healthy.shell("H2", "sed", "-i", "/skip_check_adv_addr/d", "/etc/keepalived/keepalived.conf")
    healthy.shell("H2", "systemctl", "reload", "keepalived")
    ran = healthy.variant(tmp_path, SECOND_VIP).vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert healthy.vipbook("apply", "--yes").code == 0
    assert "MASTER" not in transitions(healthy, "H2", began)


def test_rollback_goes_back_one_apply_at_a_time(healthy: Fabric, tmp_path: Path) -> None:
    first = {server: snapshot(healthy, server) for server in ("H1", "H2")}
    one = healthy.variant(tmp_path / "one", PRIORITY)
    two = healthy.variant(tmp_path / "two", ("priority: 1,", "priority: 9,"), ("priority: 100,", "priority: 109,"))
    assert one.vipbook("apply", "--yes").code == 0
    second = {server: snapshot(healthy, server) for server in ("H1", "H2")}
    assert two.vipbook("apply", "--yes").code == 0
    ran = two.vipbook("rollback", "web", "--yes", "--json")
    assert ran.code == 0, ran.out + ran.err
    assert {each["host"]: each["outcome"] for each in ran.report["servers"]} == {"H1": "applied", "H2": "applied"}
    assert {server: snapshot(healthy, server) for server in ("H1", "H2")} == second
    # The apply before changed H2 alone.
    ran = two.vipbook("rollback", "web", "--yes", "--json")
    assert {each["host"]: each["outcome"] for each in ran.report["servers"]} == {"H1": "unchanged", "H2": "applied"}
    assert {server: snapshot(healthy, server) for server in ("H1", "H2")} == first
    assert leftovers(healthy, "H1") == leftovers(healthy, "H2") == ""
    assert healthy.vipbook("plan", "--check").code == 0


def test_a_rollback_asks_and_refuses_where_there_is_nothing(healthy: Fabric) -> None:
    refused = healthy.vipbook("rollback", "web")
    assert refused.code == 2
    assert "--yes" in refused.err
    for server in ("H1", "H2"):
        healthy.shell(server, "rm", "-rf", BACKUPS)
    refused = healthy.vipbook("rollback", "web", "--yes")
    assert refused.code == 1
    assert "no backup on" in refused.err


def test_the_last_five_backups_stay_dated_and_for_roots_eyes(healthy: Fabric, tmp_path: Path) -> None:
    for number in range(2, 9):
        other = healthy.variant(tmp_path / str(number), ("priority: 1,", f"priority: {number},"))
        assert other.vipbook("apply", "--yes").code == 0
    names = backups(healthy, "H2")
    assert len(names) == 5
    assert names == sorted(names)
    assert all(re.fullmatch(r"20\d{6}T\d{6}-[0-9a-f]{6}", name) for name in names)
    assert healthy.shell("H2", "stat", "-c", "%a %U", BACKUPS).strip() == "700 root"
    assert healthy.vipbook("apply", "--yes").code == 0
