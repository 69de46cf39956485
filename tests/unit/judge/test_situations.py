"""Situations that an operator meets, as whole fabrics: the one word, exactly what is red, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tasks.judge.checks import all_checks
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.leaf import EvpnSession, MoveCount
from tasks.model.verdict import Status, VipState, VipVerdict
from tests.unit.builders import (
    GONE,
    MACS,
    OTHER_MAC,
    VIP,
    VIP6,
    VMAC,
    VTEPS,
    client_facts,
    detection,
    evpn_mac,
    evpn_neighbor,
    fdb_row,
    instance,
    interface,
    neighbor,
    path,
    ping,
    silent_leaf,
    subject,
    with_leaf,
    with_probe,
    with_server,
)
from tests.unit.judge.broken import COMPARING, by_name
from tests.unit.judge.fabrics import (
    ANYCAST,
    H1,
    H2,
    V1,
    V2,
    every_mac,
    frozen_tables,
    garp_refused,
    ipv6,
    mlag,
    moved,
    moved_tables,
    segment,
    virtual,
)
from tests.unit.judge.recorded import healthy
from tests.unit.judge.test_sysctl import virtual as with_base

DOWN = (EvpnSession(peer="swp51", state="Idle", prefixes_received=None),)
ONE_DOWN = (EvpnSession(peer="swp51", state="Established", prefixes_received=4), *DOWN)
NOTHING_REMOTE = {"neighbors": (), "fdb": (), "evpn_macs": (), "evpn_neighbors": (), "paths": ()}
BLIND = "neighbor fdb evpn-mac evpn-arp bgp-type2"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """`wrong`: every `check target` that fails; `warned`: that warns; `causes`: every `id host`; all with commas."""

    facts: Subject
    state: VipState
    wrong: str = ""
    warned: str = ""
    causes: str = ""


def on(leaf: str, checks: str) -> str:
    return ", ".join(f"{check} {leaf}" for check in checks.split())


def joined(*parts: str) -> str:
    return ", ".join(parts)


def both_masters() -> Subject:
    facts = with_server(subject(), "H2", interfaces=(interface("H2", "100.65.0.12/24", str(VIP)),))
    master = (instance("H2", "master"),)
    return with_server(facts, "H2", instances=master, later=master)


def nobody() -> Subject:
    facts = with_server(subject(), "H1", interfaces=(interface("H1", "100.65.0.11/24"),))
    fault = (instance("H1", "fault"),)
    return with_server(facts, "H1", instances=fault, later=fault)


def session_down(leaf: str) -> Subject:
    """The leaf lost its session with EVPN, and what it had heard; when it is the owner's, all others lost it too."""
    facts = with_leaf(subject(), leaf, sessions=DOWN)
    blind = [leaf] if leaf != "L1" else ["L2", "L3"]
    for each in blind:
        facts = with_leaf(facts, each, **NOTHING_REMOTE)
    return facts


def filtered_at(leaf: str) -> Subject:
    """A policy keeps type-2 routes out of the leaf, or, on the owner's leaf, from everybody else."""
    facts = subject()
    for each in [leaf] if leaf != "L1" else ["L2", "L3"]:
        facts = with_leaf(facts, each, **NOTHING_REMOTE)
    return facts


def forged_fdb(leaf: str) -> Subject:
    return with_leaf(subject(), leaf, fdb=(fdb_row(H1, "vni100"), fdb_row(H1, "vni100", vtep="10.255.0.99")))


def withdrawn() -> Subject:
    """The neighbor on the owner's leaf went stale, and FRR withdrew the route."""
    facts = with_leaf(subject(), "L1", neighbors=(neighbor(H1, remote=False, states=frozenset({"STALE"})),), paths=())
    return filtered(facts)


def filtered(facts: Subject) -> Subject:
    for each in ("L2", "L3"):
        facts = with_leaf(facts, each, neighbors=(), evpn_neighbors=(), paths=())
    return facts


def frozen_at_home(mac: object) -> Subject:
    """The fifth move brought the VIP to H2, whose leaf froze it: all others still have it at H1."""
    use_vmac = mac == VMAC
    facts = virtual("H2", 4) if use_vmac else subject(owner="H2")
    before = virtual("H1", 4) if use_vmac else subject(owner="H1")
    leaves = dict(before.leaves)
    leaves["L2"] = replace(facts.leaves["L2"])
    facts = replace(facts, leaves=leaves)
    return with_leaf(facts, "L2", **frozen_tables(VMAC if use_vmac else H2))


def stale_client() -> Subject:
    return replace(subject(), probes={**subject().probes, "C1": client_facts(H2, pings=ping(0))})


def one_vtep_stale() -> Subject:
    """The virtual MAC moved to H2; L3 follows L1 still, for it has a higher sequence in its cache."""
    old = moved_tables("L3", "H1", 7, mac=VMAC)
    return virtual("H2", 3, L3=old)


STALE = joined(
    on("L1", "neighbor evpn-arp bgp-type2"),
    on("L2", "neighbor evpn-arp bgp-type2"),
    on("L3", "neighbor evpn-arp bgp-type2"),
)
SITUATIONS: dict[str, Situation] = {
    "healthy": Situation(facts=subject(), state=VipState.HEALTHY),
    "moved, and everybody followed": Situation(facts=moved(), state=VipState.HEALTHY, warned="preferred-master web"),
    "neighmgrd stopped, then failback": Situation(
        facts=garp_refused(),
        state=VipState.STALE_NEIGHBOR,
        wrong=joined(STALE, "origin web, client-neighbor C1, reachable I1, reachable C1"),
        causes="garp-refused L1",
    ),
    "the VIP on both servers": Situation(facts=both_masters(), state=VipState.SPLIT_BRAIN, wrong="master web"),
    "no master": Situation(facts=nobody(), state=VipState.NO_MASTER, wrong="master web"),
    "no session on a remote leaf": Situation(
        facts=session_down("L2"), state=VipState.NOT_LEARNED, wrong=on("L2", f"{BLIND} evpn-session")
    ),
    "no session on the owner's leaf": Situation(
        facts=session_down("L1"),
        state=VipState.NOT_ADVERTISED,
        wrong=joined(on("L2", BLIND), on("L3", BLIND), "evpn-session L1, origin web"),
    ),
    "one session of two": Situation(
        facts=with_leaf(subject(), "L2", sessions=ONE_DOWN), state=VipState.HEALTHY, warned="evpn-session L2"
    ),
    "filtered on the way in": Situation(facts=filtered_at("L2"), state=VipState.NOT_LEARNED, wrong=on("L2", BLIND)),
    "filtered on the way out": Situation(
        facts=filtered_at("L1"),
        state=VipState.NOT_ADVERTISED,
        wrong=joined(on("L2", BLIND), on("L3", BLIND), "origin web"),
    ),
    "withdrawn while master": Situation(
        facts=withdrawn(),
        state=VipState.NOT_ADVERTISED,
        wrong=joined(
            on("L1", "bgp-type2 agreement"),
            on("L2", "neighbor evpn-arp bgp-type2"),
            on("L3", "neighbor evpn-arp bgp-type2"),
            "origin web",
        ),
        causes="withdrawn-while-master L1",
    ),
    "the owner's leaf never learned it": Situation(
        facts=filtered(with_leaf(subject(), "L1", neighbors=(), evpn_neighbors=(), paths=())),
        state=VipState.NOT_LEARNED,
        wrong=joined(*(on(leaf, "neighbor evpn-arp bgp-type2") for leaf in VTEPS), "origin web"),
        causes="withdrawn-while-master L1",
    ),
    "an FDB row that is forged or stuck": Situation(
        facts=forged_fdb("L2"),
        state=VipState.WRONG_LOCATION,
        wrong="fdb L2, agreement L2",
        causes="fdb-stuck L2",
    ),
    "a neighbor with a foreign MAC": Situation(
        facts=with_leaf(subject(), "L2", neighbors=(neighbor(OTHER_MAC, remote=True),)),
        state=VipState.STALE_NEIGHBOR,
        wrong="neighbor L2, agreement L2",
        causes="neighbor-not-replaced L2",
    ),
    "a neighbor with the other server's MAC": Situation(
        facts=with_leaf(subject(), "L2", neighbors=(neighbor(H2, remote=False),)),
        state=VipState.STALE_NEIGHBOR,
        wrong="neighbor L2, agreement L2",
        causes="neighbor-not-replaced L2",
    ),
    "zebra behind BGP": Situation(
        facts=with_leaf(
            moved(),
            "L3",
            evpn_macs=(evpn_mac(H2, vtep=V1, remote_sequence=2),),
            fdb=(fdb_row(H2, "vni100"), fdb_row(H2, "vni100", vtep=V1)),
        ),
        state=VipState.WRONG_LOCATION,
        wrong="fdb L3, evpn-mac L3, agreement L3",
        warned="preferred-master web",
        causes="zebra-behind-bgp L3",
    ),
    "flagged where the leaf only warns": Situation(
        facts=with_leaf(subject(), "L1", evpn_neighbors=(evpn_neighbor(H1, duplicate=True),)),
        state=VipState.HEALTHY,
        warned="duplicate L1",
    ),
    "flagged, as the single entry alone tells": Situation(
        facts=with_leaf(subject(), "L1", moves=MoveCount(moves=5, duplicate=True, began_at=None, now=None)),
        state=VipState.HEALTHY,
        warned="duplicate L1",
    ),
    "the server's own MAC flagged": Situation(
        facts=with_leaf(subject(), "L3", evpn_macs=(evpn_mac(H1, vtep=V1, duplicate=True),)),
        state=VipState.HEALTHY,
        warned="duplicate L3",
    ),
    "one move before a freeze": Situation(
        facts=with_leaf(
            subject(),
            "L1",
            detection=detection(freeze=600),
            moves=MoveCount(moves=4, duplicate=False, began_at=100.0, now=101.0),
        ),
        state=VipState.HEALTHY,
        warned="duplicate L1",
    ),
    "frozen on the owner's leaf": Situation(
        facts=frozen_at_home(H2),
        state=VipState.NOT_ADVERTISED,
        wrong=joined(
            "evpn-arp L2, bgp-type2 L2, agreement L2, duplicate L2, origin web",
            on("L1", BLIND),
            on("L3", BLIND),
        ),
        warned="preferred-master web",
        causes="frozen-duplicate L2",
    ),
    "frozen on the owner's leaf, virtual MAC": Situation(
        facts=frozen_at_home(VMAC),
        state=VipState.NOT_ADVERTISED,
        wrong=joined(
            "evpn-arp L2, bgp-type2 L2, agreement L2, duplicate L2, origin web",
            on("L1", "neighbor fdb evpn-mac evpn-arp bgp-type2"),
            on("L3", "fdb evpn-mac evpn-arp bgp-type2"),
        ),
        warned="preferred-master web, mobility L3",
        causes="frozen-duplicate L2",
    ),
    "a client that is stale while every leaf is right": Situation(
        facts=stale_client(),
        state=VipState.STALE_NEIGHBOR,
        wrong="client-neighbor C1, reachable C1",
        causes="suppressed-arp C1",
    ),
    "virtual MAC": Situation(facts=virtual(), state=VipState.HEALTHY),
    "virtual MAC, moved": Situation(facts=virtual("H2", 3), state=VipState.HEALTHY, warned="preferred-master web"),
    "virtual MAC, moved, and one leaf with a higher sequence did not follow": Situation(
        facts=one_vtep_stale(),
        state=VipState.WRONG_LOCATION,
        wrong=joined(on("L3", "fdb evpn-mac evpn-arp bgp-type2"), "origin web"),
        warned="preferred-master web, mobility L3",
        causes="higher-cached-sequence L3",
    ),
    "resolved on another VLAN too": Situation(
        facts=with_leaf(
            subject(), "L2", neighbors=(neighbor(H1, remote=True), neighbor(H1, interface="vlan200", remote=False))
        ),
        state=VipState.HEALTHY,
        warned="neighbor L2",
        causes="neighbor-on-another-vlan L2",
    ),
    "resolved on another VLAN alone": Situation(
        facts=with_leaf(subject(), "L1", neighbors=(neighbor(H1, interface="vlan200", remote=False),)),
        state=VipState.NOT_LEARNED,
        wrong="neighbor L1, agreement L1",
        causes="neighbor-on-another-vlan L1",
    ),
    "black hole with every table right": Situation(
        facts=with_probe(subject(), "I1", pings=ping(0)), state=VipState.BLACK_HOLE, wrong="reachable I1"
    ),
    "IPv6": Situation(facts=ipv6(), state=VipState.HEALTHY),
    "IPv6 with a virtual MAC": Situation(facts=virtual(vip=VIP6), state=VipState.HEALTHY),
    "IPv6, stale client": Situation(
        facts=ipv6(probe_mac=H2), state=VipState.STALE_NEIGHBOR, wrong="client-neighbor C1", causes="suppressed-arp C1"
    ),
    "IPv6, stale leaf": Situation(
        facts=with_leaf(ipv6(), "L3", neighbors=(neighbor(H2, remote=True, address=VIP6.ip),)),
        state=VipState.STALE_NEIGHBOR,
        wrong="neighbor L3, agreement L3",
        causes="neighbor-not-replaced L3",
    ),
    "IPv6, and the leaf knows the IPv4 VIP alone": Situation(
        facts=with_leaf(
            ipv6(),
            "L3",
            neighbors=(neighbor(H1, remote=True),),
            evpn_neighbors=(evpn_neighbor(H1, vtep=V1),),
            paths=(path(H1, V1),),
        ),
        state=VipState.NOT_LEARNED,
        wrong=on("L3", "neighbor evpn-arp bgp-type2"),
    ),
    "MLAG pair": Situation(facts=mlag(), state=VipState.HEALTHY),
    "MLAG pair that nobody declared": Situation(facts=mlag(leaves=(), port=None), state=VipState.HEALTHY),
    "MLAG pair, one bond down": Situation(
        facts=with_leaf(
            mlag(),
            "L2",
            fdb=(fdb_row(H1, "peerlink", bridge="bridge", vlan=100),),
            evpn_macs=(evpn_mac(H1, port="peerlink"),),
        ),
        state=VipState.HEALTHY,
        warned="fdb L2, evpn-mac L2",
    ),
    "MLAG pair, and a leaf names the loopback of one": Situation(
        facts=with_leaf(mlag(), "L3", paths=(path(H1, V1),)),
        state=VipState.WRONG_LOCATION,
        wrong="bgp-type2 L3, agreement L3, origin web",
        causes="zebra-behind-bgp L3",
    ),
    "MLAG pair, wrong port on one": Situation(
        facts=with_leaf(
            mlag(),
            "L2",
            fdb=(fdb_row(H1, "bond7", bridge="bridge", vlan=100),),
            evpn_macs=(evpn_mac(H1, port="bond7"),),
        ),
        state=VipState.WRONG_LOCATION,
        wrong="attachment H1, fdb L2, evpn-mac L2",
    ),
    "Ethernet segment": Situation(facts=segment(), state=VipState.HEALTHY),
    "Ethernet segment that nobody declared": Situation(facts=segment(leaves=(), port=None), state=VipState.HEALTHY),
    "Ethernet segment, and a leaf follows another one": Situation(
        facts=with_leaf(segment(), "L3", evpn_macs=(evpn_mac(H1, segment="03:00:00:00:00:00:00:00:00:99"),)),
        state=VipState.WRONG_LOCATION,
        wrong="evpn-mac L3",
    ),
    "Ethernet segment, and a route from elsewhere": Situation(
        facts=with_leaf(segment(), "L3", paths=(path(H1, "10.255.0.99"),)),
        state=VipState.WRONG_LOCATION,
        wrong="bgp-type2 L3, origin web",
    ),
    "Ethernet segment, and a peer that holds it as remote": Situation(
        facts=with_leaf(segment(), "L2", neighbors=(neighbor(H1, remote=True),)),
        state=VipState.WRONG_LOCATION,
        wrong="neighbor L2",
        causes="garp-refused L2",
    ),
}


def named(verdict: VipVerdict, status: Status) -> set[str]:
    return {name for name, finding in by_name(verdict).items() if finding.status is status}


def split(text: str) -> set[str]:
    return {each for each in text.split(", ") if each}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_word_what_is_red_and_what_is_known(name: str) -> None:
    situation = SITUATIONS[name]
    verdict = judge_vip(situation.facts)
    assert verdict.state is situation.state
    assert named(verdict, Status.FAIL) == split(situation.wrong)
    assert named(verdict, Status.WARN) == split(situation.warned)
    assert named(verdict, Status.UNKNOWN) == set()
    assert {f"{cause.id} {cause.host}" for cause in verdict.causes} == split(situation.causes)


GATEWAY = (neighbor(MACS["H1"], remote=True), neighbor(MACS["H1"], interface="vlan100-v0", remote=False))
SEEN = [each.facts for each in SITUATIONS.values()] + [
    replace(moved(), cluster=replace(moved().cluster, preempt=False)),
    replace(moved(), expected_owner="H2"),
    with_leaf(subject(), "L2", neighbors=GATEWAY),
    with_base("enp0s8"),
    healthy(),
]


@pytest.mark.parametrize("check", [each.name for each in all_checks()])
def test_each_check_passes_somewhere_and_never_without_evidence(check: str) -> None:
    made = [each for facts in SEEN for each in judge_vip(facts).findings if each.check == check]
    passed = [each for each in made if each.status is Status.PASS]
    assert passed
    assert [f"{each.target}: {each.message}" for each in passed if not each.evidence] == []


@pytest.mark.parametrize("facts", [both_masters(), nobody()])
def test_without_one_owner_nothing_is_compared(facts: Subject) -> None:
    verdict = judge_vip(facts)
    assert (verdict.owner, verdict.mac) == (None, None)
    skipped = named(verdict, Status.SKIP)
    assert {f"{check} {leaf}" for check in COMPARING for leaf in VTEPS} <= skipped
    assert {"origin web", "preferred-master web", "client-neighbor C1"} <= skipped


def test_the_state_of_several_wrongs_is_the_first_cause() -> None:
    """A black hole is what is left when nothing else explains; the owner's leaf explains before all others."""
    facts = with_probe(forged_fdb("L2"), "I1", pings=ping(0))
    assert judge_vip(facts).state is VipState.WRONG_LOCATION
    assert judge_vip(with_leaf(facts, "L3", neighbors=())).state is VipState.NOT_LEARNED
    assert judge_vip(with_leaf(facts, "L3", neighbors=(neighbor(H2, remote=True),))).state is VipState.STALE_NEIGHBOR
    silent = with_leaf(facts, "L1", sessions=DOWN)
    assert judge_vip(silent).state is VipState.NOT_ADVERTISED


@pytest.mark.parametrize("leaf", ["L2", "L3"])
def test_a_remote_leaf_that_lacks_the_route_beside_a_silent_owner_accuses_nobody(leaf: str) -> None:
    """The owner's leaf did not answer: whether it advertises is not known."""
    facts = with_leaf(subject(), leaf, **NOTHING_REMOTE)
    other = {"L2": "L3", "L3": "L2"}[leaf]
    facts = replace(facts, leaves={**facts.leaves, "L1": silent_leaf("L1"), other: silent_leaf(other)})
    finding = by_name(judge_vip(facts))["origin web"]
    assert (finding.status, finding.message) == (Status.UNKNOWN, f"L1, {other} did not tell; all others see one origin")


@pytest.mark.parametrize(
    ("facts", "piece"),
    [
        (replace(mlag(), leaves={**mlag().leaves, "L2": silent_leaf("L2")}), ANYCAST),
        (with_leaf(segment(), "L1", evpn_macs=GONE), "segment"),
        (with_leaf(with_leaf(mlag(), "L1", vni=GONE), "L2", vni=GONE), "did not tell its VTEP address"),
    ],
)
def test_a_pair_of_which_one_is_silent_is_unknown_and_no_contradiction(facts: Subject, piece: str) -> None:
    verdict = judge_vip(facts)
    assert verdict.state is VipState.UNKNOWN
    assert named(verdict, Status.FAIL) == set()
    assert any(piece in finding.message + finding.actual for finding in verdict.findings)


def test_every_mac_of_the_fabric_beside_the_vips_changes_nothing() -> None:
    facts = subject()
    for leaf in VTEPS:
        facts = with_leaf(facts, leaf, **every_mac(leaf))
    assert judge_vip(facts).state is VipState.HEALTHY
    assert judge_vip(facts).status is Status.PASS
    moving = by_name(judge_vip(facts))["fdb L2"]
    assert V2 not in moving.actual
