"""What a judgement says of a broken cluster, as the difference to a healthy one."""

from __future__ import annotations

from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.verdict import Finding, VipVerdict
from tests.unit.builders import subject

Changed = dict[str, str]
"""`check target` and its status now, for everything that is not as on a healthy cluster."""


def by_name(verdict: VipVerdict) -> dict[str, Finding]:
    found = {f"{each.check} {each.target}": each for each in verdict.findings}
    assert len(found) == len(verdict.findings), "two findings with one id"
    return found


COMPARING = ("neighbor", "fdb", "evpn-mac", "evpn-arp", "bgp-type2", "mobility")
"""The checks on a leaf that compare with the owner's place, and are skipped while nobody is the one owner."""
HEALTHY = by_name(judge_vip(subject()))


def changed_by(broken: Subject) -> Changed:
    return {
        name: str(finding.status)
        for name, finding in by_name(judge_vip(broken)).items()
        if name not in HEALTHY or finding.status is not HEALTHY[name].status
    }


def message_of(broken: Subject, name: str) -> str:
    return by_name(judge_vip(broken))[name].message
