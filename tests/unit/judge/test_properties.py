"""Whatever is put together of healthy and broken pieces: the verdict keeps its promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.judge.checks import all_checks
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.leaf import EvpnSession, LeafFacts, MoveCount
from tasks.model.verdict import Status, VipState
from tests.unit.builders import (
    GONE,
    MACS,
    OTHER_MAC,
    VIP,
    VTEPS,
    client_facts,
    cluster,
    detection,
    evpn_mac,
    evpn_neighbor,
    fdb_row,
    injected,
    instance,
    interface,
    lldp,
    neighbor,
    path,
    ping,
    probe_facts,
    server,
    server_facts,
    subject,
    with_leaf,
)
from tests.unit.judge.broken import by_name
from tests.unit.judge.fabrics import SEGMENT, moved_tables

BOTH = tuple(MACS)
SERVER_CHECKS = {"package", "config", "service", "running-config", "firewall", "adverts"}
LIVABLE = SERVER_CHECKS | {"vip-address", "preferred-master", "attachment", "duplicate"}
"""What may fail while the VIP is fine: servers that drift, a backup that hangs elsewhere, a remote leaf's flag."""
DECIDING = {
    *("master", "vip-address", "neighbor", "fdb", "evpn-mac", "evpn-arp"),
    *("bgp-type2", "origin", "client-neighbor", "reachable"),
}


def macs() -> st.SearchStrategy[Any]:
    return st.sampled_from([*MACS.values(), OTHER_MAC])


def vteps() -> st.SearchStrategy[str | None]:
    return st.sampled_from([*VTEPS.values(), "10.255.0.99", None])


def some(rows: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A table of a few rows, or one that could not be read."""
    return st.one_of(st.lists(rows, max_size=3).map(tuple), st.just(GONE))


NEIGHBORS = st.builds(
    neighbor,
    st.one_of(macs(), st.none()),
    interface=st.sampled_from(["vlan100", "vlan100", "vlan100-v0", "vlan200"]),
    remote=st.booleans(),
    states=st.frozensets(st.sampled_from(["NOARP", "STALE", "REACHABLE", "FAILED", "PERMANENT"]), max_size=1),
    permanent=st.booleans(),
)
FDB = st.builds(
    fdb_row,
    macs(),
    st.sampled_from(["swp1", "swp2", "vni100", "peerlink"]),
    vtep=vteps(),
    nexthop_group=st.sampled_from([None, None, 536870913]),
    permanent=st.booleans(),
)
SEQUENCES = st.sampled_from([None, 0, 1, 5])
EVPN_MACS = st.builds(
    evpn_mac,
    macs(),
    port=st.sampled_from(["swp1", "swp2", None]),
    vtep=vteps(),
    duplicate=st.booleans(),
    segment=st.sampled_from([None, None, SEGMENT]),
    local_sequence=SEQUENCES,
    remote_sequence=SEQUENCES,
)
EVPN_NEIGHBORS = st.builds(
    evpn_neighbor,
    st.one_of(macs(), st.none()),
    vtep=vteps(),
    state=st.sampled_from(["active", "inactive", None]),
    duplicate=st.booleans(),
    local_sequence=SEQUENCES,
    remote_sequence=SEQUENCES,
)
PATHS = st.builds(path, macs(), st.sampled_from([*VTEPS.values(), "10.255.0.99"]), best=st.booleans(), valid=st.booleans())  # fmt: skip  # noqa: E501
SESSIONS = st.builds(
    EvpnSession,
    peer=st.sampled_from(["swp51", "swp52"]),
    state=st.sampled_from(["Established", "Idle"]),
    prefixes_received=st.sampled_from([None, 0, 4]),
)
MOVES = st.builds(
    MoveCount,
    moves=st.integers(0, 9),
    duplicate=st.booleans(),
    began_at=st.sampled_from([None, 0.0, 100.0]),
    now=st.sampled_from([None, 101.0, 999.0]),
)
DETECTION = st.builds(
    detection, enabled=st.booleans(), max_moves=st.integers(2, 9), freeze=st.sampled_from(["no", None, "permanent", 60])
)
TABLES: dict[str, st.SearchStrategy[Any]] = {
    "neighbors": some(NEIGHBORS),
    "fdb": some(FDB),
    "evpn_macs": some(EVPN_MACS),
    "evpn_neighbors": some(EVPN_NEIGHBORS),
    "paths": some(PATHS),
    "sessions": some(SESSIONS),
    "moves": st.one_of(MOVES, st.just(GONE)),
    "detection": st.one_of(DETECTION, st.just(GONE)),
    "vni": st.just(GONE),
    "lldp": some(st.builds(lldp, st.sampled_from(["H1", "H2", "X"]), st.sampled_from(["swp1", "swp2"]))),
}


@st.composite
def leaves(draw: st.DrawFn, leaf: str, owner: str) -> LeafFacts:
    """A healthy leaf, one that missed the last move, or one with some broken tables."""
    follows = draw(st.sampled_from(BOTH)) if draw(st.booleans()) else owner
    facts = moved_tables(leaf, follows, draw(st.integers(0, 3)))
    whole = subject(leaves=dict.fromkeys(VTEPS, facts))
    broken = draw(st.lists(st.sampled_from(sorted(TABLES)), max_size=3, unique=True))
    return with_leaf(whole, leaf, **{name: draw(TABLES[name]) for name in broken}).leaves[leaf]


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    owner = draw(st.sampled_from(BOTH))
    servers = {}
    for name in BOTH:
        leads = name == owner if draw(st.integers(0, 3)) else draw(st.booleans())
        state = draw(st.sampled_from(["master" if leads else "backup"] * 4 + ["fault"]))
        bears = interface(name, str(server(name).address), *([str(VIP)] if leads else []))
        later = (instance(name, state, adverts_received=12),)
        values: dict[str, Any] = {"instances": (instance(name, state),), "later": later, "interfaces": (bears,)}
        if not draw(st.integers(0, 5)):
            values[draw(st.sampled_from(sorted(values)))] = GONE
        servers[name] = server_facts(name, master=leads, **values)
    places = [server(name, **draw(st.sampled_from([{}, {}, {"leaves": (), "port": None}]))) for name in BOTH]
    places[0] = replace(places[0], leaves=draw(st.sampled_from([places[0].leaves, ("L1", "L2")])))
    facts = subject(
        cluster=cluster(servers=tuple(places), use_vmac=draw(st.integers(0, 4)) == 0),
        servers=servers,
        leaves={leaf: draw(leaves(leaf, owner)) for leaf in VTEPS},
        probes={
            "I1": probe_facts(ping(draw(st.integers(0, 3)))),
            "C1": client_facts(draw(macs())) if draw(st.booleans()) else client_facts(MACS[owner]),
        },
        expected_owner=draw(st.sampled_from([None, None, *BOTH])),
        injected=draw(st.sampled_from([None, None, *(injected(name) for name in BOTH)])),
    )
    return replace(facts, before=facts.leaves) if draw(st.booleans()) else facts


@given(subjects())
@settings(max_examples=200, deadline=None)
def test_the_promises_of_a_verdict(facts: Subject) -> None:
    verdict = judge_vip(facts)
    findings = by_name(verdict)  # ids are unique
    assert {finding.check for finding in verdict.findings} == {entry.name for entry in all_checks()}
    assert all(finding.message for finding in verdict.findings), "every finding says something"
    failing = {finding.check for finding in verdict.findings if finding.status is Status.FAIL}
    deciding = [finding.status for finding in verdict.findings if finding.check in DECIDING]
    if verdict.state is VipState.HEALTHY:
        assert failing <= LIVABLE
        assert Status.UNKNOWN not in deciding
        assert verdict.owner is not None
        assert findings[f"vip-address {verdict.owner}"].status in {Status.PASS, Status.FAIL}
    if any(finding.status is Status.UNKNOWN for finding in verdict.findings):
        assert verdict.status in {Status.UNKNOWN, Status.FAIL}
    if verdict.status is Status.PASS:
        assert verdict.state is VipState.HEALTHY
        assert verdict.causes == ()
    assert all(cause.host in {*facts.leaves, *facts.probes} for cause in verdict.causes)
    assert judge_vip(facts) == verdict, "the same evidence gives the same verdict"
