"""The timeline of a drill, gathered from fault, journals, probe and judgements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runbooks.session import Session
from tasks.judge.outage import gaps_of
from tasks.model.answer import Answers
from tasks.model.cluster import Cluster
from tasks.model.drill import ProbeStream
from tasks.model.drilled import Event
from tasks.model.reading import Unread
from tasks.observe.readings import unasked
from tasks.server.keepalived.log import SYSLOG, journal
from tasks.transport import Script

_QUIET = {"garp", "other"}
"""Lines of the journal that would bury the transitions."""
_CLOCK_TOLERANCE_S = 0.25
"""Clocks nearer than this are taken as one: the offset is measured no better than a round trip."""
_GAP = 3
"""Probes lost in a row that are worth a line."""
_SHORT_S = 0.03
"""Shorter gaps are within the burst of answers that a leaf kept while it waited for ARP."""

Entry = tuple[float, str, str, str]
"""Seconds since the epoch, host, source, event."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Entries in the order in which they come in."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, at: float, host: str, source: str, event: str) -> None:
        """Put one entry in."""
        self.entries.append((at, host, source, event))

    def events(self, zero: float) -> tuple[Event, ...]:
        """Everything in order of time; offsets count from the fault."""
        return tuple(
            Event(at=datetime.fromtimestamp(at, UTC), offset_s=at - zero, host=host, source=source, event=event)
            for at, host, source, event in sorted(self.entries)
        )


def probe_events(probes: ProbeStream, host: str) -> Iterator[Entry]:
    """Where answers stopped coming, and where they came again."""
    for gap in gaps_of(probes.replies):
        if gap.lost >= _GAP and gap.length_s > _SHORT_S:
            yield gap.began_at, host, "probe", f"last answer before a gap (probe {gap.before.sequence})"
            yield gap.ended_at, host, "probe", f"answered again (probe {gap.after.sequence}, {gap.lost} lost)"


def journal_events(session: Session, host: str, clusters: Sequence[Cluster], since: float) -> list[Entry]:
    """Transitions of these instances; a journal that can't be read is an entry that says so."""
    asked = journal(since)
    reply = session.run_scripts({host: Script(commands=(asked.command, SYSLOG.command))})[host]
    if not isinstance(reply, Answers):
        return [(since, host, "journal", f"not read: {reply.reason}")]
    files = SYSLOG.read(reply)
    read = asked.read(reply) if files.source is None or unasked(files) else files
    if isinstance(read, Unread):
        return [(since, host, "journal", f"not read: {read.reason}")]
    instances = {cluster.instance for cluster in clusters}
    offset = reply.clock_offset_s if abs(reply.clock_offset_s) > _CLOCK_TOLERANCE_S else 0.0
    return [
        (each.at - offset, host, "keepalived", each.text)
        for each in read.value
        if each.at - offset >= since - 1 and each.instance in instances and each.event not in _QUIET
    ]
