"""What a runbook hands over: everything that screen, files and exit code are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tasks.model.drill import Drill
from tasks.model.expected import ExpectedOutage
from tasks.model.fabric_map import FabricMap
from tasks.model.location import Whereabouts
from tasks.model.plan import ServerOutcome
from tasks.model.verdict import Status, VipVerdict, worst
from tasks.model.window import WindowResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one run. `asked` and `answered` are host names; a host asked that is not answered is unknown."""

    command: str
    started_at: datetime
    duration_s: float
    asked: tuple[str, ...]
    answered: tuple[str, ...]
    vips: tuple[VipVerdict, ...] = ()
    servers: tuple[ServerOutcome, ...] = ()
    drill: Drill | None = None
    location: Whereabouts | None = None
    window: WindowResult | None = None
    fabrics: tuple[FabricMap, ...] = ()
    """One a cluster that was observed, for drawings."""
    waited_s: float | None = None
    """How long `--wait` took until the verdict held; None when it was not asked for."""
    settled_s: Mapping[str, float] | None = None
    """With `--wait`: when every check of a target began to hold, in seconds from the beginning; no entry: never did."""
    outages: tuple[ExpectedOutage, ...] = ()
    """`lint --timers`: what each fault may cost."""
    reason: str | None = None
    """Why the runbook ended early, when it did."""
    interrupted: bool = False
    """Was it asked to end before it was done? Then it undid first what was half done."""
    verdict: Status | None = None
    """Set where the checks do not decide alone; None: the worst of the VIPs."""

    @property
    def status(self) -> Status:
        """The verdict of the whole."""
        return self.verdict if self.verdict is not None else worst(vip.status for vip in self.vips)
