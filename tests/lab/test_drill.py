"""drill on the real fabric: measured, explained by the timers, and undone whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import AGEING, Fabric, Ran, bring_back, eventually, fail_over, hand_over_and_back

pytestmark = pytest.mark.lab


def link_is_up(fabric: Fabric) -> bool:
    text = fabric.shell("H1", "ip", "link", "show", "dev", "enp0s8")
    routes = fabric.shell("H1", "ip", "route", "show", "default")
    return "state UP" in text and "default via 100.65.0.1 dev enp0s8" in routes


def leftovers(fabric: Fabric) -> str:
    units = fabric.shell("H1", "systemctl", "list-units", "--all", "--plain", "--no-legend", "vipbook-*")
    files = fabric.shell("H1", "sh", "-c", "ls -d /var/lib/vipbook/undo-* 2>/dev/null || true")
    eventually(lambda: fabric.shell("I1", "sh", "-c", "pgrep -a ping || true"), lambda text: text == "", timeout=5)
    return units + files


def test_a_drill_measures_both_outages_and_leaves_no_trace(healthy: Fabric) -> None:
    routes = healthy.shell("H1", "ip", "route")
    ran = healthy.vipbook("drill", "web", "--probe", "I1", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    drill = ran.report["drill"]
    assert ran.report["verdict"] == "pass"
    assert (drill["fault"], drill["target"], drill["restored"]) == ("link-down", "H1", True)
    assert drill["probe"] == {"from": "I1", "interval_s": 0.01}
    assert [(each["from"], each["same_subnet"]) for each in drill["probes"]] == [("I1", False)]
    assert drill["probes"][0]["outages"] == drill["outages"]
    failover, failback = drill["outages"]
    assert (failover["phase"], failback["phase"]) == ("failover", "failback")
    # VRRPv2, 1 s, priority 1: 3 + 255/256 s less up to one interval, and the fabric's allowance on top.
    assert failover["bound_s"] == [2.996, 4.996]
    assert 2.9 < failover["seconds"] < 5.0
    assert failover["within_bound"] is failback["within_bound"] is True
    assert failover["lost"] > 0
    assert failover["sent"] > failover["lost"]
    assert 0.001 < failover["resolution_s"] < 0.05
    events = [(event["host"], event["source"]) for event in drill["timeline"]]
    assert ("H1", "fault") in events
    assert ("H2", "keepalived") in events
    assert ("I1", "probe") in events
    assert [event["offset_s"] for event in drill["timeline"]] == sorted(
        event["offset_s"] for event in drill["timeline"]
    )
    assert [stage["name"] for stage in drill["stages"]] == ["before", "failover", "failback"]
    assert drill["stages"][1]["clusters"][0]["vips"][0]["owner"] == "H2"
    assert sorted(healthy.shell("H1", "ip", "route").splitlines()) == sorted(routes.splitlines())
    assert leftovers(healthy) == ""


def test_every_probe_host_measures_and_a_client_in_the_subnet_takes_as_long_as_its_own_timers(
    healthy: Fabric,
) -> None:
    """Without a virtual MAC no gratuitous ARP reaches C1: its old entry lasts although every leaf is right."""
    ran = healthy.vipbook("drill", "web", "--yes", "--json", timeout=400)
    assert ran.code == 0, ran.problems()
    drill = ran.report["drill"]
    routed, client = drill["probes"]
    assert (routed["from"], routed["same_subnet"]) == ("I1", False)
    assert (client["from"], client["same_subnet"]) == ("C1", True)
    assert drill["outages"] == routed["outages"]
    assert all(each["within_bound"] for probe in drill["probes"] for each in probe["outages"])
    # 1.5 times the base reachable time, the delay, and three probes of a second (arp(7)) on top of the fabric's bound.
    ages = 1.5 * AGEING["base_reachable_time_ms"] / 1000 + AGEING["delay_first_probe_time"] + 3
    for mine, theirs in zip(client["outages"], routed["outages"], strict=True):
        assert mine["bound_s"][1] == pytest.approx(theirs["bound_s"][1] + ages)
    # How old the entry was at the fault is chance, so one phase alone may end with the fabric's.
    assert sum(each["seconds"] for each in client["outages"]) > sum(each["seconds"] for each in routed["outages"])
    events = [(each["host"], each["event"]) for each in drill["timeline"] if each["source"] == "judge"]
    leaves = events.index(("L3", "failover: all that it holds is right"))
    assert leaves < events.index(("C1", "failover: all that it holds is right"))


@pytest.fixture
def virtual(healthy: Fabric, tmp_path: Path) -> Iterator[Fabric]:
    """The same cluster with a virtual MAC."""
    changed = healthy.variant(tmp_path, ("vrid: 11", "vrid: 11\n    use_vmac: true"))
    try:
        applied = changed.vipbook("apply", "--yes", "--json")
        assert applied.code == 0, applied.problems()
        yield changed
    finally:
        back = healthy.vipbook("apply", "--yes", "--json")
    assert back.code == 0, back.problems()


def test_with_a_virtual_mac_the_client_is_back_with_everybody_else(virtual: Fabric) -> None:
    """Once a move with both links up has raised its sequence, L1 refuses the route of the next link-down (frr#9327)."""
    hand_over_and_back(virtual)
    settled = virtual.vipbook("verify", "--wait", "30", "--json")
    assert settled.report["verdict"] == "pass", settled.problems()
    ran = virtual.vipbook("drill", "web", "--yes", "--json", timeout=300)
    assert ran.code == 1, ran.problems()
    assert ran.report["reason"].startswith("failover: neighbor L1")
    as_fast_as_the_fabric(ran)

    fail_over(virtual)
    try:
        stuck = eventually(
            lambda: virtual.vipbook("verify", "--json"),
            lambda each: any(cause["id"] == "higher-cached-sequence" for cause in each.vip()["known_causes"]),
            timeout=20,
        )
        causes = stuck.vip()["known_causes"]
        assert [(each["id"], each["host"]) for each in causes] == [("higher-cached-sequence", "L1")]
        # An ARP answer that is flooded may bring the entry back before the route is taken: then it goes again.
        for turn in range(3):
            virtual.follow(causes[0]["advice"], again=turn > 0)
            healed = virtual.vipbook("verify", "--wait", "15", "--json")
            if healed.state() == "healthy":
                break
        assert healed.state() == "healthy", healed.problems()
        assert healed.vip()["owner"] == "H2"
    finally:
        bring_back(virtual)
    back = virtual.vipbook("verify", "--wait", "30", "--json")
    assert back.report["verdict"] == "pass", back.problems()

    ran = virtual.vipbook("drill", "web", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    vip = ran.vip()
    assert (vip["owner"], vip["mac"]) == ("H1", "00:00:5e:00:01:0b")
    as_fast_as_the_fabric(ran)


def as_fast_as_the_fabric(ran: Ran) -> None:
    """The client in the VIP's own subnet is held against the same bound as the one outside, and is within it."""
    routed, client = ran.report["drill"]["probes"]
    for mine, theirs in zip(client["outages"], routed["outages"], strict=True):
        assert mine["bound_s"] == theirs["bound_s"]
        assert mine["within_bound"]
