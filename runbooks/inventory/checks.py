"""What stands in a Nornir inventory, checked before anybody is contacted; Nornir itself takes anything."""

from __future__ import annotations

import difflib
import functools
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tasks.intent.document import Path
from tasks.intent.wording import shown

Problem = tuple[Path, str]
Parameters = Callable[[], Mapping[str, Any]]
"""Gives netmiko's parameters with their types; called only when an inventory sets some."""

_TEXTS = ("hostname", "username", "password", "platform")
_KEYS = (*_TEXTS, "port", "groups", "data", "connection_options")
_SECRETS = {"password", "passphrase", "secret"}
_BESIDE = ("host", "username", "password", "port")
_WORDS = {bool: "true or false", str: "a text", int: "a number", float: "a number", dict: "a mapping"}
_HIGHEST_PORT = 65535


@functools.cache
def netmiko_parameters() -> Mapping[str, Any]:
    """The parameters of netmiko's connections that may stand in `extras`."""
    from netmiko.base_connection import BaseConnection  # noqa: PLC0415 - 0.2 s, that only a session needs

    hints = typing.get_type_hints(BaseConnection.__init__)
    return {name: hint for name, hint in hints.items() if name not in {*_BESIDE, "self", "return"}}


def named_problems(elements: object, groups: object, parameters: Parameters) -> Iterator[Problem]:
    """Those of the hosts or of the groups; `groups` are what both may belong to."""
    if not elements:
        return
    if not isinstance(elements, Mapping):
        yield (), f"should be a mapping of names (given {shown(elements)}); write NAME: {{hostname: …, groups: […]}}"
        return
    known = [each for each in groups if isinstance(each, str)] if isinstance(groups, Mapping) else []
    for name, element in elements.items():
        if not isinstance(name, str):
            yield (shown(name),), "a name that YAML takes for something else than text; put it in quotes"
            continue
        for path, text in element_problems(element, parameters):
            yield (name, *path), text
        if isinstance(element, Mapping):
            for path, text in _group_problems(element.get("groups"), known):
                yield (name, "groups", *path), text


def circle_problems(groups: object) -> Iterator[Problem]:
    """Groups that are, by whatever way, groups of themselves."""
    parents = {
        name: [each for each in group.get("groups") or () if isinstance(each, str)]
        for name, group in (groups.items() if isinstance(groups, Mapping) else ())
        if isinstance(group, Mapping) and isinstance(group.get("groups"), list)
    }
    for name, own in parents.items():
        reached: set[str] = set()
        left = list(own)
        while left:
            each = left.pop()
            if each not in reached:
                reached.add(each)
                left += parents.get(each, [])
        if name in reached:
            yield (name, "groups"), f"{name} is a group of itself; take one group out of this circle"


def element_problems(element: object, parameters: Parameters) -> Iterator[Problem]:
    """Those of one host, one group, or the defaults; their groups apart."""
    if not isinstance(element, Mapping):
        yield (), f"should be a mapping (given {shown(element)}); accepted keys: {', '.join(_KEYS)}"
        return
    yield from _attribute_problems(element)
    yield from _mapping_problem(element.get("data"), "data")
    connections = element.get("connection_options", {})
    if not isinstance(connections, Mapping):
        mend = "write netmiko: {extras: {…}}, or leave it out"
        yield ("connection_options",), f"should be a mapping (given {shown(connections)}); {mend}"
        return
    for name, options in connections.items():
        here = ("connection_options", str(name))
        if not isinstance(options, Mapping):
            accepted = ", ".join((*_TEXTS, "port", "extras"))
            yield here, f"should be a mapping (given {shown(options)}); accepted keys: {accepted}"
            continue
        for path, text in _option_problems(options, parameters if name == "netmiko" else None):
            yield (*here, *path), text


def _option_problems(options: Mapping[str, object], parameters: Parameters | None) -> Iterator[Problem]:
    yield from _attribute_problems(options)
    extras = options.get("extras")
    if not extras or not isinstance(extras, Mapping):
        yield from _mapping_problem(extras, "extras")
    elif parameters is not None:
        for name, value in extras.items():
            text = _extra_problem(name, value, parameters())
            if text is not None:
                yield ("extras", name if isinstance(name, str) else shown(name)), text


def _extra_problem(name: object, value: object, parameters: Mapping[str, Any]) -> str | None:
    if name in _BESIDE:
        beside = "hostname" if name == "host" else name
        return f"does not stand in extras; write {beside}: beside extras"
    if not isinstance(name, str) or name not in parameters:
        return f"netmiko has no such parameter; accepted: {_accepted(name, list(parameters))}"
    kinds = _kinds(parameters[name])
    if value is None or _fits(value, kinds):
        return None
    wanted = next((word for kind, word in _WORDS.items() if kind in kinds), "left out")
    mend = "; put it in quotes" if str in kinds and not isinstance(value, Mapping | list) else ""
    return f"should be {wanted} (given {_given(name, value)}){mend}"


def _kinds(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever netmiko writes there
    arms = typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)
    return tuple(typing.get_origin(arm) or arm for arm in arms)


def _fits(value: object, kinds: tuple[Any, ...]) -> bool:
    if Any in kinds:
        return True
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int | float):
        return int in kinds or float in kinds
    return isinstance(value, tuple(kind for kind in kinds if isinstance(kind, type)))


def _attribute_problems(holder: Mapping[str, object]) -> Iterator[Problem]:
    for key in _TEXTS:
        value = holder.get(key)
        if value is not None and not isinstance(value, str):
            mend = "write one text" if isinstance(value, Mapping | list) else "put it in quotes"
            yield (key,), f"should be a text (given {_given(key, value)}); {mend}"
    port = holder.get("port")
    if port is not None and not _is_port(port):
        yield ("port",), f"should be a number from 1 to {_HIGHEST_PORT} (given {shown(port)}); leave it out for 22"


def _is_port(value: object) -> bool:
    if isinstance(value, str):  # netmiko takes those too
        return value.isascii() and value.isdigit() and len(value) <= len(str(_HIGHEST_PORT)) and _is_port(int(value))
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _HIGHEST_PORT


def _mapping_problem(value: object, key: str) -> Iterator[Problem]:
    if value and not isinstance(value, Mapping):
        yield (key,), f"should be a mapping (given {shown(value)}); write {key}: {{NAME: VALUE}}, or leave it out"


def _group_problems(given: object, known: list[str]) -> Iterator[Problem]:
    if given is None:
        return
    if not isinstance(given, list):
        mend = f"write [{given}]; " if isinstance(given, str) and given in known else ""
        yield (), f"should be a list of groups (given {shown(given)}); {mend}accepted: {_accepted('', known)}"
        return
    for index, name in enumerate(given):
        if name not in known:
            yield (index,), f"no group {shown(name)}; accepted: {_accepted(name, known)}; or add it to the groups"


def _accepted(name: object, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (", ".join(sorted(names)) or "none, for there are none") + hint


def _given(key: str, value: object) -> str:
    return "what is not shown" if key in _SECRETS else shown(value)
