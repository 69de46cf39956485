"""Check from outside: does the VIP answer?"""

from __future__ import annotations

from tasks.judge.subject import Check, Subject
from tasks.model.observation import Unread
from tasks.model.verdict import Finding, VipState


def judge_reachable(subject: Subject, probe: str) -> Finding:
    """The VIP answers a probe host. Tables can agree and still be wrong together; this is the last judge."""
    read = subject.probes[probe].pings[subject.vip.ip]
    expected = f"{subject.vip.ip} answers every echo"
    if isinstance(read, Unread):
        return Check(name="reachable", target=probe, expected=expected).unread(read)
    check = Check(name="reachable", target=probe, expected=expected, evidence=(read.source,))
    ping = read.value
    actual = f"{ping.received} of {ping.sent} echoes" + (f", {ping.rtt_ms:g} ms" if ping.rtt_ms is not None else "")
    if ping.sent == 0:
        return check.unknown(f"{probe} sent nothing")
    if ping.received == 0:
        return check.fails(f"{subject.vip.ip} does not answer {probe}", actual, VipState.BLACK_HOLE)
    if ping.received < ping.sent:
        return check.warns(f"{subject.vip.ip} answers {probe}, but not always", actual)
    return check.passes(f"{subject.vip.ip} answers {probe}", actual)
