"""Refused logins: asked for less and less often, so that a server does not shut this machine out for guessing.

sshd penalizes a source whose logins fail (PerSourcePenalties, OpenSSH 9.8 and later: 5 s for each, from 15 s on the
source is shut out). What it says then is no reason that helps anybody: the first one stays in the report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tasks.model.answer import Answers, NoAnswer, Reply

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 60.0


@dataclass(frozen=True, slots=True)
class _Refusal:
    first: NoAnswer
    pause_s: float
    until: float


@dataclass(slots=True)
class Logins:
    """The hosts of one run that refused a login, and when each may be asked again."""

    clock: Callable[[], float] = time.monotonic
    _refused: dict[str, _Refusal] = field(default_factory=dict)

    def pausing(self, hosts: Iterable[str]) -> dict[str, NoAnswer]:
        """Those that are not asked now, each with what it said."""
        now = self.clock()
        return {name: self._refused[name].first for name in hosts if self._pauses(name, now)}

    def _pauses(self, host: str, now: float) -> bool:
        return host in self._refused and now < self._refused[host].until

    def learned(self, host: str, reply: Reply) -> Reply:
        """The reply, with the refusal in front of what followed from it."""
        before = self._refused.pop(host, None)
        if isinstance(reply, Answers) or (before is None and not reply.refused):
            return reply
        pause_s = _FIRST_PAUSE_S if before is None else min(2 * before.pause_s, _LONGEST_PAUSE_S)
        first = reply if before is None else before.first
        self._refused[host] = _Refusal(first=first, pause_s=pause_s, until=self.clock() + pause_s)
        if reply.refused or reply.reason == first.reason:
            return replace(reply, reason=first.reason)
        return replace(reply, reason=f"{first.reason}; since then: {reply.reason}")
