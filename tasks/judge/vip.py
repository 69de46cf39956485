"""One verdict per VIP: every check, and the one word that explains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from tasks.judge.causes.signatures import known_causes
from tasks.judge.checks import AnyCheck, Target, all_checks, target_name
from tasks.judge.checks.duplicates import budget_of
from tasks.judge.subject import Check, Subject
from tasks.model.cluster import Cluster, Desired, Server
from tasks.model.server import ServerFacts
from tasks.model.verdict import Finding, Status, VipState, VipVerdict

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


def judge_server(subject: Subject, server: Server) -> tuple[Finding, ...]:
    """Every check on one server alone."""
    return tuple(finding_of(check, subject, server) for check in all_checks() if check.alone)


def finding_of(check: AnyCheck, subject: Subject, *target: Server | str) -> Finding:
    """The check on one target, as far as the intent lets it count."""
    disturbed = subject.disturbed(target_name(subject, target), check.name) if check.on is Target.SERVER else None
    if disturbed is not None:
        return Check(name=check.name, target=target_name(subject, target), expected=check.passes).skips(disturbed)
    rule = next((each for each in subject.cluster.checks if each.check == check.name), None)
    if rule is None:
        return check(subject, *target)
    if rule.at_most == "skip":
        finding = Check(name=check.name, target=target_name(subject, target), expected=check.passes).skips(
            f"switched off in the intent: {rule.reason}"
        )
        return replace(finding, overruled=rule.reason)
    finding = check(subject, *target)
    if finding.status is not Status.FAIL:
        return finding
    message = f"{finding.message} (a warning only, by the intent: {rule.reason})"
    return replace(finding, status=Status.WARN, message=message, overruled=rule.reason)


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
    findings: list[Finding] = []
    for on, group in groupby(all_checks(), key=lambda each: each.on):
        together = tuple(group)
        findings += [finding_of(check, subject, *each) for each in _targets(cluster, on) for check in together]
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


def _targets(cluster: Cluster, on: Target) -> list[tuple[Server | str, ...]]:
    """What a check is called with for each of its targets, after the subject."""
    match on:
        case Target.SERVER:
            return [(each,) for each in cluster.servers]
        case Target.CLUSTER:
            return [()]
        case Target.LEAF:
            return [(each,) for each in cluster.fabric.leaves]
        case Target.PROBE:
            return [(each,) for each in cluster.probes]


def state_of(findings: Sequence[Finding]) -> VipState:
    """The first cause that explains; `unknown` when a check that decides could not be made or none was."""
    causes = {finding.cause for finding in findings if finding.status is Status.FAIL}
    for cause in _CAUSES:
        if cause in causes:
            return cause
    deciding = {check.name for check in all_checks() if check.decides}
    decisive = [finding.status for finding in findings if finding.check in deciding]
    if Status.UNKNOWN in decisive or not set(decisive) & {Status.PASS, Status.WARN}:
        return VipState.UNKNOWN
    return VipState.HEALTHY
