"""What a drill injects, and what its probes bring back. All times are seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReply:
    """An answered probe. `sequence` counts on beyond 65535; `sent_at` is seconds since the epoch."""

    sequence: int
    sent_at: float
    rtt_ms: float
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStream:
    """A run of numbered probes, replies by sequence number.

    `unanswered` holds the sequence numbers between the first and the last one seen that got no reply, late or not;
    the newest of them may still be on their way. `errors` holds lines that are neither reply nor silence, untouched.
    """

    replies: tuple[ProbeReply, ...]
    unanswered: tuple[int, ...]
    errors: tuple[str, ...]
    last_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """The fault that is on a host now. `effect`: what became of the host, after `was`; `excused`: checks."""

    host: str
    effect: str
    excused: frozenset[str]
