"""Recorded answers of whole leaves, judged: what a fabric really said, and what must be said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.mac import MacAddress
from tasks.model.server import Interface, ServerFacts
from tasks.model.verdict import Status, VipState
from tests.unit.builders import VMAC, client_facts, desired, instance, probe_facts, server_facts
from tests.unit.fabric.captured import VIP, VTEPS, captured_cluster, captured_leaf
from tests.unit.judge.broken import by_name

MACS = {"srv1": MacAddress("48:b0:2d:00:00:01"), "srv2": MacAddress("48:b0:2d:00:00:02")}
VIRTUAL = MacAddress("00:00:5e:00:01:33")
TABLES = {"neighbor", "fdb", "evpn-mac", "evpn-arp", "bgp-type2", "agreement", "origin", "duplicate", "mobility"}


def captured_server(stage: str, name: str, owner: str) -> ServerFacts:
    cluster = captured_cluster(stage)
    own, leads = cluster.server(name), name == owner
    first = Interface(name="eth1", mac=MACS[name], up=True, addresses=(own.address,))
    bearing = Interface(name="vrrp51", mac=VIRTUAL, up=True, addresses=(VIP,) if leads else ())
    plain = replace(first, addresses=(own.address, VIP) if leads else (own.address,))
    running = instance("H1", "master" if leads else "backup", vrid=cluster.vrid, interface="eth1")
    facts = server_facts(
        "H1",
        instances=(running,),
        later=(running,),
        interfaces=(first, bearing) if cluster.use_vmac else (plain,),
    )
    return replace(facts, host=name)


def captured(stage: str, owner: str) -> Subject:
    cluster = captured_cluster(stage)
    mac = VIRTUAL if cluster.use_vmac else MACS[owner]
    return Subject(
        cluster=cluster,
        vip=VIP,
        servers={name: captured_server(stage, name, owner) for name in MACS},
        leaves={leaf: captured_leaf(stage, leaf) for leaf in VTEPS},
        probes={"I1": probe_facts(vip=VIP), "C1": client_facts(mac, vip=VIP)},
        desired={name: desired("H1") for name in MACS},
    )


STALE = "neighbor evpn-arp bgp-type2"
RECORDED = [
    # stage, who bears the VIP, the word, the tables that fail by leaf, what is known
    ("neighmgrd/02_failover", "srv2", VipState.HEALTHY, {}, set()),
    ("vmac/01_on_srv1", "srv1", VipState.HEALTHY, {}, set()),
    ("vmac/02_failover", "srv2", VipState.HEALTHY, {}, set()),
    # the VIP is in every table of every leaf, and all of it points to the dead server
    (
        "no_neighmgrd/02_failover",
        "srv2",
        VipState.STALE_NEIGHBOR,
        {"L1": STALE, "L2": STALE, "L3": STALE},
        {"garp-refused L2"},
    ),
    # zebra left the VXLAN device's row behind on L2, which nothing uses; the kernel of L2 has the VIP right, zebra has
    # it inactive, and nobody else follows
    (
        "vmac_frozen/05_many_moves",
        "srv2",
        VipState.NOT_ADVERTISED,
        {
            "L1": "neighbor fdb evpn-mac evpn-arp bgp-type2",
            "L2": "evpn-arp bgp-type2 agreement duplicate",
            "L3": "fdb evpn-mac evpn-arp bgp-type2",
        },
        {"frozen-duplicate L2"},
    ),
]


@pytest.mark.parametrize(("stage", "owner", "state", "failing", "causes"), RECORDED)
def test_recorded(stage: str, owner: str, state: VipState, failing: dict[str, str], causes: set[str]) -> None:
    verdict = judge_vip(captured(stage, owner))
    assert (verdict.state, verdict.owner) == (state, owner)
    expected = {f"{check} {leaf}" for leaf, checks in failing.items() for check in checks.split()}
    red = {
        name
        for name, finding in by_name(verdict).items()
        if finding.check in TABLES - {"origin"} and finding.status is Status.FAIL
    }
    assert red == expected
    assert {f"{cause.id} {cause.host}" for cause in verdict.causes} == causes


@pytest.mark.parametrize(
    ("stage", "owner"),
    [("neighmgrd/02_failover", "srv1"), ("vmac/01_on_srv1", "srv2"), ("vmac/02_failover", "srv1")],
)
def test_the_same_tables_with_the_vip_on_the_other_server(stage: str, owner: str) -> None:
    """What is right for one owner is wrong for the other, on every leaf, without a virtual MAC and with one."""
    verdict = judge_vip(captured(stage, owner))
    assert verdict.state in {VipState.STALE_NEIGHBOR, VipState.WRONG_LOCATION}
    red = {finding.target for finding in verdict.findings if finding.status is Status.FAIL}
    assert set(VTEPS) <= red
    assert VMAC != VIRTUAL
