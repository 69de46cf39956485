"""What every check on a table of a leaf begins and ends with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tasks.judge.place import Place, place_of
from tasks.judge.subject import Check, Subject
from tasks.model.reading import Reading
from tasks.model.verdict import Finding, NotJudged, VipState

T = TypeVar("T")


def opened(name: str, subject: Subject, leaf: str, read: Reading[T], what: str) -> tuple[Check, T, Place]:
    """The check with its evidence, the rows and the place; without them the check ends (NotJudged)."""
    place = place_of(subject, leaf)
    expected = f"{what}: {place.mac} {place.where}" if isinstance(place, Place) else what
    check, rows = Check(name=name, target=leaf, expected=expected).reads(read)
    if isinstance(place, str):
        raise NotJudged(unplaced(check, subject, place))
    return check, rows, place


def unplaced(check: Check, subject: Subject, reason: str) -> Finding:
    """Without one owner there is nothing to compare with; with one whose place nobody tells, nothing is known."""
    return check.skips(reason) if subject.owner() is None else check.unknown(reason)


def remote(
    check: Check, place: Place, vteps: Sequence[str], actual: str, segments: Sequence[str | None] = ()
) -> Finding:
    """The entry names the VTEP (or the Ethernet segment) of the owner's place, and no other."""
    named, foreign = sorted({*vteps}), sorted({each for each in segments if each is not None} - {place.segment})
    if foreign and not place.segment_told:
        return check.unknown(f"{place.home.name} did not tell its segments, so {', '.join(foreign)} can't be judged")
    if foreign:
        message = f"{place.facts.host} points to segment {', '.join(foreign)}; {place.owner.name} is {place.where}"
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    if place.segment is not None and not named and {*segments} == {place.segment}:
        return check.passes(f"{place.facts.host} points to segment {place.segment} of {place.home.name}", actual)
    if not named:
        message = f"{place.facts.host} names no VTEP; {place.owner.name} is {place.where}"
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    if not {*named} <= {*place.vteps} and not place.vteps_told:
        return check.unknown(f"{place.home.name} did not tell its VTEP address, so {', '.join(named)} can't be judged")
    if not {*named} <= {*place.vteps}:
        message = f"{place.facts.host} points to {', '.join(named)}; {place.owner.name} is {place.where}"
        return check.fails(message, actual, VipState.WRONG_LOCATION)
    return check.passes(f"{place.facts.host} points to {place.home.name} ({', '.join(named)})", actual)


def on_port(place: Place, port: str | None) -> bool:
    """Is it the owner's port, as far as anybody knows that?"""
    return place.port is None or port == place.port
