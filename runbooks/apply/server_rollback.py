"""One server goes back to what its last change replaced, as carefully as it came there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from runbooks.apply.naming import tag
from runbooks.apply.server_change import ServerChange
from runbooks.process.interrupts import InterruptedChange
from tasks.change.files import sudo
from tasks.change.undo import BACKUPS, way_back
from tasks.intent.timers import master_down_s
from tasks.model.errors import HostError
from tasks.model.plan import Outcome, ServerOutcome

_MARGIN_S = 1.0
_PART_FOR_SILENCE = 4
"""Of the time until the server goes back by itself: the rest is for reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRollback(ServerChange):
    """The plan is the one step of `plan_rollback`; `backup` is the name of what is gone back to."""

    backup: str

    def run(self) -> ServerOutcome:
        """Never raises for what the server does; InterruptedChange after the way back."""
        try:
            before = self._facts()
            self._renew()
            masters = self._masters()
            name = tag()
            guard = self._guard(before, self.plan, name)
            undo = way_back(name, self.plan.steps, self.confirm_s, guard.undo)
        except (HostError, KeyboardInterrupt) as error:
            reason = str(error) or "interrupted"
            outcome = ServerOutcome(host=self.host, outcome=Outcome.ROLLED_BACK, plan=self.plan, reason=reason)
            if isinstance(error, KeyboardInterrupt):
                raise InterruptedChange(outcome) from None
            return outcome

        def work() -> None:
            self._change(self.plan, undo, guard)
            self._stands(masters)
            self.before_commit()
            # This undo is not kept, and the backup is used up.
            self._commit(undo.confirm(keep=False), sudo("use up", "rm", "-rf", "--", f"{BACKUPS}/{self.backup}"))

        return self._carried_out(work, undo, before, ())

    def _stands(self, masters: Mapping[str, int]) -> None:
        """Log in again; no instance has more masters than before. What the intent says is no measure here."""
        self.progress(f"{self.host}: reading back, over a new connection")
        self.session.hang_up(self.host)
        # A backup that hears nobody any more says so only when its timer has run out.
        time.sleep(min(self._silence_s(), self.confirm_s / _PART_FOR_SILENCE))
        self._settle(lambda: self._doubled(masters))

    def _silence_s(self) -> float:
        """The longest that an instance of this server waits for a master that it does not hear, and a little."""
        mine = [(each, each.server(self.host)) for each in self.session.memberships(self.host)]
        return max(master_down_s(each.version, each.advert_int, own.priority) for each, own in mine) + _MARGIN_S

    def _doubled(self, masters: Mapping[str, int]) -> str | None:
        self._facts(anew=True)
        for instance, count in self._masters().items():
            if count > max(1, masters.get(instance, 0)):
                return f"{instance} has {count} masters"
        return None
