"""One verdict a VIP: every check, and the one word that explains them."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.judge.firewall import judge_adverts, judge_firewall
from tasks.judge.leaf import (
    judge_bgp,
    judge_evpn_arp,
    judge_evpn_mac,
    judge_fdb,
    judge_gateway_neighbor,
    judge_neighbor,
)
from tasks.judge.mastership import judge_address, judge_master, judge_preferred
from tasks.judge.probe import judge_reachable
from tasks.judge.server import judge_config, judge_package, judge_running_config, judge_service
from tasks.judge.subject import Subject
from tasks.model.cluster import Server
from tasks.model.verdict import Finding, Status, VipState, VipVerdict

SERVER_CHECKS = (judge_package, judge_config, judge_service, judge_running_config, judge_firewall, judge_adverts)
LEAF_CHECKS = (judge_neighbor, judge_gateway_neighbor, judge_fdb, judge_evpn_mac, judge_evpn_arp, judge_bgp)

# The order in which causes explain: without a master nothing else means anything; a wrong binding explains a wrong
# place; and a VIP that does not answer is a black hole only when nothing else explains it.
_CAUSES = (
    VipState.SPLIT_BRAIN,
    VipState.NO_MASTER,
    VipState.STALE_NEIGHBOR,
    VipState.NOT_LEARNED,
    VipState.WRONG_LOCATION,
    VipState.NOT_ADVERTISED,
    VipState.BLACK_HOLE,
)
# A server may drift from its declaration while the VIP is fine; what these say decides the state.
_DECISIVE = {"master", "vip-address", "neighbor", "fdb", "evpn-mac", "evpn-arp", "bgp-type2", "reachable"}


def judge_server(subject: Subject, server: Server) -> tuple[Finding, ...]:
    """Every check on one server alone."""
    return tuple(judge(subject, server) for judge in SERVER_CHECKS)


def judge_vip(subject: Subject) -> VipVerdict:
    """Every check of one VIP, in the order in which an engineer would look."""
    cluster = subject.cluster
    findings = [finding for server in cluster.servers for finding in judge_server(subject, server)]
    findings.append(judge_master(subject))
    findings += [judge_address(subject, server) for server in cluster.servers]
    findings.append(judge_preferred(subject))
    findings += [judge(subject, leaf) for leaf in cluster.fabric.leaves for judge in LEAF_CHECKS]
    findings += [judge_reachable(subject, probe) for probe in cluster.probes]
    owner = subject.owner()
    return VipVerdict(
        cluster=cluster.name,
        address=subject.vip.ip,
        state=state_of(findings),
        owner=owner.name if owner else None,
        mac=subject.mac_of(owner) if owner else None,
        findings=tuple(findings),
    )


def state_of(findings: Sequence[Finding]) -> VipState:
    """The first cause that explains; `unknown` when a check that decides could not be made or none was."""
    causes = {finding.cause for finding in findings if finding.status is Status.FAIL}
    for cause in _CAUSES:
        if cause in causes:
            return cause
    decisive = [finding.status for finding in findings if finding.check in _DECISIVE]
    if Status.UNKNOWN in decisive or not set(decisive) & {Status.PASS, Status.WARN}:
        return VipState.UNKNOWN
    return VipState.HEALTHY
