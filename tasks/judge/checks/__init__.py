"""Every check: a function of this folder's modules with its catalogue entry on it, and those that users add.

Nothing else has a list of checks: the order of judging, `vipbook checks`, the state of a VIP and the names that
clusters.yaml accepts come from here. A user's check is an entry point of the group `vipbook.checks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Generic, ParamSpec

from tasks.model.errors import IntentError
from tasks.model.registry import module_names
from tasks.model.verdict import Finding, NotJudged, Status

if TYPE_CHECKING:
    from tasks.judge.subject import Subject

GROUP = "vipbook.checks"
LAST = 1000
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
P = ParamSpec("P")


class Target(StrEnum):
    """What a check is made on, one finding each; an id is cluster/VIP/check/target."""

    SERVER = "each server"
    CLUSTER = "the cluster"
    LEAF = "each leaf"
    PROBE = "each probe host"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCheck(Generic[P]):
    """A check and its entry in the catalogue. Calling it gives its finding on one target; it does no I/O."""

    name: str
    on: Target
    reads: str
    passes: str
    fails: str
    order: int
    """Its place among all checks, in the order in which an engineer would look."""
    decides: bool
    """Does it decide the state of the VIP? A server may drift from its declaration while the VIP is fine."""
    alone: bool
    """Is a server's own answer all that it needs? Then `apply` makes it after each change, too."""
    judge: Callable[P, Finding]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Finding:
        """The finding on one target: the subject, and the server (a Server) or the leaf or probe host (its name)."""
        try:
            return self.judge(*args, **kwargs)
        except NotJudged as end:
            return end.finding


AnyCheck = RegisteredCheck[Any]


def registered(  # noqa: PLR0913 - an entry of the catalogue
    name: str,
    on: Target,
    *,
    reads: str,
    passes: str,
    fails: str,
    order: int = LAST,
    decides: bool = False,
    alone: bool = False,
) -> Callable[[Callable[P, Finding]], RegisteredCheck[P]]:
    """Make a check of a function `(subject)`, `(subject, server)` or `(subject, host)`, by what it is made on."""

    def made(judge: Callable[P, Finding]) -> RegisteredCheck[P]:
        return RegisteredCheck(
            name=name,
            on=on,
            reads=reads,
            passes=passes,
            fails=fails,
            order=order,
            decides=decides,
            alone=alone,
            judge=judge,
        )

    return made


@cache
def all_checks() -> tuple[AnyCheck, ...]:
    """All of them in their order; IntentError when a user's can't be taken."""
    return tuple(sorted([*_own_checks(), *user_checks()], key=lambda each: each.order))


def check_names() -> frozenset[str]:
    """The names that clusters.yaml may use."""
    return frozenset(each.name for each in all_checks())


@cache
def _own_checks() -> tuple[AnyCheck, ...]:
    modules = [import_module(f"{__name__}.{name}") for name in module_names(__path__)]
    found = (each for module in modules for each in vars(module).values() if isinstance(each, RegisteredCheck))
    # A module may have imported another one's.
    return tuple(dict.fromkeys(found))


@cache
def user_checks() -> tuple[AnyCheck, ...]:
    """Checks of other packages; IntentError for one that is not a check, or has a name that is taken."""
    points = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    found: dict[str, AnyCheck] = {}
    taken = {each.name for each in _own_checks()} if points else set()
    for point in points:
        place = f"entry point {point.name} = {point.value} of {GROUP}"
        try:
            check = point.load()
        except Exception as error:  # noqa: BLE001 - whatever a user's module raises
            raise IntentError(f"{place}: can't be loaded: {type(error).__name__}: {error}; fix it") from None
        if not isinstance(check, RegisteredCheck) or not _NAME.match(check.name):
            raise IntentError(f"{place}: not a check; name a function with @registered, with a name of a-z, 0-9 and -")
        if check.name in taken or check.name in found:
            raise IntentError(f"{place}: there is a check {check.name!r} already; give it another name")
        found[check.name] = replace(check, judge=_guarded(check))
    return tuple(found.values())


def _guarded(check: AnyCheck) -> Callable[..., Finding]:
    """What a user's check can't do: end the run, speak for another check, or pass without evidence."""

    def judge(subject: Subject, *target: Any) -> Finding:  # noqa: ANN401 - a Server, a name, or nothing
        name = target_name(subject, target)
        try:
            finding = check(subject, *target)
        except Exception as error:  # noqa: BLE001 - whatever a user's code raises is the answer of that check alone
            return _unknown(check, name, f"the check failed with {type(error).__name__}: {error}")
        if not isinstance(finding, Finding):
            return _unknown(check, name, f"the check gave {type(finding).__name__} instead of a finding")
        if finding.status is Status.PASS and not finding.evidence:
            return _unknown(check, name, "the check passed without evidence")
        return replace(finding, check=check.name, target=name)

    return judge


def target_name(subject: Subject, target: Iterable[Any]) -> str:
    """How a finding names its target: the host, or the cluster."""
    return next((getattr(each, "name", str(each)) for each in target), subject.cluster.name)


def _unknown(check: AnyCheck, target: str, message: str) -> Finding:
    return Finding(check=check.name, target=target, status=Status.UNKNOWN, message=message, expected=check.passes)
