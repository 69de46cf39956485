"""The healthy cluster passes; silence of any host is unknown; the state is the first cause that explains."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.judge.checks import all_checks
from tasks.judge.vip import judge_vip, state_of
from tasks.model.reading import Unread
from tasks.model.verdict import Finding, Status, VipState
from tests.unit.builders import (
    GONE,
    MACS,
    VIP,
    VTEPS,
    answer,
    client_facts,
    cluster,
    lldp,
    neighbor,
    probe_facts,
    server,
    silent_leaf,
    silent_server,
    subject,
    with_leaf,
    with_server,
)
from tests.unit.judge.broken import COMPARING, HEALTHY, by_name, changed_by, message_of

LEAF_CHECKS = (*COMPARING, "gateway-neighbor", "agreement", "duplicate", "evpn-session")
REMOTE = ("fdb", "evpn-mac", "evpn-arp", "bgp-type2")
"""What compares with the VTEP that the owner's leaf tells."""
SERVER_CHECKS = ("package", "config", "service", "interface", "running-config", "firewall", "sysctl", "adverts")


def test_the_healthy_cluster_passes_every_check() -> None:
    verdict = judge_vip(subject())
    assert (verdict.state, verdict.status, verdict.owner) == (VipState.HEALTHY, Status.PASS, "H1")
    assert (verdict.cluster, verdict.address, verdict.mac) == ("web", VIP.ip, MACS["H1"])
    skipped = {name for name, finding in HEALTHY.items() if finding.status is not Status.PASS}
    assert skipped == {"adverts H1", "client-neighbor I1", "sysctl H1", "sysctl H2"} | {
        f"gateway-neighbor {leaf}" for leaf in VTEPS
    }
    assert verdict.causes == ()


def test_every_check_is_of_the_catalogue_and_every_entry_is_made() -> None:
    assert {each.check for each in judge_vip(subject()).findings} == {entry.name for entry in all_checks()}
    assert len({entry.name for entry in all_checks()}) == len(all_checks())


def test_each_finding_says_what_it_expects_and_shows_what_it_read() -> None:
    for name, finding in HEALTHY.items():
        assert finding.expected, name
        assert finding.message, name
        assert finding.evidence, name


def test_the_other_server_as_owner_moves_everything_and_warns() -> None:
    broken = subject(owner="H2")
    assert changed_by(broken) == {"preferred-master web": "warn", "adverts H1": "pass", "adverts H2": "skip"}
    assert judge_vip(broken).state is VipState.HEALTHY
    assert "although H1 has the higher priority" in message_of(broken, "preferred-master web")


@pytest.mark.parametrize(
    ("expected_owner", "owner", "preempt", "status"),
    [
        ("H2", "H2", True, "pass"),
        ("H1", "H2", True, "fail"),
        ("H2", "H1", True, "fail"),
        ("H2", "H1", False, "fail"),
        (None, "H2", False, "pass"),
        (None, "H2", True, "warn"),
    ],
)
def test_preferred_master(expected_owner: str | None, owner: str, preempt: bool, status: str) -> None:  # noqa: FBT001
    judged = replace(subject(owner=owner), expected_owner=expected_owner, cluster=cluster(preempt=preempt))
    finding = by_name(judge_vip(judged))["preferred-master web"]
    assert finding.status == status
    assert owner in finding.message
    assert judge_vip(judged).state is VipState.HEALTHY


@pytest.mark.parametrize("host", ["H1", "H2"])
def test_a_server_that_gives_no_answer_is_unknown_and_never_a_pass(host: str) -> None:
    whole = subject()
    broken = replace(whole, servers={**whole.servers, host: silent_server(host)})
    checks = (*SERVER_CHECKS, "vip-address", "attachment")
    unknown = {f"{check} {host}": "unknown" for check in checks} | {"master web": "unknown"}
    # nobody knows who bears the VIP, so there is nothing to compare the leaves with
    unseen = {f"{check} {leaf}": "skip" for check in COMPARING for leaf in VTEPS}
    unseen |= dict.fromkeys(("preferred-master web", "origin web", "client-neighbor C1"), "skip")
    assert changed_by(broken) == unknown | unseen
    assert judge_vip(broken).state is VipState.UNKNOWN
    assert judge_vip(broken).owner is None
    for name in unknown:
        assert "did not tell" in message_of(broken, name) or GONE.reason in message_of(broken, name)


@pytest.mark.parametrize("leaf", list(VTEPS))
def test_a_leaf_that_gives_no_answer_is_unknown_and_never_a_pass(leaf: str) -> None:
    whole = subject()
    broken = replace(whole, leaves={**whole.leaves, leaf: silent_leaf(leaf)})
    expected = {f"{check} {leaf}": "unknown" for check in LEAF_CHECKS}
    # each server could be heard there too, and its route could come from there too
    expected |= dict.fromkeys(("attachment H1", "attachment H2", "origin web"), "unknown")
    if leaf == "L1":  # the owner's leaf alone knows how it is named in the fabric
        expected |= {f"{check} {other}": "unknown" for check in REMOTE for other in ("L2", "L3")}
    assert changed_by(broken) == expected
    assert judge_vip(broken).state is VipState.UNKNOWN
    for check in LEAF_CHECKS:
        assert message_of(broken, f"{check} {leaf}") == GONE.reason


def test_a_probe_host_that_gives_no_answer_is_unknown() -> None:
    broken = replace(subject(), probes={"I1": probe_facts(GONE, routes=GONE, neighbors=GONE), "C1": client_facts()})
    assert changed_by(broken) == {"reachable I1": "unknown", "client-neighbor I1": "unknown"}
    assert judge_vip(broken).state is VipState.UNKNOWN


def test_nobody_answers() -> None:
    broken = subject(
        servers={name: silent_server(name) for name in ("H1", "H2")},
        leaves={leaf: silent_leaf(leaf) for leaf in VTEPS},
        probes={host: probe_facts(GONE, host=host, routes=GONE, neighbors=GONE) for host in ("I1", "C1")},
    )
    statuses = {finding.status for finding in judge_vip(broken).findings}
    assert statuses == {Status.UNKNOWN, Status.SKIP}
    assert judge_vip(broken).status is Status.UNKNOWN


UNREADABLE = [
    ("neighbors", "neighbor, gateway-neighbor", ""),
    ("fdb", "fdb", "attachment H1, attachment H2"),
    ("evpn_macs", "evpn-mac", ""),
    ("evpn_neighbors", "evpn-arp, mobility, duplicate", ""),
    ("paths", "bgp-type2", "origin web"),
    ("vni", "agreement", ""),
    ("detection", "duplicate", ""),
    ("moves", "duplicate", ""),
    ("sessions", "evpn-session", ""),
]


@pytest.mark.parametrize(("reading", "checks", "others"), UNREADABLE)
def test_one_unreadable_table_of_a_leaf(reading: str, checks: str, others: str) -> None:
    source = answer("L2", "vtysh", "%% garbage")
    broken = with_leaf(subject(), "L2", **{reading: Unread(reason="unreadable: not JSON", source=source)})
    names = [f"{check} L2" for check in checks.split(", ")]
    assert changed_by(broken) == dict.fromkeys([*names, *filter(None, others.split(", "))], "unknown")
    # what the VIP can live with leaves the state alone; the verdict is unknown either way
    decisive = not {"agreement", "duplicate", "evpn-session"} >= set(checks.split(", "))
    assert judge_vip(broken).state is (VipState.UNKNOWN if decisive else VipState.HEALTHY)
    assert judge_vip(broken).status is Status.UNKNOWN
    for name in names:
        finding = by_name(judge_vip(broken))[name]
        assert (finding.message, finding.evidence) == ("unreadable: not JSON", (source,))


def test_a_leaf_that_does_not_tell_its_vtep() -> None:
    broken = with_leaf(subject(), "L1", vni=GONE)
    remote = {f"{check} {leaf}": "unknown" for check in REMOTE for leaf in ("L2", "L3")}
    assert changed_by(broken) == remote | dict.fromkeys(("bgp-type2 L1", "agreement L1", "origin web"), "unknown")
    assert "L1 did not tell its VTEP address" in message_of(broken, "fdb L2")


def test_a_failing_check_outranks_what_is_unknown() -> None:
    broken = with_server(with_leaf(subject(), "L2", paths=GONE), "H2", package=GONE)
    broken = with_leaf(broken, "L1", neighbors=(neighbor(MACS["H2"], remote=False),))
    assert judge_vip(broken).state is VipState.STALE_NEIGHBOR
    assert judge_vip(broken).status is Status.FAIL


def finding(status: Status, cause: VipState | None = None, check: str = "neighbor") -> Finding:
    return Finding(check=check, target="L1", status=status, message="", cause=cause)


@pytest.mark.parametrize(
    ("findings", "state"),
    [
        ([], VipState.UNKNOWN),
        ([finding(Status.SKIP)], VipState.UNKNOWN),
        ([finding(Status.PASS)], VipState.HEALTHY),
        ([finding(Status.WARN)], VipState.HEALTHY),
        ([finding(Status.PASS, check="config")], VipState.UNKNOWN),  # a good file on disk says nothing of the VIP
        ([finding(Status.PASS), finding(Status.UNKNOWN)], VipState.UNKNOWN),
        ([finding(Status.PASS), finding(Status.UNKNOWN, check="config")], VipState.HEALTHY),
        ([finding(Status.PASS), finding(Status.FAIL, check="config")], VipState.HEALTHY),
        ([finding(Status.UNKNOWN), finding(Status.FAIL, VipState.BLACK_HOLE)], VipState.BLACK_HOLE),
        ([finding(Status.FAIL, VipState.BLACK_HOLE), finding(Status.FAIL, VipState.NOT_LEARNED)], VipState.NOT_LEARNED),
        ([finding(Status.FAIL, VipState.NO_MASTER), finding(Status.FAIL, VipState.SPLIT_BRAIN)], VipState.SPLIT_BRAIN),
        ([finding(Status.FAIL, VipState.STALE_NEIGHBOR), finding(Status.FAIL, VipState.NO_MASTER)], VipState.NO_MASTER),
        ([finding(Status.WARN, VipState.STALE_NEIGHBOR), finding(Status.PASS)], VipState.HEALTHY),
        (
            [finding(Status.FAIL, VipState.NOT_ADVERTISED), finding(Status.FAIL, VipState.WRONG_LOCATION)],
            VipState.NOT_ADVERTISED,
        ),
        (
            [finding(Status.FAIL, VipState.STALE_NEIGHBOR), finding(Status.FAIL, VipState.NOT_LEARNED)],
            VipState.STALE_NEIGHBOR,
        ),
        (
            [finding(Status.FAIL, VipState.WRONG_LOCATION), finding(Status.FAIL, VipState.NOT_LEARNED)],
            VipState.NOT_LEARNED,
        ),
        ([finding(Status.PASS), finding(Status.UNKNOWN, check="agreement")], VipState.HEALTHY),
        ([finding(Status.PASS), finding(Status.UNKNOWN, check="origin")], VipState.UNKNOWN),
        ([finding(Status.PASS), finding(Status.UNKNOWN, check="client-neighbor")], VipState.UNKNOWN),
    ],
)
def test_state_is_the_first_cause_that_explains(findings: list[Finding], state: VipState) -> None:
    assert state_of(findings) is state
    assert state_of(findings[::-1]) is state


def test_both_servers_behind_one_leaf() -> None:
    """An MLAG-less rack: the owner's leaf is local for both, and the other leaf points there whoever is master."""
    servers = (server("H1"), server("H2", leaves=("L1",), port="swp2"))
    told = (lldp("H1"), lldp("H2", "swp2"))
    whole = with_leaf(with_leaf(subject(cluster=cluster(servers=servers)), "L1", lldp=told), "L2", lldp=())
    assert changed_by(whole) == {}


def test_ids_are_unique_with_several_probes_and_leaves() -> None:
    whole = subject(probes={"I1": probe_facts(), "L1": probe_facts(host="L1")})
    whole = replace(whole, cluster=cluster(probes=("I1", "L1")))
    findings = judge_vip(whole).findings
    assert len({(each.check, each.target) for each in findings}) == len(findings)
    assert VTEPS["L1"] in by_name(judge_vip(whole))["fdb L2"].message
