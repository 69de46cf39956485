"""Every fault that a drill can inject: a module each, and its name is the fault's (`link_down` is `link-down`).

A module offers `FAULT`. Nothing else has a list of faults: `--fault`, its help and its errors, the bounds of an outage,
`lint --timers` and the checks that are skipped on the target ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.model.drill import Injected
from tasks.model.registry import constant, module_names

if TYPE_CHECKING:
    from tasks.intent.outages import Ending
    from tasks.intent.timers import Bound
    from tasks.judge.subject import Subject
    from tasks.model.address import IpInterface
    from tasks.model.answer import Answers, Command
    from tasks.model.cluster import Server

FAULTS = tuple(name.replace("_", "-") for name in module_names(__path__))


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """A fault for one server: the command that injects it, and the shell lines that undo it there."""

    command: Command
    undo: tuple[str, ...]
    summary: str
    undone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a drill has to know of a fault; functions get the target, and what it answered to `questions` before."""

    questions: Callable[[Server], tuple[Command, ...]]
    """What the fault loses on the target, asked before and after."""
    refusal: Callable[[Server, Answers], str | None]
    """Why it must not be injected there; None where it may be."""
    injection: Callable[[Server, Answers, Sequence[IpInterface]], Injection]
    """`vips` (the last argument) are for keepalived to move: the undo must not restore them."""
    lost: Callable[[Answers, Answers, Sequence[IpInterface]], list[str]]
    """What was there before and is not there after the undo, a text each."""
    foreseen: Callable[[Subject, str], str | None]
    """What the operator should know before it is injected on the server of that name."""
    ending: Ending
    """How the target ends as a master, which bounds the failover."""
    failback: Callable[[float], Bound]
    """What its return may cost, by the fabric's allowance in seconds."""
    effect: str
    """What becomes of the target, after `was`: `taken down`."""
    excused: frozenset[str]
    """Checks of the target that mean nothing meanwhile: they are skipped. `master`: its keepalived need not answer."""

    def on(self, host: str) -> Injected:
        """What the checks have to know while it is on this host."""
        return Injected(host=host, effect=self.effect, excused=self.excused)


def fault_of(name: str) -> Fault:
    """The fault of this name, one of FAULTS."""
    found = constant(__name__, name.replace("-", "_"), "FAULT")
    assert isinstance(found, Fault)
    return found
