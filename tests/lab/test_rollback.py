"""rollback beside other people, steps that hang, and Ctrl-C: nothing of others is lost, and what stands is said."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.conftest import ROOT, VIPBOOK, Fabric, eventually
from tests.lab.test_apply import leftovers, snapshot

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
RICH = 'rule family="ipv4" priority="-112" source address="100.65.0.14" protocol value="vrrp" accept'
PRIORITY = ("priority: 1,", "priority: 3,")
BOTH = (("priority: 1,", "priority: 9,"), ("priority: 100,", "priority: 109,"))


@pytest.mark.parametrize(
    ("host", "close", "add", "look", "remove"),
    [
        (
            "H1",
            "sed -i /vipbook/d /etc/iptables/rules.v4",
            "sed -i 's/^-A INPUT -i lo/-A INPUT -p tcp --dport 8443 -j ACCEPT\\n&/' /etc/iptables/rules.v4",
            "/etc/iptables/rules.v4",
            "sed -i /8443/d /etc/iptables/rules.v4",
        ),
        (
            "H2",
            "sed -i /nftables-vipbook/d /etc/nftables.conf",
            "echo '# tcp dport 8443' >> /etc/nftables.conf",
            "/etc/nftables.conf",
            "sed -i /8443/d /etc/nftables.conf",
        ),
        (
            "H3",
            f"firewall-cmd --permanent --remove-rich-rule='{RICH}'",
            "firewall-cmd --permanent --add-port=8443/tcp",
            "/etc/firewalld/zones/public.xml",
            "firewall-cmd --permanent --remove-port=8443/tcp",
        ),
        (
            "H4",
            "ufw delete allow proto vrrp from 100.65.0.13 to any comment vipbook",
            "ufw allow 8443/tcp",
            "/etc/ufw/user.rules",
            "ufw delete allow 8443/tcp",
        ),
    ],
)
def test_a_rule_that_others_added_since_is_never_lost(
    db: Fabric, host: str, close: str, add: str, look: str, remove: str
) -> None:
    cluster = "web" if host in {"H1", "H2"} else "db"
    db.shell(host, "sh", "-c", close)
    ran = db.vipbook("apply", cluster, "--yes", "--json")
    assert ran.code == 0, ran.problems()
    db.shell(host, "sh", "-c", add)
    try:
        before = db.shell(host, "cat", look)
        assert "8443" in before
        ran = db.vipbook("rollback", cluster, "--yes", "--json")
        assert ran.code == 1
        server = next(each for each in ran.report["servers"] if each["host"] == host)
        assert (server["outcome"], server["stands"]) == ("refused", "as before")
        assert re.search(rf"{look}.* changed by others since that apply; undo by hand, or declare", server["reason"])
        assert look in server["changes"][0]["diff"]
        assert db.shell(host, "cat", look) == before
        assert leftovers(db, host) == ""
    finally:
        db.shell(host, "sh", "-c", remove)
    assert db.vipbook("plan", cluster, "--check").code == 0


def test_a_rollback_that_would_make_two_masters_is_taken_back_whole(healthy: Fabric) -> None:
    """Back to where VRRP was closed: the backup would become master, so the rule comes back, at runtime too."""
    close = (
        "sed -i '/^insert/d' /etc/nftables-vipbook.nft; nft -a list chain inet filter input | "
        "sed -n 's/.*\"vipbook\".*handle /inet filter input handle /p' | xargs nft delete rule"
    )
    healthy.shell("H2", "sh", "-c", close)
    ran = healthy.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    before = snapshot(healthy, "H2")
    try:
        ran = healthy.vipbook("rollback", "web", "--yes", "--json")
        assert ran.code == 4, ran.out + ran.err
        assert {each["host"]: each["stands"] for each in ran.report["servers"]}["H2"] == "as before"
        assert "VI_web has 2 masters" in ran.out
        assert snapshot(healthy, "H2") == before
        assert leftovers(healthy, "H2") == ""
        assert healthy.vipbook("verify", "--wait", "60").code == 0
    finally:
        healthy.vipbook("apply", "--yes")


def test_what_is_shown_at_the_question_is_what_is_put_back(healthy: Fabric, tmp_path: Path) -> None:
    """While it waits nobody else may apply; a file that somebody edits meanwhile stays as it was edited."""
    other = healthy.variant(tmp_path, PRIORITY)
    assert other.vipbook("apply", "--yes").code == 0
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [VIPBOOK, "rollback", "web", "--json", "--inventory", str(healthy.inventory)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "VIPBOOK_STATE": str(healthy.state)},
    )
    try:
        assert running.stderr is not None
        for line in running.stderr:
            if "about to go back" in line:
                break
        refused = healthy.vipbook("apply", "--yes")
        assert refused.code == 1
        assert re.search(r"web is locked on H[12] by \S+@\S+ \(rollback\) since", refused.err)
        healthy.shell("H2", "sh", "-c", "echo '# an admin' >> /etc/keepalived/keepalived.conf")
        edited = snapshot(healthy, "H2")
        os.write(ours, b"y\n")
        out, err = running.communicate(timeout=60)
        assert running.returncode == 4, out + err
        server = next(each for each in json.loads(out)["servers"] if each["host"] == "H2")
        assert (server["outcome"], server["stands"]) == ("rolled-back", "as before")
        assert "keepalived.conf was changed by others meanwhile" in server["reason"]
        assert snapshot(healthy, "H2") == edited
        assert leftovers(healthy, "H2") == ""
    finally:
        os.close(ours)
        os.close(theirs)
        assert healthy.vipbook("apply", "--yes").code == 0


def test_a_step_that_hangs_never_takes_effect_behind_the_way_back(db: Fabric) -> None:
    """The timer on the server ends it, before it puts anything back."""
    slow = '#!/bin/sh\ncase "$1" in prepend) sleep 40 ;; esac\nexec /usr/sbin/ufw.real "$@"\n'
    db.shell("H4", "ufw", "delete", "allow", "proto", "vrrp", "from", "fd00:100:65::13", "to", "any")
    rules = db.shell("H4", "sh", "-c", "cat /etc/ufw/*.rules")
    db.shell(
        "H4",
        "sh",
        "-c",
        'mv /usr/sbin/ufw /usr/sbin/ufw.real && printf %s "$1" > /usr/sbin/ufw && chmod 755 /usr/sbin/ufw',
        "sh",
        slow,
    )
    began = time.monotonic()
    try:
        ran = db.vipbook("apply", "db", "--yes", "--json", "--confirm-timeout", "30")
        assert ran.code == 4, ran.problems()
        server = next(each for each in ran.report["servers"] if each["host"] == "H4")
        assert (server["outcome"], server["stands"]) == ("rolled-back", "as before")
        time.sleep(max(0.0, began + 50 - time.monotonic()))
        assert db.shell("H4", "sh", "-c", "cat /etc/ufw/*.rules") == rules
        assert db.shell("H4", "sh", "-c", "pgrep -f [u]fw.real || true") == ""
        assert leftovers(db, "H4") == ""
    finally:
        db.shell("H4", "mv", "/usr/sbin/ufw.real", "/usr/sbin/ufw")


def test_an_interrupt_at_the_second_server_says_what_stands_on_both(healthy: Fabric, tmp_path: Path) -> None:
    other = healthy.variant(tmp_path, *BOTH)
    report = tmp_path / "report.json"
    before = snapshot(healthy, "H1")
    running = other.start("apply", "--yes", "--json", "--report", f"json:{report}")
    assert running.stderr is not None
    try:
        for line in running.stderr:
            if "H1: reading back" in line:
                running.send_signal(signal.SIGINT)
                break
        out, err = running.communicate(timeout=60)
        assert running.returncode == 130, out + err
        stands = {each["host"]: (each["outcome"], each["stands"]) for each in json.loads(out)["servers"]}
        assert stands == {"H2": ("applied", "as declared"), "H1": ("rolled-back", "as before")}
        assert json.loads(report.read_text())["servers"] == json.loads(out)["servers"]
        assert snapshot(healthy, "H1") == before
        assert leftovers(healthy, "H1") == ""
    finally:
        assert healthy.vipbook("apply", "--yes").code == 0


def test_another_name_for_the_cluster_does_not_get_past_the_lock(healthy: Fabric, tmp_path: Path) -> None:
    other = healthy.variant(tmp_path / "one", PRIORITY)
    renamed = healthy.variant(tmp_path / "two", ("  web:\n", "  webx:\n"))
    running = other.start("apply", "--yes")
    assert running.stderr is not None
    try:
        for line in running.stderr:
            if "reading back" in line:
                break
        refused = renamed.vipbook("apply", "--yes")
        out, err = running.communicate(timeout=120)
        assert running.returncode == 0, out + err
        assert refused.code == 1
        assert re.search(r"refused: webx is locked on H[12] by \S+@\S+ \(apply\) since 20\S+Z, until 20", refused.err)
    finally:
        assert healthy.vipbook("apply", "--yes").code == 0
    eventually(lambda: healthy.vipbook("plan", "--check").code, lambda code: code == 0, timeout=10)
