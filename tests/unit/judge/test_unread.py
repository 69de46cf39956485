"""What could not be read never passes, whatever it is and on whatever host, and nothing raises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.reading import Unread
from tasks.model.verdict import Status, VipState
from tests.unit.builders import GONE, VIP6, answer, probe_facts, silent_leaf, silent_server, subject
from tests.unit.judge.fabrics import ipv6, mlag, segment, virtual
from tests.unit.judge.mutations import silences

FABRICS = {
    "plain": subject(),
    "virtual MAC": virtual(),
    "IPv6": ipv6(),
    "virtual MAC, IPv6": virtual(vip=VIP6),
    "MLAG": mlag(),
    "MLAG, undeclared": mlag(leaves=(), port=None),
    "Ethernet segment": segment(),
    "Ethernet segment, undeclared": segment(leaves=(), port=None),
}
NEEDLESS = {
    "servers.H1.declared": "what changes a server alone asks for it",
    "servers.H2.declared": "as above",
    "probes.I1.timers": "they bound what a drill may measure",
    "probes.C1.timers": "as above",
    "probes.I1.neighbors": "a host in another subnet sends to its gateway",
}
GARBLED = Unread(reason="unreadable: not JSON", source=answer("L1", "vtysh", "%% garbage"))


@pytest.mark.parametrize("unread", [GONE, GARBLED], ids=["silent", "garbled"])
@pytest.mark.parametrize("fabric", FABRICS)
def test_no_verdict_passes_with_a_reading_that_could_not_be_made(fabric: str, unread: Unread) -> None:
    passed = [name for name, facts in silences(FABRICS[fabric], unread) if judge_vip(facts).status is Status.PASS]
    assert passed == [name for name, _ in silences(FABRICS[fabric], unread) if name in NEEDLESS]


@pytest.mark.parametrize("fabric", FABRICS)
def test_nothing_is_called_wrong_for_silence(fabric: str) -> None:
    """Not to know is unknown: only what was read can fail."""
    wrong = {
        name: [finding.message for finding in judge_vip(facts).findings if finding.status is Status.FAIL]
        for name, facts in silences(FABRICS[fabric], GONE)
    }
    assert {name: messages for name, messages in wrong.items() if messages} == {}


def silent(facts: Subject, host: str) -> Subject:
    if host in facts.servers:
        return replace(facts, servers={**facts.servers, host: silent_server(host)})
    if host in facts.leaves:
        return replace(facts, leaves={**facts.leaves, host: silent_leaf(host)})
    gone = probe_facts(GONE, host=host, vip=facts.vip, routes=GONE, neighbors=GONE, timers=GONE)
    return replace(facts, probes={**facts.probes, host: gone})


HOSTS = ("H1", "H2", "L1", "L2", "L3", "I1", "C1")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("fabric", FABRICS)
def test_a_silent_host_is_unknown(fabric: str, host: str) -> None:
    verdict = judge_vip(silent(FABRICS[fabric], host))
    assert (verdict.state, verdict.status) == (VipState.UNKNOWN, Status.UNKNOWN)
    assert any(each.target == host and each.status is Status.UNKNOWN for each in verdict.findings)
    assert verdict.causes == ()


@pytest.mark.parametrize("fabric", FABRICS)
def test_all_hosts_silent_but_one(fabric: str) -> None:
    for talking in HOSTS:
        facts = FABRICS[fabric]
        for host in HOSTS:
            facts = facts if host == talking else silent(facts, host)
        verdict = judge_vip(facts)
        assert verdict.state is VipState.UNKNOWN, talking
        assert verdict.owner is None
