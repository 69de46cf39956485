"""What a kind of firewall offers: a folder of `backends` with these four parts, each found by its name.

`questions.py` offers QUESTIONS, `read.py` READER, `judge.py` JUDGE and `plan.py` PLANNER; `model.py` holds its facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tasks.model.answer import Answer, Command
from tasks.model.cluster import Cluster, Opening
from tasks.model.plan import Step
from tasks.server.firewall.model import Firewall, InputChain

F = TypeVar("F", bound=Firewall)
T_co = TypeVar("T_co", covariant=True)
F_contra = TypeVar("F_contra", contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is asked for it. Light to import: the hosts are asked before their answers can be read."""

    units: tuple[str, ...]
    """Services that load its rules, or run it."""
    files: tuple[str, ...] = ()
    """What they load at boot, as templates/helpers/firewall-files has them."""
    commands: Callable[[], tuple[Command, ...]] = tuple
    by_status: frozenset[str] = frozenset()
    """Keys of those commands whose exit status is the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallAnswers:
    """What a server answered to the questions of all kinds."""

    texts: Mapping[str, str]
    """Standard output by the key of the question; empty where there was nothing to ask, or no program."""
    succeeded: frozenset[str]
    """Keys of the questions whose exit status was 0."""
    active: frozenset[str]
    enabled: frozenset[str]
    """Units."""
    files: Mapping[str, str | None]
    """By path; None where there is none."""
    exact: Mapping[str, str | None]
    """The same byte for byte, for what is edited and written back; nothing else may show it."""
    interfaces: tuple[str, ...]
    """Those that adverts come in by."""
    chains: tuple[InputChain, ...]
    """INPUT of both families, as iptables prints it."""
    claimed: bool = False
    """Are these chains made by one that was asked before?"""

    @property
    def filtering(self) -> tuple[InputChain, ...]:
        """Those of iptables' chains that are not empty and open."""
        return tuple(chain for chain in self.chains if chain.rules or chain.policy != "accept")

    def there(self, paths: Sequence[str]) -> str:
        """The first of these files that exists; where none does, the first."""
        return next((path for path in paths if self.files.get(path) is not None), paths[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One that is in charge. `read` gives its facts, and is called where no other one is."""

    read: Callable[[], Firewall]
    names: tuple[str, ...]
    chains: tuple[InputChain, ...] = ()
    """Of its own, beside those of iptables."""
    claims: bool = False
    """Does it make those of iptables?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Is it in charge, and with what? None: it is not."""

    detect: Callable[[FirewallAnswers], Found | None]
    source: Callable[[Mapping[str, Answer]], Answer | None] = lambda _: None
    """The answer that is the evidence, where it is this one that lists the rules."""
    claims: bool = False
    """May it make the chains of iptables? Then it is asked before those who don't."""


class ByTime(Protocol[F_contra, T_co]):
    """A question about one opening, now or (`saved`) after a boot."""

    def __call__(self, firewall: F_contra, opening: Opening, /, *, saved: bool) -> T_co:
        """Answer it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge(Generic[F]):
    """What it does with VRRP: pure functions of its facts."""

    reads: str
    """What is judged, for the catalogue of checks."""
    closes: Callable[[F], bool]
    """Can it keep anything out at all?"""
    is_open: ByTime[F, bool]
    drops: Callable[[F, Opening], str]
    """What keeps this out now, in its own words; asked where it is not open."""
    strays: Callable[[F, frozenset[Opening]], Sequence[str]]
    """Rules managed by vipbook that open for no peer."""
    in_front: ByTime[F, str | None] = lambda _firewall, _opening, *, saved: None  # noqa: ARG005
    """What closes although a rule managed by vipbook may open."""
    flaw: Callable[[F, Sequence[Cluster]], tuple[str, str] | None] = lambda _firewall, _clusters: None
    """What is wrong with it as a whole: for people, and as evidence."""
    fails: tuple[str, ...] = ()
    """When there is a flaw, for the catalogue of checks."""
    foreign: Callable[[F, Sequence[Opening]], bool] = lambda _firewall, _openings: False
    """Is what closes now in no file of its own, so that what a boot brings is not known?"""
    passing: Callable[[F], str | None] = lambda _: None
    """What is open now, and will not stay so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Commands that keep what runs in the undo directory, and lines that compare with it when all else is back."""

    keeping: tuple[Command, ...] = ()
    undo: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner(Generic[F]):
    """How it is changed, and how that is undone."""

    steps: Callable[[F, Sequence[Opening]], tuple[Step, ...]]
    refusal: Callable[[F, Sequence[Cluster], Sequence[Opening]], str | None] = lambda _firewall, _clusters, _to: None
    """Why it is not changed, or can't carry these clusters."""
    notes: Callable[[F], Sequence[str]] = lambda _: ()
    """What an operator should know before."""
    guard: Callable[[F, str], Guard] = lambda _firewall, _directory: Guard()
    """The directory is that of the undo."""
    again: Callable[[F, Sequence[str]], Sequence[str]] = lambda _firewall, _paths: ()
    """Lines that make what runs as it is now, after a rollback of these files."""
