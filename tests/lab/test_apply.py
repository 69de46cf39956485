"""plan and apply on real servers: from bare to healthy, twice, and back when something fails."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import Fabric, Ran, eventually, rules

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
CONFIG = "/etc/keepalived/keepalived.conf"


def reloads(fabric: Fabric, server: str) -> str:
    return fabric.shell(server, "systemctl", "show", "-p", "MainPID,ExecMainStartTimestamp,ExecReload", "keepalived")


def leftovers(fabric: Fabric, server: str) -> str:
    units = fabric.shell(server, "systemctl", "list-units", "--all", "--plain", "--no-legend", "vipbook-*")
    return units + fabric.shell(server, "sh", "-c", "ls -d /var/lib/vipbook/undo-* 2>/dev/null || true")


def snapshot(fabric: Fabric, server: str) -> dict[str, str]:
    """Everything that an apply may touch on a server."""
    return {
        "config": fabric.shell(server, "sh", "-c", f"ls -l {CONFIG} 2>&1; cat {CONFIG} 2>/dev/null || true"),
        "others": fabric.shell(server, "sh", "-c", "ls -A /etc/keepalived /etc/iptables /etc 2>&1 || true"),
        "iptables": fabric.shell(server, "iptables", "-S"),
        "nft": fabric.shell(server, "nft", "-s", "list", "ruleset"),
        "saved": fabric.shell(server, "sh", "-c", "cat /etc/iptables/rules.v4 /etc/nftables.conf 2>/dev/null || true"),
        "service": fabric.shell(
            server, "sh", "-c", "systemctl is-active keepalived; systemctl is-enabled keepalived || true"
        ),
        "package": fabric.shell(server, "sh", "-c", "dpkg-query -W -f '${db:Status-Status}' keepalived 2>&1 || true"),
    }


@pytest.fixture
def stripped(healthy: Fabric, bare: dict[str, str]) -> Iterator[Fabric]:
    """H1 and H2 as they were before vipbook came; applied again afterwards."""
    for server in ("H2", "H1"):
        healthy.shell(server, "sh", "-c", "apt-get purge -q -y keepalived; rm -rf /etc/keepalived /var/lib/vipbook")
    restore = 'printf "%s" "$1" > /etc/iptables/rules.v4 && iptables-restore /etc/iptables/rules.v4'
    healthy.shell("H1", "sh", "-c", restore, "sh", bare["H1 file"])
    restore = 'rm -f /etc/nftables-vipbook.nft; printf "%s" "$1" > /etc/nftables.conf && nft -f /etc/nftables.conf'
    healthy.shell("H2", "sh", "-c", restore, "sh", bare["H2 file"])
    assert rules(healthy) == bare
    yield healthy
    ran = healthy.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()


def test_a_bare_pair_is_shown_as_a_difference(stripped: Fabric) -> None:
    fabric = stripped
    ran = fabric.vipbook("plan", "--check", "--json")
    assert ran.code == 1
    assert {each["host"]: each["outcome"] for each in ran.report["servers"]} == {"H1": "planned", "H2": "planned"}
    topics = [change["topic"] for change in ran.report["servers"][0]["changes"]]
    assert topics == ["package", "firewall", "firewall", "config", "service"]
    assert "auth_pass ***" in ran.out
    assert fabric.vipbook("plan").code == 0
    assert fabric.vipbook("verify", "--json").state() == "no-master"


def test_a_failure_on_bare_servers_takes_everything_out_again(stripped: Fabric, tmp_path: Path) -> None:
    fabric = stripped
    before = snapshot(fabric, "H2")
    wrong = fabric.variant(tmp_path, ("H2: {interface: enp0s8", "H2: {interface: enp0s9"))
    ran = wrong.vipbook("apply", "--yes", "--json")
    assert ran.code == 4, ran.problems()
    outcomes = {each["host"]: each["outcome"] for each in ran.report["servers"]}
    assert outcomes == {"H2": "rolled-back", "H1": "not-reached"}
    assert "config-test" in ran.report["servers"][0]["reason"]
    after = snapshot(fabric, "H2")
    # What purging the package leaves differs in words only ("no packages found", "unknown ok not-installed").
    assert "installed" not in after.pop("package").replace("not-installed", "")
    before.pop("package")
    assert after == before
    assert leftovers(fabric, "H2") == ""


def test_apply_makes_bare_servers_a_healthy_cluster(healthy: Fabric, applied: Ran) -> None:
    fabric = healthy
    assert applied.report["verdict"] == "pass"
    assert applied.state() == "healthy"
    assert applied.report["hosts"]["answered"] == applied.report["hosts"]["asked"]
    for server in ("H1", "H2"):
        assert fabric.shell(server, "stat", "-c", "%U:%G %a", CONFIG).strip() == "root:root 640"
        assert fabric.shell(server, "systemctl", "is-enabled", "keepalived").strip() == "enabled"
        assert leftovers(fabric, server) == ""


def test_every_other_rule_is_left_as_it_was(healthy: Fabric, bare: dict[str, str]) -> None:
    rule = "-A INPUT -s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT"
    now = rules(healthy)
    for name in ("H1 rules", "H1 file"):
        lines = now[name].splitlines()
        assert lines.index(rule) < next(i for i, line in enumerate(lines) if line.startswith("-A INPUT -j REJECT"))
    assert {name: re.sub(r"(?m)^.*vipbook.*\n", "", text) for name, text in now.items()} == bare


def test_the_rules_come_back_after_a_boot_of_the_firewall(healthy: Fabric) -> None:
    healthy.shell("H1", "systemctl", "restart", "netfilter-persistent")
    healthy.shell("H2", "systemctl", "restart", "nftables")
    ran = healthy.vipbook("verify", "--wait", "15", "--json")
    assert ran.code == 0, ran.problems()
    assert ran.checks()["firewall/H1"]["status"] == ran.checks()["firewall/H2"]["status"] == "pass"


def test_a_second_apply_changes_nothing(healthy: Fabric) -> None:
    before = {server: (snapshot(healthy, server), reloads(healthy, server)) for server in ("H1", "H2")}
    ran = healthy.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert ran.report["changed"] is False
    assert {each["outcome"] for each in ran.report["servers"]} == {"unchanged"}
    assert {server: (snapshot(healthy, server), reloads(healthy, server)) for server in ("H1", "H2")} == before
    assert healthy.vipbook("plan", "--check").code == 0


def test_without_a_terminal_and_without_yes_nothing_is_changed(healthy: Fabric, tmp_path: Path) -> None:
    before = snapshot(healthy, "H2")
    other = healthy.variant(tmp_path, ("priority: 1,", "priority: 2,"))
    ran = other.vipbook("apply")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert snapshot(healthy, "H2") == before


def test_a_change_is_a_reload_and_never_a_restart(healthy: Fabric, tmp_path: Path) -> None:
    pid = healthy.shell("H2", "systemctl", "show", "-P", "MainPID", "keepalived")
    other = healthy.variant(tmp_path, ("priority: 1,", "priority: 50,"))
    ran = other.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert {each["host"]: each["outcome"] for each in ran.report["servers"]} == {"H1": "unchanged", "H2": "applied"}
    assert healthy.shell("H2", "systemctl", "show", "-P", "MainPID", "keepalived") == pid
    assert ran.report["clusters"][0]["vips"][0]["owner"] == "H1"
    assert healthy.vipbook("apply", "--yes").code == 0
    assert healthy.shell("H2", "systemctl", "show", "-P", "MainPID", "keepalived") == pid


def test_a_refused_config_leaves_a_running_server_as_it_was(healthy: Fabric, tmp_path: Path) -> None:
    before = {server: snapshot(healthy, server) for server in ("H1", "H2")}
    wrong = healthy.variant(tmp_path, ("H2: {interface: enp0s8", "H2: {interface: enp0s9"))
    ran = wrong.vipbook("apply", "--yes", "--json")
    assert ran.code == 4, ran.problems()
    assert {server: snapshot(healthy, server) for server in ("H1", "H2")} == before
    assert leftovers(healthy, "H2") == ""


def test_a_change_that_does_not_prove_itself_is_taken_back(healthy: Fabric, tmp_path: Path) -> None:
    """The config is valid, but with another VRID on H2 alone H2 hears nothing that it believes."""
    before = snapshot(healthy, "H2")
    healthy.shell("H2", "systemctl", "mask", "--runtime", "keepalived.service")
    try:
        healthy.shell("H2", "sh", "-c", "kill $(systemctl show -P MainPID keepalived)")
        eventually(
            lambda: healthy.shell("H2", "systemctl", "is-active", "keepalived", check=False).strip(),
            lambda state: state != "active",
            10,
        )
        ran = healthy.vipbook("apply", "--yes", "--json")
        assert ran.code == 4, ran.problems()
    finally:
        healthy.shell("H2", "systemctl", "unmask", "--runtime", "keepalived.service")
        healthy.shell("H2", "systemctl", "start", "keepalived.service")
    assert snapshot(healthy, "H2") == before
    assert leftovers(healthy, "H2") == ""


def test_an_interrupt_in_the_middle_puts_back_what_stood_there(healthy: Fabric, tmp_path: Path) -> None:
    before = snapshot(healthy, "H2")
    other = healthy.variant(tmp_path, ("priority: 1,", "priority: 3,"))
    running = other.start("apply", "--yes")
    assert running.stderr is not None
    for line in running.stderr:
        if "reading back" in line:
            running.send_signal(signal.SIGINT)
            break
    out, err = running.communicate(timeout=60)
    if running.returncode == 0:
        pytest.fail(f"the proof ended before the interrupt came: {out}{err}")
    assert running.returncode == 130, out + err
    assert snapshot(healthy, "H2") == before
    assert leftovers(healthy, "H2") == ""


def test_a_drifted_file_is_found_and_mended(healthy: Fabric) -> None:
    healthy.shell("H1", "sed", "-i", "s/priority 100/priority 101/", CONFIG)
    ran = healthy.vipbook("verify", "--json")
    assert ran.code == 1
    failing = {key for key, check in ran.checks().items() if check["status"] == "fail"}
    assert failing == {"config/H1", "running-config/H1"}
    assert "priority 101" in ran.checks()["config/H1"]["actual"]
    assert healthy.vipbook("plan", "--check").code == 1
    assert healthy.vipbook("apply", "--yes").code == 0


def test_a_closed_firewall_is_split_brain_and_apply_opens_it(healthy: Fabric) -> None:
    healthy.shell("H2", "systemctl", "stop", "nftables")
    healthy.shell(
        "H2", "sh", "-c", "sed '/nftables-vipbook/d' /etc/nftables.conf > /tmp/closed.nft && nft -f /tmp/closed.nft"
    )
    ran = eventually(
        lambda: healthy.vipbook("verify", "--json"), lambda each: each.state() == "split-brain", timeout=20
    )
    assert ran.code == 1
    assert ran.checks()["firewall/H2"]["status"] == "fail"
    assert ran.checks()["master/web"]["status"] == "fail"
    healthy.shell("H2", "systemctl", "start", "nftables")
    assert healthy.vipbook("apply", "--yes").code == 0


def test_secrets_stay_on_the_servers(healthy: Fabric, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    ran = healthy.vipbook("verify", "--json", "--report", f"json:{report}", "-v")
    assert healthy.secret not in report.read_text()  # stdout and stderr are looked at in every call
    assert "***" in report.read_text()
    assert ran.code == 0
    assert report.stat().st_mode & 0o077 == 0
