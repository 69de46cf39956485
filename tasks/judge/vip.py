"""One verdict a VIP: every check, and the one word that explains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.judge.agreement import judge_agreement
from tasks.judge.attachment import judge_attachment
from tasks.judge.bgp import judge_bgp, judge_origin, judge_session
from tasks.judge.causes import known_causes
from tasks.judge.client import judge_client_neighbor, judge_reachable
from tasks.judge.duplicates import budget_of, judge_duplicate
from tasks.judge.firewall import judge_adverts, judge_firewall
from tasks.judge.kernel import judge_fdb, judge_gateway_neighbor, judge_neighbor
from tasks.judge.mastership import judge_address, judge_master, judge_preferred
from tasks.judge.mobility import judge_mobility
from tasks.judge.server import judge_config, judge_interface, judge_package, judge_running_config, judge_service
from tasks.judge.subject import Subject
from tasks.judge.sysctl import judge_sysctl
from tasks.judge.zebra import judge_evpn_arp, judge_evpn_mac
from tasks.model.cluster import Cluster, Desired, Server
from tasks.model.server import ServerFacts
from tasks.model.verdict import Finding, Status, VipState, VipVerdict

SERVER_CHECKS = (
    judge_package,
    judge_config,
    judge_service,
    judge_interface,
    judge_running_config,
    judge_firewall,
    judge_sysctl,
    judge_adverts,
)
LEAF_CHECKS = (
    judge_neighbor,
    judge_gateway_neighbor,
    judge_fdb,
    judge_evpn_mac,
    judge_evpn_arp,
    judge_bgp,
    judge_agreement,
    judge_mobility,
    judge_duplicate,
    judge_session,
)
PROBE_CHECKS = (judge_client_neighbor, judge_reachable)

# The order in which causes explain: without a master nothing else means anything; what its own leaf does not tell
# nobody can know; a wrong binding explains a wrong place; and a VIP that does not answer is a black hole only when
# nothing else explains it.
_CAUSES = (
    VipState.SPLIT_BRAIN,
    VipState.NO_MASTER,
    VipState.NOT_ADVERTISED,
    VipState.STALE_NEIGHBOR,
    VipState.NOT_LEARNED,
    VipState.WRONG_LOCATION,
    VipState.BLACK_HOLE,
)
# A server may drift from its declaration while the VIP is fine; what these say decides the state.
_DECISIVE = {
    "master",
    "vip-address",
    "neighbor",
    "fdb",
    "evpn-mac",
    "evpn-arp",
    "bgp-type2",
    "origin",
    "client-neighbor",
    "reachable",
}


def judge_server(subject: Subject, server: Server) -> tuple[Finding, ...]:
    """Every check on one server alone."""
    return tuple(judge(subject, server) for judge in SERVER_CHECKS)


def first_wrong(clusters: Sequence[Cluster], desired: Mapping[str, Desired], facts: ServerFacts) -> str | None:
    """The first check of one server alone that does not hold, of all its clusters; None when all do."""
    for cluster in clusters:
        subject = Subject(
            cluster=cluster, vip=cluster.vips[0], servers={facts.host: facts}, leaves={}, probes={}, desired=desired
        )
        for finding in judge_server(subject, cluster.server(facts.host)):
            if finding.status not in {Status.PASS, Status.WARN, Status.SKIP}:
                return f"{finding.check}: {finding.message}"
    return None


def judge_vip(subject: Subject) -> VipVerdict:
    """Every check of one VIP, in the order in which an engineer would look."""
    cluster = subject.cluster
    findings = [finding for server in cluster.servers for finding in judge_server(subject, server)]
    findings.append(judge_master(subject))
    findings += [judge_address(subject, server) for server in cluster.servers]
    findings.append(judge_preferred(subject))
    findings += [judge_attachment(subject, server) for server in cluster.servers]
    findings += [judge(subject, leaf) for leaf in cluster.fabric.leaves for judge in LEAF_CHECKS]
    findings.append(judge_origin(subject))
    findings += [judge(subject, probe) for probe in cluster.probes for judge in PROBE_CHECKS]
    owner, holders = subject.owner(), subject.holders()
    return VipVerdict(
        cluster=cluster.name,
        address=subject.vip.ip,
        state=state_of(findings),
        owner=owner.name if owner else None,
        mac=subject.vip_mac(owner) if owner else None,
        findings=tuple(findings),
        causes=known_causes(subject),
        masters=len(holders) if holders is not None else None,
        budgets={each.leaf: each.left for leaf in subject.leaves if (each := budget_of(subject, leaf)) is not None},
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
