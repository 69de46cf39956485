"""Where a server hangs: declared, found by FDB or LLDP, or contradicting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.judge.place import Home, home_of
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.leaf import FdbRow, LldpNeighbor
from tasks.model.verdict import Status, VipState
from tests.unit.builders import (
    GONE,
    MACS,
    VTEPS,
    cluster,
    fdb_row,
    injected,
    lldp,
    server,
    silent_leaf,
    subject,
    with_leaf,
    with_server,
)
from tests.unit.judge.broken import COMPARING, by_name
from tests.unit.judge.fabrics import ANYCAST, mlag, segment

H1, H2 = MACS["H1"], MACS["H2"]
Tables = dict[str, tuple[Any, ...]]


def undeclared(fdb: Tables, told: Tables, **declared: Any) -> Subject:  # noqa: ANN401
    """H1's place is declared nowhere; what FDB and LLDP say of it on each leaf. Nothing else is known of H2 either."""
    first = server("H1", **({"leaves": (), "port": None} | declared))
    facts = subject(cluster=cluster(servers=(first, server("H2"))))
    for leaf in VTEPS:
        facts = with_leaf(facts, leaf, lldp=told.get(leaf, ()))
        if leaf in fdb:
            facts = with_leaf(facts, leaf, fdb=fdb[leaf])
    return facts


def at(port: str, **changed: Any) -> tuple[FdbRow, ...]:  # noqa: ANN401
    return (fdb_row(H1, port, **changed),)


def seen(port: str = "swp1", system: str = "H1") -> tuple[LldpNeighbor, ...]:
    return (lldp(system, port),)


@pytest.mark.parametrize(
    ("fdb", "told", "ports", "how"),
    [
        ({}, {}, {"L1": "swp1"}, "FDB"),
        ({"L1": at("swp7")}, {}, {"L1": "swp7"}, "FDB"),
        ({"L1": at("swp7")}, {"L1": seen("swp8")}, {"L1": "swp7"}, "FDB"),
        ({"L1": ()}, {"L1": seen("swp3")}, {"L1": "swp3"}, "LLDP"),
        ({"L1": ()}, {"L2": seen("swp3", "h1.example.net")}, {"L2": "swp3"}, "LLDP"),
        # two leaves heard it, and LLDP decides; of a bond it names the member, the FDB the bond
        ({"L2": at("swp2")}, {"L2": seen("swp2")}, {"L2": "swp2"}, "LLDP"),
        ({"L1": at("bond1"), "L2": at("swp2")}, {"L1": seen("swp5")}, {"L1": "bond1"}, "LLDP"),
        # what EVPN or a person wrote was not heard on a port
        ({"L1": at("swp1", extern_learn=True)}, {"L3": seen()}, {"L3": "swp1"}, "LLDP"),
        ({"L1": at("swp1", permanent=True)}, {"L3": seen()}, {"L3": "swp1"}, "LLDP"),
    ],
)
def test_an_undeclared_place_is_found(fdb: Tables, told: Tables, ports: dict[str, str], how: str) -> None:
    facts = undeclared(fdb, told)
    assert home_of(facts, facts.cluster.server("H1")) == Home(ports=ports, how=how)


@pytest.mark.parametrize(
    ("fdb", "told", "why"),
    [
        ({"L1": ()}, {}, "no leaf learned H1 on a port, and its leaf is not declared"),
        ({"L1": ()}, {"L1": seen(), "L2": seen()}, "no leaf learned H1 on a port"),
        ({"L1": ()}, {"L1": seen(system="H10")}, "no leaf learned H1"),
        ({"L2": at("swp2")}, {}, "H1 is on L1 and L2, which are no pair; declare its leaf in clusters.yaml"),
        ({"L2": at("swp2")}, {"L1": seen(), "L3": seen()}, "which are no pair"),
        ({"L2": at("swp2"), "L3": at("swp2")}, {}, "H1 is on L1 and L2 and L3"),
    ],
)
def test_a_place_that_nobody_tells_or_several_do_is_unknown(fdb: Tables, told: Tables, why: str) -> None:
    """Nothing on the leaves can be compared then: a VIP with one master and no known place is not healthy."""
    facts = undeclared(fdb, told)
    found = home_of(facts, facts.cluster.server("H1"))
    assert isinstance(found, str)
    assert why in found
    verdict = judge_vip(facts)
    assert (verdict.state, verdict.owner) == (VipState.UNKNOWN, "H1")
    assert verdict.status in {Status.UNKNOWN, Status.FAIL}, "a leaf may still disagree with itself"
    names = by_name(verdict)
    assert names["attachment H1"].status is Status.UNKNOWN
    assert {names[f"{check} {leaf}"].status for check in COMPARING for leaf in VTEPS} == {Status.UNKNOWN}
    assert names["origin web"].status is Status.UNKNOWN


def judged(facts: Subject, name: str = "H1") -> tuple[str, str]:
    finding = by_name(judge_vip(facts))[f"attachment {name}"]
    return str(finding.status), finding.message


@pytest.mark.parametrize(
    ("facts", "status", "piece"),
    [
        (subject(), "pass", "H1 is on L1 swp1 (declared)"),
        (undeclared({}, {}), "pass", "H1 is on L1 swp1 (FDB)"),
        (undeclared({"L1": ()}, {"L1": seen()}), "pass", "H1 is on L1 swp1 (LLDP)"),
        (undeclared({"L1": ()}, {}, leaves=("L1",), port="swp1"), "skip", "no leaf heard H1 lately"),
        (undeclared({"L1": at("swp7")}, {}, leaves=("L1",), port=None), "pass", "H1 is on L1 swp7 (declared)"),
        # a member of a bond is no other port
        (undeclared({"L1": at("bond1")}, {"L1": seen("swp5")}, leaves=("L1",), port="bond1"), "pass", "L1 bond1"),
        (mlag(), "pass", "H1 is on L1 bond1, L2 bond1 (declared)"),
        (segment(), "pass", "H1 is on L1 bond1, L2 bond1 (declared)"),
        (segment(leaves=(), port=None), "pass", "H1 is on L1 bond1, L2 bond1 (FDB)"),
        # heard elsewhere
        (with_leaf(subject(), "L1", fdb=at("swp7")), "fail", "H1 is heard on L1 swp7, but belongs on L1 swp1"),
        (with_leaf(subject(), "L3", fdb=at("swp2")), "fail", "H1 is heard on L3 swp2, but belongs on L1 swp1"),
        (undeclared({"L2": at("swp2")}, {"L2": seen("swp2")}), "fail", "heard on L1 swp1, but belongs on L2 swp2"),
        (with_leaf(mlag(), "L3", fdb=at("swp2", vlan=100)), "fail", "heard on L3 swp2, but belongs on L1 bond1, L2"),
        (with_leaf(mlag(), "L2", fdb=at("bond9", vlan=100)), "fail", "heard on L2 bond9"),
        (with_leaf(mlag(), "L2", fdb=at("peerlink", vlan=100)), "pass", "H1 is on L1 bond1, L2 bond1"),
        # LLDP alone
        (with_leaf(subject(), "L1", lldp=seen("swp7")), "warn", "LLDP sees H1 on L1 swp7, not on L1 swp1"),
        (with_leaf(subject(), "L3", lldp=seen("swp1")), "warn", "LLDP sees H1 on L3 swp1, not on L1 swp1"),
        (with_leaf(mlag(), "L3", lldp=seen("swp1")), "warn", "LLDP sees H1 on L3 swp1"),
        # what could not be read
        (with_leaf(subject(), "L3", fdb=GONE), "unknown", "L3 did not tell: no connection"),
        (with_leaf(subject(), "L3", lldp=GONE), "warn", "LLDP of L3 could not be read: no connection"),
        (with_server(subject(), "H1", interfaces=GONE), "unknown", "H1 did not tell the MAC of enp0s8"),
        # silence does not hide what is wrong elsewhere
        (with_leaf(with_leaf(subject(), "L1", fdb=at("swp7")), "L3", fdb=GONE), "fail", "heard on L1 swp7"),
    ],
)
def test_attachment(facts: Subject, status: str, piece: str) -> None:
    found, message = judged(facts)
    assert found == status
    assert piece in message


@pytest.mark.parametrize(("name", "state"), [("H1", VipState.WRONG_LOCATION), ("H2", VipState.HEALTHY)])
def test_a_backup_that_hangs_elsewhere_harms_nothing_until_it_takes_over(name: str, state: VipState) -> None:
    rows = (fdb_row(MACS[name], "swp9"),)
    facts = with_leaf(subject(), "L3", fdb=(*subject().leaves["L3"].fdb.value, *rows))  # type: ignore[union-attr]
    assert judged(facts, name)[0] == "fail"
    finding = by_name(judge_vip(facts))[f"attachment {name}"]
    assert (finding.cause is VipState.WRONG_LOCATION) is (name == "H1")
    assert judge_vip(facts).state is state


@pytest.mark.parametrize(
    ("tripped", "owner", "status"), [(None, "H1", "skip"), ("H2", "H1", "skip"), (None, "H2", "unknown")]
)
def test_a_backup_that_is_declared_nowhere_and_silent(tripped: str | None, owner: str, status: str) -> None:
    """It sends next to nothing, and leaves forget; the owner is never so quiet."""
    servers = (server("H1"), server("H2", leaves=(), port=None))
    facts = subject(owner=owner, cluster=cluster(servers=servers))
    for leaf in VTEPS:
        facts = with_leaf(facts, leaf, lldp=(), **({"fdb": ()} if owner == "H2" else {}))
    assert judged(replace(facts, injected=injected(tripped) if tripped else None), "H2")[0] == status
    mute = with_leaf(facts, "L3", fdb=GONE)
    assert judged(mute, "H2")[0] == "unknown", "a leaf that did not tell may have heard it"


def test_two_leaves_of_which_one_is_silent_are_no_pair() -> None:
    """One VTEP alone has nothing to be the same as."""
    facts = mlag(leaves=(), port=None)
    assert isinstance(home_of(facts, facts.cluster.server("H1")), Home)
    mute = with_leaf(facts, "L2", vni=GONE)
    assert isinstance(home_of(mute, facts.cluster.server("H1")), str)


def test_a_leaf_that_knows_a_segment_is_no_member_of_it() -> None:
    """L3 has H1's MAC behind the segment, as a remote one: a server heard on L1 and L3 is in two places."""
    facts = with_leaf(segment(leaves=(), port=None), "L3", fdb=at("swp4", vlan=100))
    facts = with_leaf(facts, "L2", fdb=())
    for leaf in VTEPS:
        facts = with_leaf(facts, leaf, lldp=())
    assert isinstance(home_of(facts, facts.cluster.server("H1")), str)


def test_how_a_pair_is_named() -> None:
    facts = mlag()
    verdict = by_name(judge_vip(facts))
    assert f"L3 points to L1 and L2 ({ANYCAST})" in verdict["fdb L3"].message
    gone = replace(facts, leaves={**facts.leaves, "L1": silent_leaf("L1")})
    assert judge_vip(gone).state is VipState.UNKNOWN
