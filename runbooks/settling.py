"""When each host was right for good: the timeline of a wait, host by host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.model.verdict import VipVerdict


@dataclass(frozen=True, slots=True)
class Settling:
    """Look after look; a target that turns red again begins anew."""

    since: dict[str, float] = field(default_factory=dict)
    """When every check of a target began to hold, in the time that `look` was given."""

    def look(self, vips: Iterable[VipVerdict], at: float) -> tuple[str, ...]:
        """Take in one judgement; the targets that settled with it."""
        from tasks.model.verdict import Status  # noqa: PLC0415 - loaded while the hosts work

        right: dict[str, bool] = {}
        for vip in vips:
            for finding in vip.findings:
                # Without one server that bears it the checks on leaves are skipped, and a skip never counts as a pass.
                holds = finding.status not in {Status.FAIL, Status.UNKNOWN} and vip.owner is not None
                right[finding.target] = right.get(finding.target, True) and holds
        fresh = tuple(target for target, holds in right.items() if holds and target not in self.since)
        for target in fresh:
            self.since[target] = at
        for target in [each for each in self.since if not right.get(each, True)]:
            del self.since[target]
        return fresh
