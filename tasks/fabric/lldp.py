"""What lldpd has heard: `lldpctl -f json`, whose shape changes with the number of neighbors, and the longer `json0`.

json:  `{"lldp": {"interface": [{"swp1": {"chassis": {"H1": {…}}, "port": {…}}}, …]}}`, with one object in place of the
list when there is one neighbor only, and without `interface` when there is none. json0 makes a list of everything and
puts names and texts into objects: `{"name": "swp1", "chassis": [{"name": [{"value": "H1"}]}]}`.
"""

from __future__ import annotations

from typing import Any

from tasks.model.answer import Command
from tasks.model.leaf import LldpNeighbor
from tasks.observe.json_text import documents, mapping, optional_word, word
from tasks.observe.question import Question
from tasks.observe.readings import Garbled
from tasks.observe.shell import NOT_ASKED

# Debian lets nobody but root and its own group execute it: to this user it is there, and no command.
_THERE = "command -v lldpctl >/dev/null 2>&1 || [ -e /usr/sbin/lldpctl ]"
_FRAGMENT = f"if {_THERE}; then sudo -n lldpctl -f json; else (exit {NOT_ASKED}); fi"
_OF_A_CHASSIS = frozenset({"id", "name", "descr", "mgmt-ip", "mgmt-iface", "capability"})


def parse_lldp(text: str) -> tuple[LldpNeighbor, ...]:
    """Every neighbor on every port; a port with two neighbors is there twice."""
    found = documents(text)
    if len(found) != 1:
        raise Garbled(f"{len(found)} documents where one was expected")
    answer = mapping(found[0], "the answer")
    if "lldp" not in answer:
        raise Garbled("'lldp' is missing")
    heard = [entry for table in _each(answer["lldp"]) for entry in _each(mapping(table, "'lldp'").get("interface"))]
    return tuple(neighbor for entry in heard for neighbor in _neighbors(mapping(entry, "an interface")))


LLDP = Question(Command(key="lldp", argv=("lldpctl", "-f", "json"), sudo=True, fragment=_FRAGMENT), parse_lldp)


def _each(value: object) -> list[Any]:
    """Take one object, a list of them, or nothing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _neighbors(entry: dict[str, Any]) -> list[LldpNeighbor]:
    """One of json0, which has its name inside; of json every key is the name of a port."""
    if "chassis" in entry or "port" in entry:
        return [_neighbor(word(entry, "name"), entry)]
    return [_neighbor(port, mapping(heard, f"port {port}")) for port, heard in entry.items()]


def _neighbor(port: str, heard: dict[str, Any]) -> LldpNeighbor:
    system = _system(_only(heard.get("chassis"), "'chassis'"), port)
    remote = _only(heard.get("port", {}), "'port'")
    kind, identity = _identity(remote)
    # A switch names its port in the identity; a server has a MAC there, and the name in the description.
    named = identity if kind in {"ifname", "local"} else None
    return LldpNeighbor(port=port, system=system, remote_port=named or _text(remote, "descr") or identity)


def _system(chassis: dict[str, Any], port: str) -> str:
    """The name, which json makes the key of all the rest; of a system that tells no name, its identity."""
    keyed = [name for name, rest in chassis.items() if isinstance(rest, dict) and name not in _OF_A_CHASSIS]
    name = _text(chassis, "name") or (keyed[0] if len(chassis) == 1 and keyed else None) or _identity(chassis)[1]
    if name is None:
        raise Garbled(f"port {port}: neither a name nor an identity of the system")
    return name


def _only(value: object, what: str) -> dict[str, Any]:
    entries = _each(value)
    if len(entries) != 1:
        raise Garbled(f"{len(entries)} of {what} where one was expected")
    return mapping(entries[0], what)


def _identity(holder: dict[str, Any]) -> tuple[str | None, str | None]:
    if "id" not in holder:
        return None, None
    identity = _only(holder["id"], "'id'")
    return optional_word(identity, "type"), optional_word(identity, "value")


def _text(holder: dict[str, Any], key: str) -> str | None:
    """Take a text, or the text that json0 puts into a list of one object."""
    value = holder.get(key)
    if isinstance(value, str | None):
        return value or None
    return optional_word(_only(value, f"{key!r}"), "value")
