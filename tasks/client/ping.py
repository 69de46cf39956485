"""What iputils ping prints: the summary of a short one, and the numbered replies of one that runs through a fault."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tasks.model.bounds import PROBES_MOST
from tasks.model.drill import ProbeReply, ProbeStream
from tasks.model.probe import PingFacts
from tasks.observe.readings import Garbled, shortened

_SUMMARY = re.compile(
    r"^(?P<sent>[0-9]{1,9}) packets transmitted, (?P<received>[0-9]{1,9}) (?:packets )?received\b.*packet loss",
    re.MULTILINE,
)
_RTT = re.compile(
    r"^(?:rtt|round-trip) min/avg/max(?:/mdev)? = [0-9.]+/(?P<average>[0-9]{1,9}(?:\.[0-9]{1,9})?)/", re.MULTILINE
)
_STAMP = r"(?:\[(?P<stamp>[0-9]{1,12}\.[0-9]{1,9})\] )?"
_REPLY = re.compile(_STAMP + r"[0-9]{1,9} bytes from .+?: icmp_seq=(?P<sequence>[0-9]{1,9}) (?P<rest>.*)")
_RTT_OF_REPLY = re.compile(r"\btime=([0-9]{1,9}(?:\.[0-9]{1,9})?) ms\b")
_NO_ANSWER = re.compile(_STAMP + r"no answer yet for icmp_seq=(?P<sequence>[0-9]{1,9})\Z")
_ERROR = re.compile(_STAMP + r"From .+? icmp_seq=(?P<sequence>[0-9]{1,9}) .+")
_SILENT = re.compile(r"(?:PING |--- |[0-9]+ packets transmitted, |rtt |\^C)|\s*\Z")
"""Header and summary: the summary's loss is not used, because late replies count there and gaps do not show."""
_TAIL = 1000
_WRAP = 1 << 16
"""The ICMP sequence number has 16 bits (RFC 792), and ping prints no more of it."""


def parse_ping(text: str) -> PingFacts:
    """Read the summary of `ping -n -c 3`, where `rtt_ms` is the average. No reply is an answer (ping ends with 1)."""
    summaries = list(_SUMMARY.finditer(text))
    if len(summaries) != 1:
        raise Garbled(f"{len(summaries)} summaries where one was expected: {_last_words(text)}")
    sent, received = int(summaries[0]["sent"]), int(summaries[0]["received"])
    if received > sent:
        raise Garbled(f"{received} replies to {sent} probes")
    rtt = _RTT.search(text)
    return PingFacts(sent=sent, received=received, rtt_ms=float(rtt["average"]) if rtt else None)


def parse_probe_stream(text: str) -> ProbeStream:
    """Output of `ping -D -O -n -i … <address>`, finished or still growing: an unfinished last line is left out."""
    lines, complete, _ = text.rpartition("\n")
    stream = _Stream()
    for line in lines.split("\n") if complete else []:
        _take(stream, line.rstrip("\r"))
    if not stream.seen:
        raise Garbled(f"no probe: {_last_words(text)}")
    return stream.finished()


@dataclass(slots=True, kw_only=True)
class _Stream:
    """What has been read so far."""

    seen: set[int] = field(default_factory=set)
    highest: int | None = None
    replies: list[ProbeReply] = field(default_factory=list)
    answered: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def unwrapped(self, printed: str) -> int:
        """Find the number whose low 16 bits are printed and that is nearest to the highest so far.

        A reply may come late and so from before the wrap; only 32768 probes without a line would mislead.
        """
        low = int(printed) % _WRAP
        if self.highest is None:
            self.highest = low
        distance = (low - self.highest + _WRAP // 2) % _WRAP - _WRAP // 2
        sequence = self.highest + distance
        sequence += _WRAP if sequence < 0 else 0
        self.highest = max(self.highest, sequence)
        self.seen.add(sequence)
        return sequence

    def finished(self) -> ProbeStream:
        first, last = min(self.seen), max(self.seen)
        if last - first >= PROBES_MOST:
            # ping names every number: what it jumps over was never sent, and is no silence either.
            raise Garbled(f"numbers from {first} to {last}, more than {PROBES_MOST:,} probes")
        return ProbeStream(
            replies=tuple(sorted(self.replies, key=lambda reply: reply.sequence)),
            unanswered=tuple(sequence for sequence in range(first, last + 1) if sequence not in self.answered),
            errors=tuple(self.errors),
            last_sequence=last,
        )


def _take(stream: _Stream, line: str) -> None:
    if found := _REPLY.match(line):
        _take_reply(stream, found, line)
    elif found := _NO_ANSWER.match(line):
        stream.unwrapped(found["sequence"])
    elif found := _ERROR.match(line):
        stream.unwrapped(found["sequence"])
        stream.errors.append(line)
    elif not _SILENT.match(line):
        stream.errors.append(line)


def _take_reply(stream: _Stream, found: re.Match[str], line: str) -> None:
    rtt = _RTT_OF_REPLY.search(found["rest"])
    if found["stamp"] is None or rtt is None:
        raise Garbled(f"a reply without the time of day (ping -D) or its round trip: {shortened(line)!r}")
    sequence, rtt_ms = stream.unwrapped(found["sequence"]), float(rtt[1])
    reply = ProbeReply(
        sequence=sequence,
        sent_at=float(found["stamp"]) - rtt_ms / 1000,
        rtt_ms=rtt_ms,
        duplicate="(DUP!)" in found["rest"] or sequence in stream.answered,
    )
    stream.answered.add(sequence)
    stream.replies.append(reply)


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text[-_TAIL:].splitlines() if line.strip()]
    return shortened(lines[-1]) if lines else "nothing was printed"
