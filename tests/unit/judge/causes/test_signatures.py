"""What is known of a broken fabric, and the steps that mend it, in the one order that is safe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.verdict import KnownCause
from tests.unit.builders import (
    GONE,
    MACS,
    VIP6,
    VMAC,
    client_facts,
    cluster,
    detection,
    evpn_mac,
    evpn_neighbor,
    fabric,
    fdb_row,
    neighbor,
    silent_leaf,
    subject,
    with_leaf,
)
from tests.unit.judge.fabrics import V1, frozen_tables, garp_refused, ipv6, moved, segment, virtual

H1, H2 = MACS["H1"], MACS["H2"]
FIRST = "find out first why it moved so often: two masters, or failovers in a row"
LAST = "vipbook verify --wait 60; where a leaf still lacks the VIP: these steps again"


def causes(facts: Subject) -> dict[str, KnownCause]:
    return {f"{each.id} {each.host}": each for each in judge_vip(facts).causes}


def frozen(facts: Subject, leaf: str, mac: Any = VMAC, **changed: Any) -> Subject:  # noqa: ANN401
    """That leaf froze the VIP while it had it on its own port."""
    return with_leaf(facts, leaf, **(frozen_tables(mac) | changed))


V6_ROW = evpn_neighbor(H2, state="inactive", duplicate=True, address=str(VIP6.ip))
THAW: list[tuple[Subject, str, list[str]]] = [
    # the server behind the frozen leaf bears the VIP: what the leaf lets go is right, so nothing is deleted
    (
        frozen(virtual("H2", 4), "L2"),
        "L2",
        [
            "on L2: sudo vtysh -c 'clear evpn dup-addr vni 100'",
            "on H2: sudo arping -U -c 3 -I vrrp11 100.65.0.10",
        ],
    ),
    (
        frozen(subject(owner="H2"), "L2", H2),
        "L2",
        [
            "on L2: sudo vtysh -c 'clear evpn dup-addr vni 100'",
            "on H2: sudo arping -U -c 3 -I enp0s8 100.65.0.10",
        ],
    ),
    # it bears it elsewhere: what the leaf would let go is stale, and would win with its higher sequence
    (
        frozen(virtual("H1", 4), "L2"),
        "L2",
        [
            "on L2: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on L2: sudo bridge fdb del 00:00:5e:00:01:0b dev swp1 master",
            "on L2: sudo vtysh -c 'clear evpn dup-addr vni 100'",
            "on L1: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on L1: sudo bridge fdb del 00:00:5e:00:01:0b dev swp1 master",
            "on H1: sudo arping -U -c 3 -I vrrp11 100.65.0.10",
        ],
    ),
    # no FDB row of the virtual MAC on a port: a word to fill in
    (
        frozen(virtual("H1", 4), "L2", fdb=GONE),
        "L2",
        [
            "on L2: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on L2: sudo bridge fdb del 00:00:5e:00:01:0b dev PORT master",
            "on L2: sudo vtysh -c 'clear evpn dup-addr vni 100'",
            "on L1: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on L1: sudo bridge fdb del 00:00:5e:00:01:0b dev swp1 master",
            "on H1: sudo arping -U -c 3 -I vrrp11 100.65.0.10",
        ],
    ),
    # without a virtual MAC the server's own MAC is where it belongs: the neighbor alone is stale
    (
        frozen(subject(), "L2", H2),
        "L2",
        [
            "on L2: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on L2: sudo vtysh -c 'clear evpn dup-addr vni 100'",
            "on L1: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on H1: sudo arping -U -c 3 -I enp0s8 100.65.0.10",
        ],
    ),
    # a VLAN-aware bridge needs the VLAN in the command
    (
        frozen(
            replace(virtual("H1", 4), cluster=cluster(use_vmac=True, fabric=fabric(bridge="bridge", vlan=100))), "L2"
        ),
        "L2",
        [
            "on L2: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on L2: sudo bridge fdb del 00:00:5e:00:01:0b dev swp1 master vlan 100",
            "on L2: sudo vtysh -c 'clear evpn dup-addr vni 100'",
            "on L1: sudo ip neigh del 100.65.0.10 dev vlan100",
            "on L1: sudo bridge fdb del 00:00:5e:00:01:0b dev swp1 master vlan 100",
            "on H1: sudo arping -U -c 3 -I vrrp11 100.65.0.10",
        ],
    ),
    # IPv6 has no ARP
    (
        frozen(ipv6(), "L2", H2, evpn_neighbors=(V6_ROW,)),
        "L2",
        [
            "on L2: sudo ip neigh del fd00:100:65::10 dev vlan100",
            "on L2: sudo vtysh -c 'clear evpn dup-addr vni 100'",
            "on L1: sudo ip neigh del fd00:100:65::10 dev vlan100",
            "on H1: ping -6 -c 3 -I fd00:100:65::10 ff02::1%enp0s8",
        ],
    ),
]


@pytest.mark.parametrize(("facts", "leaf", "steps"), THAW)
def test_how_to_free_a_frozen_vip(facts: Subject, leaf: str, steps: list[str]) -> None:
    found = causes(facts)[f"frozen-duplicate {leaf}"]
    assert list(found.advice) == [FIRST, *steps, LAST]


@pytest.mark.parametrize(
    ("facts", "there"),
    [
        (frozen(virtual("H2", 4), "L2"), True),
        (frozen(virtual("H2", 4), "L2", detection=detection(freeze=None)), True),  # inactive and flagged says it
        (frozen(virtual("H2", 4), "L2", detection=GONE), True),
        (frozen(virtual("H2", 4), "L2", evpn_neighbors=GONE, detection=detection(freeze=600)), True),
        (frozen(virtual("H2", 4), "L2", evpn_neighbors=GONE, detection=GONE), False),
        (with_leaf(subject(), "L1", evpn_neighbors=(evpn_neighbor(H1, duplicate=True),)), False),
        (with_leaf(subject(), "L1", evpn_neighbors=(evpn_neighbor(H1, state="inactive"),)), False),
        (with_leaf(subject(), "L1", evpn_neighbors=(evpn_neighbor(H1, duplicate=True, address="100.65.0.9"),)), False),
    ],
)
def test_when_a_vip_is_frozen(facts: Subject, there: bool) -> None:  # noqa: FBT001
    assert any(name.startswith("frozen-duplicate") for name in causes(facts)) is there


def left_behind(*, held: int, told: int, state: str = "inactive", **changed: Any) -> Subject:  # noqa: ANN401
    """H2 bears the VIP with its virtual MAC, and L1, whose port went down, still has it as its own."""
    kept = evpn_neighbor(VMAC, state=state, local_sequence=0, remote_sequence=held)
    tables = {
        "evpn_neighbors": (kept,),
        "evpn_macs": (),
        "neighbors": (neighbor(VMAC, remote=False, states=frozenset({"STALE"})),),
    }
    return with_leaf(virtual("H2", told), "L1", **(tables | changed))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (subject(), set()),
        (garp_refused(), {"garp-refused L1"}),
        # what refuses is NOARP; on an Ethernet segment a peer's entry is EVPN's, and ages
        (with_leaf(subject(), "L1", neighbors=(neighbor(H1, remote=True),)), {"garp-refused L1"}),
        (with_leaf(subject(), "L1", neighbors=(neighbor(H1, remote=False, extern_learn=True),)), set()),
        (segment(), set()),
        (
            with_leaf(subject(), "L1", evpn_neighbors=(evpn_neighbor(H1, state="inactive"),)),
            {"inactive-while-local L1"},
        ),
        (with_leaf(subject(), "L2", evpn_neighbors=(evpn_neighbor(H1, vtep=V1, state="inactive"),)), set()),
        # a row that is not there is not stuck
        (with_leaf(subject(), "L2", fdb=()), set()),
        (with_leaf(subject(), "L2", fdb=(fdb_row(H1, "swp3"),)), {"fdb-stuck L2"}),
        # BGP and the FDB agree against zebra
        (with_leaf(subject(), "L2", evpn_macs=(evpn_mac(H1, vtep="10.255.0.99"),)), {"zebra-behind-bgp L2"}),
        (with_leaf(subject(), "L2", evpn_macs=GONE), set()),
        # a lower sequence that is cached elsewhere loses, and explains nothing
        (with_leaf(moved(sequence=5), "L3", evpn_neighbors=(evpn_neighbor(H1, vtep=V1, remote_sequence=4),)), set()),
        (
            with_leaf(moved(sequence=5), "L3", evpn_neighbors=(evpn_neighbor(H1, vtep=V1, remote_sequence=6),)),
            {"higher-cached-sequence L3"},
        ),
        (
            with_leaf(moved(sequence=5), "L3", evpn_neighbors=(evpn_neighbor(H1, vtep=V1, remote_sequence=None),)),
            set(),
        ),
        # the virtual MAC went with its port: what zebra kept of it has a sequence that the new route loses against
        (left_behind(held=2, told=0), {"higher-cached-sequence L1"}),
        (left_behind(held=2, told=1), {"higher-cached-sequence L1"}),
        (left_behind(held=2, told=2), {"zebra-behind-bgp L1"}),
        (left_behind(held=2, told=0, paths=GONE), {"fdb-stuck L1"}),
        (left_behind(held=2, told=0, state="active"), {"zebra-behind-bgp L1"}),
        # withdrawn needs routes that were read
        (with_leaf(subject(), "L1", paths=()), {"withdrawn-while-master L1"}),
        (with_leaf(subject(), "L1", paths=GONE), set()),
        (with_leaf(subject(), "L2", paths=()), set()),
        # a client explains nothing while a leaf is wrong or silent
        (replace(subject(), probes={**subject().probes, "C1": client_facts(H2)}), {"suppressed-arp C1"}),
        (
            with_leaf(replace(subject(), probes={**subject().probes, "C1": client_facts(H2)}), "L3", neighbors=GONE),
            set(),
        ),
        (
            replace(subject(), leaves={leaf: silent_leaf(leaf) for leaf in subject().leaves}),
            set(),
        ),
    ],
)
def test_exactly_these_causes_are_known(facts: Subject, expected: set[str]) -> None:
    assert set(causes(facts)) == expected


def test_every_cause_has_its_reference_and_something_to_do() -> None:
    for facts, _, _ in THAW:
        for each in causes(facts).values():
            assert each.explanation
            assert each.reference
            assert all(each.advice)
