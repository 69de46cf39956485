"""verify: observe, judge, report. Never changes anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runbooks.session import Session
from runbooks.settling import Settling
from tasks.client.probe import probe_commands, probe_facts
from tasks.fabric.leaf import LeafReader, leaf_commands
from tasks.model.answer import Answers, Command, Reply
from tasks.model.cluster import Cluster
from tasks.server.questions import server_commands
from tasks.transport import Script

if TYPE_CHECKING:
    from tasks.judge.subject import Subject
    from tasks.model.address import IpAddress
    from tasks.model.drill import Injected
    from tasks.model.fabric_map import FabricMap
    from tasks.model.judged import CheckReport
    from tasks.model.leaf import LeafFacts
    from tasks.model.report import Report
    from tasks.model.verdict import Finding, Status, VipVerdict

_POLL_S = 0.5
_ASKED_S = 1.0
"""A host that is slow to log in holds up nothing but its own answer."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One observation of some clusters, judged."""

    replies: Mapping[str, Reply]
    found: tuple[Subject, ...]
    vips: tuple[VipVerdict, ...]

    @property
    def status(self) -> Status:
        """The verdict of the whole."""
        from tasks.model.verdict import worst  # noqa: PLC0415 - loaded while the hosts work

        return worst(vip.status for vip in self.vips)


def look_at(session: Session, clusters: Sequence[Cluster], known: Mapping[str, Reply] | None = None) -> Look:
    """Ask every host of these clusters, and judge their VIPs. `known` as for `observe`."""
    replies = observe(session, clusters, known)
    found = subjects(session, clusters, replies)
    return Look(replies=replies, found=found, vips=judge(found))


def verify(session: Session, *, wait_s: float | None = None, progress: Progress | None = None) -> Report:
    """Judge every VIP of the session's clusters; with `wait_s`, again and again until they pass or the time is up."""
    started_at, began = datetime.now(UTC), time.monotonic()
    deadline, settling, said = began + (wait_s or 0.0), Settling(), ""
    quiet = wait_s is not None
    known: dict[str, Reply] = {}
    while True:
        # An echo teaches a client where the VIP is now, for as long as its own timers last: while the VIP may still be
        # on its way, servers and leaves are asked alone.
        clusters = unprobed(session.clusters) if quiet else session.clusters
        look = look_at(session, clusters, known if quiet else {})
        settling.look(look.vips, time.monotonic() - began)
        if quiet and (arrived(look.vips) or time.monotonic() > began + (wait_s or 0.0) / 2):
            quiet = False
            del look
            continue
        if wait_s is None or (look.status == "pass" and not quiet) or time.monotonic() + _POLL_S > deadline:
            break
        if progress is not None and said != (said := f"{look.status}: {first_problem(look.vips)}"):
            progress(said)
        known = known or open_firewalls(look.replies, look.vips)
        # Nothing else of what hosts said is kept while they are asked again.
        del look
        time.sleep(_POLL_S)
    report = _report(session, look, started_at, began)
    if wait_s is None:
        return report
    return replace(report, waited_s=report.duration_s, settled_s=dict(settling.since))


def _report(session: Session, look: Look, started_at: datetime, began: float) -> Report:
    from tasks.report.build import Reporter, judged_clusters  # noqa: PLC0415 - loaded while the hosts work

    return Reporter("verify", started_at, began).report(
        asked=asked_hosts(session.clusters),
        answered=answered_hosts(look.replies),
        clusters=judged_clusters(look.vips, fabric_maps(look.found)),
    )


def unprobed(clusters: Sequence[Cluster]) -> tuple[Cluster, ...]:
    """The same clusters, their probe hosts left alone."""
    return tuple(replace(cluster, probes=()) for cluster in clusters)


def arrived(vips: Iterable[VipVerdict]) -> bool:
    """Is the VIP where it will stay: nothing is wrong, and no server with a higher priority is about to take it?"""
    from tasks.model.verdict import Status  # noqa: PLC0415 - as above

    findings = [finding for vip in vips for finding in vip.findings]
    wrong = any(finding.status in {Status.FAIL, Status.UNKNOWN} for finding in findings)
    return not wrong and not any(each.check == "preferred-master" and each.status is Status.WARN for each in findings)


def first_problem(vips: Iterable[VipVerdict]) -> str:
    """The first finding that keeps a wait waiting, as one line."""
    return first_wrong(finding for vip in vips for finding in vip.findings)


def first_wrong(findings: Iterable[Finding | CheckReport]) -> str:
    """The first one that fails, else that is unknown, else that warns, as one line."""
    from tasks.model.verdict import Status  # noqa: PLC0415 - as above

    found = tuple(findings)
    for status in (Status.FAIL, Status.UNKNOWN, Status.WARN):
        for each in found:
            if each.status is status:
                return f"{each.check} {each.target}: {each.message}"
    return "nothing was judged"


def asked_hosts(clusters: Sequence[Cluster]) -> tuple[str, ...]:
    """Every host that these clusters depend on, each once, in the order of the intent."""
    return tuple(dict.fromkeys(host for cluster in clusters for host in cluster.hosts()))


def answered_hosts(replies: Mapping[str, Reply]) -> tuple[str, ...]:
    """The hosts that could be asked."""
    return tuple(name for name, reply in replies.items() if isinstance(reply, Answers))


def open_firewalls(replies: Mapping[str, Reply], vips: Iterable[VipVerdict]) -> dict[str, Reply]:
    """The replies of the servers whose firewall is right: it stays so while something else is waited for."""
    from tasks.model.verdict import Status  # noqa: PLC0415 - as above

    findings = [finding for vip in vips for finding in vip.findings if finding.check == "firewall"]
    wrong = {finding.target for finding in findings if finding.status is not Status.PASS}
    return {finding.target: replies[finding.target] for finding in findings if finding.target not in wrong}


def questions(clusters: Sequence[Cluster], known: Mapping[str, Reply]) -> dict[str, Script]:
    """What each host is asked: one script, whatever roles it has. `known`: these servers' firewalls are not asked."""
    scripts: dict[str, Script] = {}
    for host in asked_hosts(clusters):
        commands: list[Command] = []
        member = [each for each in clusters if host in {server.name for server in each.servers}]
        carries = [each for each in clusters if host in each.fabric.leaves]
        probes = [each for each in clusters if host in each.probes]
        if member:
            commands += server_commands(member, firewall=host not in known)
        if carries:
            commands += leaf_commands(carries)
        if probes:
            commands += probe_commands(probes)
        scripts[host] = Script(commands=tuple(commands))
    return scripts


def observe(
    session: Session, clusters: Sequence[Cluster], known: Mapping[str, Reply] | None = None
) -> dict[str, Reply]:
    """One round trip to every host of these clusters; what judges them is loaded while they work.

    `known`: replies of earlier, whose answers about the firewall stand in for new ones. A verdict that is reported as
    good has none.

    Not before all are asked: loading and the key exchanges of SSH would take the interpreter from each other.
    """
    scripts = questions(clusters, known or {})
    under_way = threading.Semaphore(0)
    with ThreadPoolExecutor(max_workers=1) as pool:
        asking = pool.submit(session.run_scripts, scripts, under_way.release)
        deadline = time.monotonic() + _ASKED_S
        for _ in scripts:
            under_way.acquire(timeout=max(0.0, deadline - time.monotonic()))
        _load(session)
        replies = asking.result()
    return {name: _completed(reply, (known or {}).get(name)) for name, reply in replies.items()}


def _completed(reply: Reply, earlier: Reply | None) -> Reply:
    if not isinstance(reply, Answers) or not isinstance(earlier, Answers):
        return reply
    return replace(reply, by_key={**earlier.by_key, **reply.by_key})


def _load(session: Session) -> None:
    """Imports and rendering that take a tenth of a second, and nothing from the hosts."""
    from tasks.model.report import Report  # noqa: PLC0415
    from tasks.report.document import shape_of  # noqa: PLC0415

    shape_of(Report)

    _ = session.desired


def judge(facts: Sequence[Subject]) -> tuple[VipVerdict, ...]:
    """A verdict for every VIP."""
    from tasks.judge.vip import judge_vip  # noqa: PLC0415 - loaded while the hosts work

    return tuple(judge_vip(subject) for subject in facts)


def fabric_maps(found: Sequence[Subject]) -> dict[str, FabricMap]:
    """Who hangs where, by cluster."""
    from tasks.judge.fabric_map import map_fabric  # noqa: PLC0415 - as above

    return {subject.cluster.name: map_fabric(subject) for subject in reversed(found)}


def subjects(  # noqa: PLR0913, PLR0917 - each is a fact of its own that only the caller has
    session: Session,
    clusters: Sequence[Cluster],
    replies: Mapping[str, Reply],
    expected: Mapping[str, str] | None = None,
    injected: Injected | None = None,
    before: Mapping[IpAddress, Mapping[str, LeafFacts]] | None = None,
) -> tuple[Subject, ...]:
    """Everything observed, put together by VIP. `expected`: who should bear the VIPs of an instance, by its name."""
    from tasks.judge.subject import Subject  # noqa: PLC0415 - as above
    from tasks.server.facts import server_facts  # noqa: PLC0415

    # Each answer is parsed once: what a VIP needs is looked up.
    members = dict.fromkeys(each.name for cluster in clusters for each in cluster.servers)
    servers = {name: server_facts(name, replies[name], session.interfaces(name)) for name in members}
    carriers = dict.fromkeys(leaf for cluster in clusters for leaf in cluster.fabric.leaves)
    leaves = {leaf: LeafReader(leaf, replies[leaf]) for leaf in carriers}
    asking = dict.fromkeys(probe for cluster in clusters for probe in cluster.probes)
    probes = {probe: probe_facts(probe, replies[probe], clusters) for probe in asking}
    return tuple(
        Subject(
            cluster=cluster,
            vip=vip,
            servers={each.name: servers[each.name] for each in cluster.servers},
            leaves={leaf: leaves[leaf].facts(cluster, vip.ip) for leaf in cluster.fabric.leaves},
            probes={probe: probes[probe] for probe in cluster.probes},
            desired=session.desired,
            expected_owner=(expected or {}).get(cluster.instance),
            injected=injected,
            before=before.get(vip.ip) if before is not None else None,
        )
        for cluster in clusters
        for vip in cluster.vips
    )
