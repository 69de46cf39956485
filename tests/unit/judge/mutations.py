"""Every field of everything that was observed, with wrong values in its place, found by looking at the types alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tasks.judge.subject import Subject
from tasks.model.mac import MacAddress
from tasks.model.reading import Read, Unread
from tests.unit.builders import OTHER_MAC

WRONG: dict[object, tuple[Any, ...]] = {
    bool: (True, False),
    int: (0, 1, 1000),
    float: (0.0, 1000.0),
    str: ("other",),
    MacAddress: (OTHER_MAC,),
    IPv4Address: (IPv4Address("192.0.2.9"),),
    IPv6Address: (IPv6Address("2001:db8::9"),),
    IPv4Interface: (IPv4Interface("192.0.2.9/24"),),
    IPv6Interface: (IPv6Interface("2001:db8::9/64"),),
    NoneType: (None,),
}
"""What is put in the place of a value, by its type."""
_SETS = (frozenset(), frozenset({"FAILED"}), frozenset({"STALE"}), frozenset({"NOARP"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One field with a wrong value: `leaves.L2.neighbors.0.mac`, and the subject that has it."""

    field: str
    value: Any
    facts: Subject

    @property
    def name(self) -> str:
        """The field with its new value."""
        value = self.value if isinstance(self.value, str | int | float | bool | NoneType) else _short(self.value)
        return f"{self.field}={value}"


def _short(value: object) -> str:
    if isinstance(value, frozenset | tuple):
        return "{" + " ".join(sorted(map(str, value))) + "}"
    return str(value)


def mutations(facts: Subject) -> Iterator[Mutation]:
    """One at a time, in every host."""
    for role in ("servers", "leaves", "probes"):
        hosts: Mapping[str, Any] = getattr(facts, role)
        for host, observed in hosts.items():
            for field, value, changed in _of(f"{role}.{host}", observed, type(observed)):
                if field in {f"{role}.{host}.host", f"{role}.{host}.firewall"} or ".firewall." in field:
                    continue  # who was asked is known; firewalls have rules of their own, and tests of their own
                whole = replace(facts, **{role: {**hosts, host: changed}})
                yield Mutation(field=field, value=value, facts=whole)


def _of(place: str, value: object, hint: object) -> Iterator[tuple[str, Any, Any]]:
    """Place, wrong value, and the whole with it."""
    if isinstance(value, Read):
        for field, wrong, inner in _of(place, value.value, type(value.value)):
            yield field, wrong, replace(value, value=inner)
    elif isinstance(value, tuple):
        yield from _of_rows(place, value)
    elif isinstance(value, dict):
        yield from _of_mapping(place, value)
    elif is_dataclass(value) and not isinstance(value, type | MacAddress):
        yield from _of_fields(place, value)
    else:
        for wrong in _wrong(hint, value):
            if (type(wrong), wrong) != (type(value), value):
                yield place, wrong, wrong


def _of_fields(place: str, value: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    hints = get_type_hints(type(value))
    for each in fields(value):
        if each.name == "declared":
            continue  # no judge looks at it
        for field, wrong, inner in _of(f"{place}.{each.name}", getattr(value, each.name), hints[each.name]):
            yield field, wrong, replace(value, **{each.name: inner})


def _of_mapping(place: str, value: dict[Any, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key, item in value.items():
        named = f"{place}.{key}" if isinstance(key, str) else place
        for field, wrong, inner in _of(named, item, type(item)):
            yield field, wrong, {**value, key: inner}


def _of_rows(place: str, rows: tuple[Any, ...]) -> Iterator[tuple[str, Any, Any]]:
    if rows:
        yield place, (), ()
    for number, row in enumerate(rows):
        for field, wrong, inner in _of(f"{place}.{number}", row, type(row)):
            yield field, wrong, (*rows[:number], inner, *rows[number + 1 :])


def _wrong(hint: object, value: object) -> tuple[Any, ...]:
    """Values of that type; KeyError for a type that nobody thought of yet."""
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return tuple(dict.fromkeys(wrong for member in get_args(hint) for wrong in _wrong(member, value)))
    if origin is Literal:
        return get_args(hint)
    if origin is frozenset:
        return _SETS
    near = (f"{value}9",) if hint is str and isinstance(value, str) else ()
    return (*WRONG[hint], *near)


def silences(facts: Subject, unread: Unread) -> Iterator[tuple[str, Subject]]:
    """One reading that could not be made at a time, in every host."""
    for role in ("servers", "leaves", "probes"):
        hosts: Mapping[str, Any] = getattr(facts, role)
        for host, observed in hosts.items():
            for each in fields(observed):
                held = getattr(observed, each.name)
                missing = dict.fromkeys(held, unread) if isinstance(held, dict) else unread
                if each.name != "host":
                    changed = replace(observed, **{each.name: missing})
                    yield f"{role}.{host}.{each.name}", replace(facts, **{role: {**hosts, host: changed}})
