"""Leaves whose tables lead astray: exactly which checks go red, the state, and what is said."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.verdict import VipState
from tests.unit.builders import (
    MACS,
    OTHER_MAC,
    VTEPS,
    cluster,
    evpn_mac,
    evpn_neighbor,
    fabric,
    fdb_row,
    neighbor,
    path,
    subject,
    with_leaf,
)
from tests.unit.judge.broken import changed_by, message_of

H1, H2 = MACS["H1"], MACS["H2"]
V1, V2 = VTEPS["L1"], VTEPS["L2"]
VRR = "vlan100-v0"
Row = tuple[str, dict[str, object], dict[str, str], VipState, str]

FINE: list[Row] = [
    # the bridge's row decides; zebra leaves the VXLAN device's behind when a virtual MAC comes back
    ("L1", {"fdb": (fdb_row(H1, "swp1"), fdb_row(H1, "vni100", vtep=V2))}, {}, VipState.HEALTHY, ""),
    (
        "L1",
        {"fdb": (fdb_row(H1, "swp1"), fdb_row(H1, "vni100", vtep=V2, extern_learn=False))},
        {"fdb L1": "warn"},
        VipState.HEALTHY,
        "L1 has 08:00:27:7d:af:b4 on swp1; EVPN did not write vni100 dst 10.255.0.12",
    ),
    # leaf, what it says instead, every status that is not as on the healthy cluster, state, piece of the message
    ("L1", {"neighbors": (neighbor(H1, remote=False, states=frozenset({"STALE"})),)}, {}, VipState.HEALTHY, ""),
    (
        "L2",
        {"neighbors": (neighbor(H1, remote=True), neighbor(H1, interface=VRR, remote=False))},
        {"gateway-neighbor L2": "pass"},
        VipState.HEALTHY,
        "the copy on vlan100-v0 says 08:00:27:7d:af:b4 (H1)",
    ),
    (
        "L2",
        {"neighbors": (neighbor(H1, remote=True), neighbor(H2, interface=VRR, remote=False))},
        {"gateway-neighbor L2": "warn"},
        VipState.HEALTHY,
        "the copy on vlan100-v0 still says 08:00:27:70:07:ae (H2)",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni100", vtep=V1),)},
        {"fdb L2": "warn"},
        VipState.HEALTHY,
        "on vni100 alone, not in its bridge, which floods for it",
    ),
    ("L2", {"evpn_neighbors": (evpn_neighbor(H1, vtep=V1, state=None),)}, {}, VipState.HEALTHY, ""),
    ("L1", {"evpn_neighbors": (evpn_neighbor(H1, duplicate=True),)}, {"duplicate L1": "warn"}, VipState.HEALTHY, ""),
    (
        "L2",
        {"evpn_neighbors": (evpn_neighbor(H1, vtep=V1, state="inactive"),)},
        {"evpn-arp L2": "warn"},
        VipState.HEALTHY,
        "zebra on L2 has it inactive",
    ),
    (
        "L1",
        {"evpn_neighbors": (evpn_neighbor(H1, state="inactive"),)},
        {"evpn-arp L1": "warn"},
        VipState.HEALTHY,
        "zebra on L1 has it inactive, although BGP advertises it",
    ),
    # the same origin under two route distinguishers is one origin; a path that is not best is no origin
    ("L2", {"paths": (path(H1, V1, rd="1:1"), path(H1, V1, rd="1:2"))}, {}, VipState.HEALTHY, ""),
    ("L2", {"paths": (path(H1, V1), path(H2, V2, best=False))}, {}, VipState.HEALTHY, ""),
    ("L2", {"paths": (path(H1, V1), path(OTHER_MAC, V2, address="100.65.0.99"))}, {}, VipState.HEALTHY, ""),
]

RED: list[Row] = [
    (
        "L1",
        {"fdb": (fdb_row(H1, "swp1"), fdb_row(H1, "vni100", vtep=V2, permanent=True))},
        {"fdb L1": "fail"},
        VipState.WRONG_LOCATION,
        "L1 has a permanent entry",
    ),
    (
        "L1",
        {"fdb": (fdb_row(H1, "vni100", vtep=V2),)},
        {"fdb L1": "fail", "agreement L1": "fail"},
        VipState.WRONG_LOCATION,
        "L1 has 08:00:27:7d:af:b4 at vni100 dst 10.255.0.12",
    ),
    # what will not follow the VIP, or nobody knows who wrote it
    (
        "L2",
        {"neighbors": (neighbor(H1, remote=True, permanent=True),)},
        {"neighbor L2": "fail"},
        VipState.WRONG_LOCATION,
        "static entry",
    ),
    (
        "L2",
        {"neighbors": (neighbor(H1, remote=True, states=frozenset({"STALE"})),)},
        {"neighbor L2": "warn"},
        VipState.HEALTHY,
        "an EVPN entry that ages",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni100"), fdb_row(H1, "vni100", vtep=V1, permanent=True))},
        {"fdb L2": "fail"},
        VipState.WRONG_LOCATION,
        "L2 has a permanent entry for 08:00:27:7d:af:b4, which will not follow it",
    ),
    (
        "L1",
        {"fdb": (fdb_row(H1, "swp1", permanent=True),)},
        {"fdb L1": "fail"},
        VipState.WRONG_LOCATION,
        "L1 has a permanent entry",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni100"), fdb_row(H1, "vni100", vtep=V1, extern_learn=False))},
        {"fdb L2": "warn"},
        VipState.HEALTHY,
        "EVPN did not write that",
    ),
    (
        "L1",
        {"fdb": (fdb_row(H1, "swp1", extern_learn=True),)},
        {"fdb L1": "fail"},
        VipState.WRONG_LOCATION,
        "written by EVPN",
    ),
    # a route or an entry of an Ethernet segment that the owner's leaf knows nothing of
    (
        "L2",
        {"paths": (path(H1, V1, segment="03:44:38:39:ff:ff:01:00:00:01"),)},
        {"bgp-type2 L2": "fail"},
        VipState.WRONG_LOCATION,
        "L2 points to segment 03:44:38:39:ff:ff:01:00:00:01",
    ),
    (
        "L2",
        {"evpn_macs": (evpn_mac(H1, segment="03:44:38:39:ff:ff:01:00:00:01"),)},
        {"evpn-mac L2": "fail"},
        VipState.WRONG_LOCATION,
        "L2 points to segment",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni100"), fdb_row(H1, "vni100", nexthop_group=536870913, bridge=None))},
        {"fdb L2": "unknown"},
        VipState.UNKNOWN,
        "no leaf names a segment for it",
    ),
    # BGP holds what it can't use; one leaf lacks what all others have, so it is not learned here
    (
        "L2",
        {"paths": (path(H1, V1, valid=False),)},
        {"bgp-type2 L2": "fail", "agreement L2": "fail"},
        VipState.NOT_LEARNED,
        "L2 has no type-2 route",
    ),
    # the same address on another VLAN of the leaf
    (
        "L2",
        {"neighbors": (neighbor(H1, remote=True), neighbor(H2, interface="vlan200", remote=False))},
        {"neighbor L2": "warn"},
        VipState.HEALTHY,
        "L2 holds 100.65.0.10 on vlan100 and on vlan200",
    ),
    (
        "L1",
        {"neighbors": (neighbor(H1, interface="vlan200", remote=False),)},
        {"neighbor L1": "fail", "agreement L1": "fail"},
        VipState.NOT_LEARNED,
        "L1 has no neighbor 100.65.0.10 on vlan100, but on vlan200",
    ),
    (
        "L1",
        {"neighbors": ()},
        {"neighbor L1": "fail", "agreement L1": "fail"},
        VipState.NOT_LEARNED,
        "L1 has no neighbor 100.65.0.10",
    ),
    (
        "L2",
        {"neighbors": (neighbor(H1, interface=VRR, remote=False),)},
        {"neighbor L2": "fail", "gateway-neighbor L2": "pass", "agreement L2": "fail"},
        VipState.NOT_LEARNED,
        "L2 has no neighbor 100.65.0.10",
    ),
    *(
        (
            "L1",
            {"neighbors": (neighbor(None, remote=False, states=frozenset({state})),)},
            {"neighbor L1": "fail", "agreement L1": "fail"},
            VipState.NOT_LEARNED,
            "L1 could not resolve 100.65.0.10",
        )
        for state in ("FAILED", "INCOMPLETE", "REACHABLE")
    ),
    *(
        (
            "L1",
            {"neighbors": (neighbor(H1, remote=False, states=frozenset(states)),)},
            {"neighbor L1": "fail"},
            VipState.NOT_LEARNED,
            "L1 could not resolve 100.65.0.10",
        )
        for states in ({"FAILED"}, {"NONE"}, set())
    ),
    (
        "L1",
        {"neighbors": (neighbor(H1, remote=False, states=frozenset({"NOARP"})),)},
        {"neighbor L1": "fail"},
        VipState.WRONG_LOCATION,
        "static entry",
    ),
    (
        "L2",
        {"neighbors": (neighbor(H2, remote=True),)},
        {"neighbor L2": "fail", "agreement L2": "fail"},
        VipState.STALE_NEIGHBOR,
        "L2 still holds 08:00:27:70:07:ae (H2) for 100.65.0.10; H1 bears it",
    ),
    (
        "L2",
        {"neighbors": (neighbor(OTHER_MAC, remote=True),)},
        {"neighbor L2": "fail", "agreement L2": "fail"},
        VipState.STALE_NEIGHBOR,
        "L2 still holds 08:00:27:ff:ff:ff for",
    ),
    (
        "L1",
        {"neighbors": (neighbor(H1, remote=False, permanent=True),)},
        {"neighbor L1": "fail"},
        VipState.WRONG_LOCATION,
        "static entry",
    ),
    (
        "L1",
        {"neighbors": (neighbor(H1, remote=True),)},
        {"neighbor L1": "fail"},
        VipState.WRONG_LOCATION,
        "L1 holds an EVPN entry for a server on its own swp1",
    ),
    (
        "L2",
        {"neighbors": (neighbor(H1, remote=False),)},
        {"neighbor L2": "fail"},
        VipState.WRONG_LOCATION,
        "L2 learned 100.65.0.10 from its own ports, but H1 is at L1",
    ),
    (
        "L1",
        {"fdb": ()},
        {"fdb L1": "fail", "agreement L1": "fail"},
        VipState.NOT_LEARNED,
        "L1 has no FDB entry for 08:00:27:7d:af:b4",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H2, "swp1"),)},
        {"fdb L2": "fail", "agreement L2": "fail"},
        VipState.NOT_LEARNED,
        "no FDB entry",
    ),
    (
        "L1",
        {"fdb": (fdb_row(H1, "swp2"),)},
        {"fdb L1": "fail", "attachment H1": "fail"},
        VipState.WRONG_LOCATION,
        "at swp2",
    ),
    (
        "L1",
        {"fdb": (fdb_row(H1, "swp1"), fdb_row(H1, "swp2"))},
        {"fdb L1": "fail"},
        VipState.WRONG_LOCATION,
        "at swp1, swp2",
    ),
    (
        "L1",
        {"fdb": (fdb_row(H1, "vni100"), fdb_row(H1, "vni100", vtep=V2))},
        {"fdb L1": "fail", "agreement L1": "fail"},
        VipState.WRONG_LOCATION,
        "vni100 dst 10.255.0.12",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni100"), fdb_row(H1, "vni100", vtep="10.255.0.99"))},
        {"fdb L2": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "L2 points to 10.255.0.99; H1 is behind VTEP 10.255.0.11 (L1)",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni100"), fdb_row(H1, "vni100", vtep=V1), fdb_row(H1, "vni100", vtep="10.255.0.99"))},
        {"fdb L2": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "points to 10.255.0.11, 10.255.0.99",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "swp1"),)},
        {"fdb L2": "fail", "attachment H1": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "at swp1",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni100"),)},
        {"fdb L2": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "at vni100",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "swp1"), fdb_row(H1, "vni100", vtep=V1))},
        {"fdb L2": "fail", "attachment H1": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "at swp1, vni100 dst 10.255.0.11",
    ),
    (
        "L2",
        {"fdb": (fdb_row(H1, "vni200", vtep=V1),)},
        {"fdb L2": "fail", "agreement L2": "fail"},
        VipState.NOT_LEARNED,
        "no FDB entry",
    ),
    (
        "L1",
        {"evpn_macs": ()},
        {"evpn-mac L1": "fail", "agreement L1": "fail"},
        VipState.NOT_LEARNED,
        "zebra on L1 does not know 08:00:27:7d",
    ),
    (
        "L1",
        {"evpn_macs": (evpn_mac(H1, vtep=V2),)},
        {"evpn-mac L1": "fail", "agreement L1": "fail"},
        VipState.WRONG_LOCATION,
        "as remote 10.255.0.12",
    ),
    (
        "L1",
        {"evpn_macs": (evpn_mac(H1, port="swp9"),)},
        {"evpn-mac L1": "fail"},
        VipState.WRONG_LOCATION,
        "as local swp9",
    ),
    (
        "L2",
        {"evpn_macs": (evpn_mac(H1, port="swp1"),)},
        {"evpn-mac L2": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "as local swp1",
    ),
    (
        "L2",
        {"evpn_macs": (evpn_mac(H1, vtep="10.255.0.99"),)},
        {"evpn-mac L2": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "L2 points to 10.255.0.99",
    ),
    (
        "L2",
        {"evpn_macs": (evpn_mac(H1),)},
        {"evpn-mac L2": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "no VTEP",
    ),
    (
        "L2",
        {"evpn_macs": (evpn_mac(H1, kind="auto"),)},
        {"evpn-mac L2": "fail", "agreement L2": "fail"},
        VipState.WRONG_LOCATION,
        "as auto",
    ),
    (
        "L1",
        {"evpn_neighbors": ()},
        {"evpn-arp L1": "fail", "agreement L1": "fail", "mobility L1": "skip"},
        VipState.NOT_LEARNED,
        "zebra on L1 does not know 100.65.0.10",
    ),
    (
        "L2",
        {"evpn_neighbors": (evpn_neighbor(H2, vtep=V2),)},
        {"evpn-arp L2": "fail", "agreement L2": "fail", "mobility L2": "skip"},
        VipState.STALE_NEIGHBOR,
        "zebra on L2 still holds 08:00:27:70:07:ae (H2)",
    ),
    (
        "L1",
        {"evpn_neighbors": (evpn_neighbor(None),)},
        {"evpn-arp L1": "fail", "agreement L1": "fail", "mobility L1": "skip"},
        VipState.STALE_NEIGHBOR,
        "still holds no MAC",
    ),
    (
        "L1",
        {"evpn_neighbors": (evpn_neighbor(H1, vtep=V2),)},
        {"evpn-arp L1": "fail", "mobility L1": "skip"},
        VipState.WRONG_LOCATION,
        "has 100.65.0.10 as remote",
    ),
    (
        "L1",
        {"evpn_neighbors": (evpn_neighbor(H1, state="inactive"),), "paths": ()},
        {"evpn-arp L1": "fail", "bgp-type2 L1": "fail", "agreement L1": "fail"},
        VipState.NOT_ADVERTISED,
        "zebra on L1 has it inactive: it is not advertised",
    ),
    (
        "L2",
        {"evpn_neighbors": (evpn_neighbor(H1, vtep="10.255.0.99"),)},
        {"evpn-arp L2": "fail"},
        VipState.WRONG_LOCATION,
        "L2 points to 10.255.0.99",
    ),
    (
        "L2",
        {"paths": ()},
        {"bgp-type2 L2": "fail", "agreement L2": "fail"},
        VipState.NOT_LEARNED,
        "L2 has no type-2 route of 100.65.0.10",
    ),
    (
        "L2",
        {"paths": (path(H1, V1, best=False),)},
        {"bgp-type2 L2": "fail", "agreement L2": "fail"},
        VipState.NOT_LEARNED,
        "no type-2 route",
    ),
    (
        "L2",
        {"paths": (path(H1, V1, address="100.65.0.99"),)},
        {"bgp-type2 L2": "fail", "agreement L2": "fail"},
        VipState.NOT_LEARNED,
        "no type-2 route",
    ),
    (
        "L2",
        {"paths": (path(H2, V2),)},
        {"bgp-type2 L2": "fail", "agreement L2": "fail", "origin web": "fail"},
        VipState.STALE_NEIGHBOR,
        "type-2 route of 100.65.0.10 with 08:00:27:70:07:ae (H2)",
    ),
    (
        "L2",
        {"paths": (path(H1, V1), path(H2, V2))},
        {"bgp-type2 L2": "fail", "agreement L2": "fail", "origin web": "fail"},
        VipState.STALE_NEIGHBOR,
        "08:00:27:70:07:ae (H2)",
    ),
    (
        "L1",
        {"paths": (path(H1, V1), path(H1, V2))},
        {"bgp-type2 L1": "fail", "agreement L1": "fail", "origin web": "fail"},
        VipState.WRONG_LOCATION,
        "points to 10.255.0.11, 10.255.0.12",
    ),
    (
        "L1",
        {"paths": (path(H1, V2),)},
        {"bgp-type2 L1": "fail", "agreement L1": "fail", "origin web": "fail"},
        VipState.WRONG_LOCATION,
        "points to 10.255.0.12",
    ),
]


@pytest.mark.parametrize(("leaf", "values", "changed", "state", "piece"), [*FINE, *RED])
def test_exactly_these_checks_change(
    leaf: str, values: dict[str, object], changed: dict[str, str], state: VipState, piece: str
) -> None:
    broken = with_leaf(subject(), leaf, **values)
    assert changed_by(broken) == changed
    assert judge_vip(broken).state is state
    assert not piece or any(piece in message_of(broken, name) for name in changed)


def shared(leaf: str, *rows: object) -> Subject:
    """A VLAN-aware bridge, whose FDB holds the rows of all VLANs."""
    return with_leaf(subject(cluster=cluster(fabric=fabric(bridge="bridge", vlan=100))), leaf, fdb=rows)


@pytest.mark.parametrize(
    ("leaf", "rows", "failing"),
    [
        ("L1", [fdb_row(H1, "swp1", vlan=100)], ""),
        ("L1", [fdb_row(H1, "swp1", vlan=100), fdb_row(H1, "swp7", vlan=200)], ""),
        ("L1", [fdb_row(H1, "swp1", vlan=200)], "fdb L1, agreement L1"),
        ("L1", [fdb_row(H1, "swp7", vlan=100)], "fdb L1, attachment H1"),
        ("L2", [fdb_row(H1, "vni100", vlan=100), fdb_row(H1, "vni100", vtep=V1, vni=100)], ""),
        ("L2", [fdb_row(H1, "vni100", vlan=100), fdb_row(H1, "vni100", vtep=V1, vni=200)], "fdb L2, agreement L2"),
        ("L2", [fdb_row(H1, "vni100", vlan=100), fdb_row(H1, "vni100", vtep=V2, vni=100)], "fdb L2, agreement L2"),
    ],
)
def test_a_vlan_aware_bridge(leaf: str, rows: list[object], failing: str) -> None:
    assert changed_by(shared(leaf, *rows)) == {name: "fail" for name in failing.split(", ") if name}


ONE_DEVICE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("vxlan48", {"vlan": 100, "extern_learn": True}),
    ("vxlan48", {"vtep": V1, "vni": 100, "extern_learn": True}),
)


@pytest.mark.parametrize(
    ("rows", "failing"),
    [
        # one device carries all VNIs: src_vni alone tells which
        ([("vxlan48", {"vlan": 100}), ("vxlan48", {"vtep": V1, "vni": 100})], ""),
        (
            [("vxlan48", {"vlan": 100}), ("vxlan48", {"vtep": V1, "vni": 100}), ("vxlan48", {"vtep": V2, "vni": 200})],
            "",
        ),
        ([("vxlan48", {"vlan": 100}), ("vxlan48", {"vtep": V2, "vni": 100})], "fdb L2, agreement L2"),
        ([("vxlan48", {"vlan": 100}), ("vxlan48", {"vtep": V1, "vni": 200})], "fdb L2, agreement L2"),
        ([("vxlan48", {"vlan": 200}), ("vxlan48", {"vtep": V1, "vni": 200})], "fdb L2, agreement L2"),
    ],
)
def test_a_single_vxlan_device(rows: list[tuple[str, dict[str, Any]]], failing: str) -> None:
    declared = cluster(fabric=fabric(bridge="br_default", vlan=100, vxlan="vxlan48"))
    table = [fdb_row(H1, port, **({"extern_learn": True} | fields)) for port, fields in rows]
    whole = with_leaf(
        subject(cluster=declared), "L3", fdb=tuple(fdb_row(H1, port, **fields) for port, fields in ONE_DEVICE)
    )
    assert changed_by(with_leaf(whole, "L2", fdb=tuple(table))) == {
        name: "fail" for name in failing.split(", ") if name
    }


def test_a_fabric_without_vrr_interface_has_no_copy_to_judge() -> None:
    whole = subject(cluster=cluster(fabric=fabric(vrr=None)))
    assert changed_by(whole) == {}


def test_after_a_failover_that_the_fabric_missed_every_table_is_stale() -> None:
    """The VIP moved to H2, and every leaf still says what it said before: they agree, and are wrong together."""
    broken = subject(owner="H2", leaves=subject(owner="H1").leaves)
    names = ("neighbor", "evpn-arp", "bgp-type2", "fdb", "evpn-mac")
    wrong = {f"{check} {leaf}": "fail" for check in names for leaf in VTEPS} | {"origin web": "fail"}
    unplaced = {f"mobility {leaf}": "skip" for leaf in VTEPS}
    assert changed_by(broken) == wrong | unplaced | {
        "preferred-master web": "warn",
        "adverts H1": "pass",
        "adverts H2": "skip",
    }
    assert judge_vip(broken).state is VipState.STALE_NEIGHBOR
    assert "L2 still holds 08:00:27:7d:af:b4 (H1) for 100.65.0.10; H2 bears it" in message_of(broken, "neighbor L2")
