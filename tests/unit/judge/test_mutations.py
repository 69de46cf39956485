"""No field that was observed can be wrong unnoticed, but those that stand here with their reason."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tasks.judge.checks import all_checks
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.verdict import Finding, Status
from tests.unit.builders import VIP6, VTEPS, detection, subject, with_leaf
from tests.unit.judge.broken import by_name
from tests.unit.judge.fabrics import mlag, segment, virtual
from tests.unit.judge.mutations import Mutation, mutations

SILENT = {Status.PASS, Status.SKIP}

UNJUDGED = {
    # servers: shown, or the same thing is judged where it is told better
    "servers.*.package.manager=*": "says how to install it; the version says whether it is",
    "servers.*.package.version=other*": "any version is one; what runs is judged by what it runs with",
    "servers.*.package.version=1:*": "as above",
    "servers.*.instances.0.skips_check=*": "in which order a list of VIPs may change: a plan's matter",
    "servers.*.later.0.skips_check=*": "as above",
    "servers.H1.between_s=*": "only a backup hears adverts",
    "servers.H2.between_s=0.0": "no time for an advert, and some came all the same",
    "servers.*.package.candidate=*": "what would be installed: a plan's matter",
    "servers.*.package.system=*": "a name for people",
    "servers.*.config.modified_at=0.0": "older than what runs is right",
    "servers.*.config.modified_at=None": "no time is told of a file that is not there, and then its text fails",
    "servers.*.service.main_pid=*": "shown; systemd's state is judged",
    "servers.*.service.loaded_at=1000.0": "read after the last change is right, however late",
    "servers.*.instances.0.last_transition=*": "shown; when it became what it is does not make it wrong",
    "servers.*.instances.0.adverts_sent=*": "what the backup hears proves more",
    "servers.H1.instances.0.adverts_received=*": "only a backup hears adverts",
    "servers.H2.instances.0.adverts_received=0": "fewer than at the second look is right",
    "servers.H2.instances.0.adverts_received=1": "as above",
    "servers.*.instances.0.name=*": "a virtual router is the same one under any name",
    "servers.*.later.0.name=*": "as above",
    "servers.*.later.0.base_priority=*": "the same daemon a second later: what it runs with is judged at first",
    "servers.*.later.0.effective_priority=*": "as above",
    "servers.*.later.0.version=*": "as above",
    "servers.*.later.0.advert_int=*": "as above",
    "servers.*.later.0.nopreempt=*": "as above",
    "servers.*.later.0.vips=*": "as above",
    "servers.*.later.0.vips.0=*": "as above",
    "servers.*.later.0.vmac_interface=*": "as above",
    "servers.*.later.0.last_transition=*": "shown",
    "servers.*.later.0.adverts_sent=*": "what the backup hears proves more",
    "servers.H1.later.0.adverts_received=*": "only a backup hears adverts",
    "servers.H2.later.0.adverts_received=1000": "more than at the first look is right",
    "servers.H2.interfaces.0.mac=08:*": "a backup's MAC means nothing until it bears the VIP; LLDP still has its place",
    "servers.*.sysctl_file*": "only a virtual MAC needs it; without one the check is skipped",
    "servers.*.arp_announce*": "as above",
    # leaves: what is shown, what older releases do not tell, and what another field decides
    "leaves.L1.neighbors.0.states={STALE}": "what was learned goes stale between two refreshes: right on its own leaf",
    "leaves.*.fdb.?.bridge=*": "the question names the bridge",
    "leaves.*.fdb.?.vlan=*": "a traditional bridge has one VLAN, and no number for it",
    "leaves.*.fdb.0.vni=*": "a row of the bridge itself is of no VNI",
    "leaves.*.evpn_macs.0.local_sequence=*": "the address's own sequence is judged by `mobility`; its MAC's follows it",
    "leaves.*.evpn_macs.0.remote_sequence=*": "as above",
    "leaves.*.evpn_macs.0.moves=*": "the entry's own text is asked for, with its window",
    "leaves.*.evpn_macs.0.uptime=*": "shown, never judged",
    "leaves.L1.evpn_macs.0.vtep=*": "a local entry has no VTEP; that it is local is judged",
    "leaves.L1.evpn_macs.0.segment=*": "the owner's leaf says what segment it is in; the others are held against it",
    "leaves.L[23].evpn_macs.0.interface=*": "a remote entry has no port; that it is remote is judged",
    "leaves.*.evpn_neighbors.0.state=None": "FRR before 7.0 tells no state",
    "leaves.*.evpn_neighbors.0.moves=*": "the entry's own text is asked for, with its window",
    "leaves.*.evpn_neighbors.0.uptime=*": "shown, never judged",
    "leaves.L1.evpn_neighbors.0.vtep=*": "a local entry has no VTEP; that it is local is judged",
    "leaves.L1.evpn_neighbors.0.segment=*": "its MAC's segment is taken",
    "leaves.L1.evpn_neighbors.0.local_sequence=None": "FRR before 7.0 tells no sequence",
    "leaves.L1.evpn_neighbors.0.remote_sequence=*": "a local entry stands on the leaf's own sequence",
    "leaves.L[23].evpn_neighbors.0.local_sequence=*": "a remote entry stands on the received sequence",
    "leaves.L[23].evpn_neighbors.0.remote_sequence=None": "FRR before 7.0 tells no sequence",
    "leaves.*.paths.0.rd=*": "tells two paths of one origin apart",
    "leaves.*.vni.vni=*": "the question names the VNI",
    "leaves.*.vni.vxlan=*": "the FDB is judged on the declared device",
    "leaves.L[23].vni.local_vtep=other": "what others call this leaf matters when the VIP is behind it",
    "leaves.L[23].vni.local_vtep=10.*": "as above",
    "leaves.*.detection.enabled=*": "it may be off",
    "leaves.*.detection.max_moves=1000": "more moves than before are allowed",
    "leaves.*.detection.window_s=*": "how long to wait is the drill's to know",
    "leaves.*.detection.freeze=*": "nothing is flagged, so nothing freezes",
    "leaves.*.moves.moves=1": "moves are left",
    "leaves.*.moves.began_at=*": "how long to wait is the drill's to know",
    "leaves.*.moves.now=*": "as above",
    "leaves.*.sessions.0.peer=*": "a name",
    "leaves.*.sessions.0.prefixes_received=1": "what the routes are is judged one by one",
    "leaves.*.sessions.0.prefixes_received=1000": "as above",
    "leaves.*.sessions.0.prefixes_received=None": "an older FRR does not tell",
    "leaves.*.lldp=*": "a server may run no LLDP",
    "leaves.*.lldp.0.port=other": "LLDP names the member of a bond",
    "leaves.*.lldp.0.system=*": "a hypervisor may speak in the place of its guest",
    "leaves.*.lldp.0.remote_port=*": "shown, never judged",
    # probe hosts
    "probes.*.pings.sent=1": "no more echoes were sent than answered",
    "probes.*.pings.received=1000": "all were answered",
    "probes.*.pings.rtt_ms=*": "shown, never judged",
    "probes.*.routes.interface=*": "by whatever way the host sends: that the VIP answers is judged",
    "probes.I1.routes.gateway=*": "as above; without a gateway it holds no neighbor yet",
    "probes.C1.routes.gateway=*": "as above; behind a gateway it needs no neighbor",
    "probes.C1.neighbors=*": "a host that holds no MAC asks anew",
    "probes.C1.neighbors.0.address=*": "as above: it is another host's",
    "probes.C1.neighbors.0.interface=*": "as above: it is not used",
    "probes.C1.neighbors.0.mac=None": "as above",
    "probes.C1.neighbors.0.states={}": "as above",
    "probes.C1.neighbors.0.states={FAILED}": "as above",
    "probes.C1.neighbors.0.states={STALE}": "the right MAC, and it is asked again before long",
    "probes.C1.neighbors.0.extern_learn=*": "no host has EVPN",
    "probes.*.timers.*": "they bound what a drill may measure, and judge nothing",
}
"""Field and value, with why it may be so and everything is as well as before. `as above`: the same reason."""


def watched() -> Subject:
    """The healthy fabric of three leaves, where the last move before a freeze counts."""
    facts = subject()
    for leaf in VTEPS:
        facts = with_leaf(facts, leaf, detection=detection(freeze="permanent"))
    return facts


BEFORE = by_name(judge_vip(watched()))
ALL = list(mutations(watched()))


def noticed(mutation: Mutation) -> bool:
    now: dict[str, Finding] = by_name(judge_vip(mutation.facts))
    assert set(now) == set(BEFORE)
    return any(now[name].status not in SILENT for name, before in BEFORE.items() if before.status in SILENT)


def reasons(mutation: Mutation) -> list[str]:
    return [pattern for pattern in UNJUDGED if fnmatchcase(mutation.name, pattern)]


def test_the_healthy_fabric_is_silent_and_many_fields_are_changed() -> None:
    assert {each.status for each in BEFORE.values()} <= SILENT
    assert len(ALL) > 500
    assert len({each.name for each in ALL}) == len(ALL)


def test_every_wrong_value_is_noticed_or_has_its_reason() -> None:
    assert [each.name for each in ALL if not noticed(each) and not reasons(each)] == []


def test_no_reason_is_needless_or_too_wide() -> None:
    """A reason that covers what a check does notice would hide the check's end."""
    given = [(each, reasons(each)) for each in ALL]
    assert set(UNJUDGED) - {pattern for _, found in given for pattern in found} == set()
    assert [each.name for each, found in given if found and noticed(each)] == []
    assert all(UNJUDGED.values())


@pytest.mark.parametrize(
    "facts",
    [virtual("H2", 3, vip=VIP6), mlag(leaves=(), port=None), segment()],
    ids=["virtual MAC, IPv6", "MLAG, undeclared", "Ethernet segment"],
)
def test_no_value_in_any_fabric_breaks_the_judge(facts: Subject) -> None:
    known = {entry.name for entry in all_checks()}
    for mutation in mutations(facts):
        verdict = judge_vip(mutation.facts)
        assert len(by_name(verdict)) == len(verdict.findings)
        assert {finding.check for finding in verdict.findings} <= known
