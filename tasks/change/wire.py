"""What two members must have in common to take each other's adverts, read from their configurations."""

from __future__ import annotations

import re

# Keyword of keepalived.conf, and what it is called to people.
_KEYWORDS = {
    "version": "version",
    "virtual_router_id": "vrid",
    "advert_int": "advert_int",
    "auth_type": "auth_type",
    "auth_pass": "auth_pass",
}
_DEFAULTS = {"version": "2", "advert_int": "1"}


def wire_of(text: str | None, instance: str) -> dict[str, str] | None:
    """What is on the wire of this instance; None when the configuration has none of that name."""
    found = re.search(rf"^vrrp_instance {re.escape(instance)} \{{\n(.*?)^\}}", text or "", re.MULTILINE | re.DOTALL)
    if found is None:
        return None
    words = [line.split() for line in found[1].splitlines()]
    values = {_KEYWORDS[line[0]]: line[1] for line in words if len(line) > 1 and line[0] in _KEYWORDS}
    values["unicast"] = "on" if any(line[:1] == ["unicast_peer"] for line in words) else "off"
    return _DEFAULTS | values


def differing_wire(now: str | None, then: str | None, instance: str) -> list[str]:
    """What changes so that a member that has it and one that has not would not hear each other.

    A VRRPv3 backup takes the interval of the master's adverts for its own (RFC 5798 6.1), so there it may differ.
    """
    before, after = wire_of(now, instance), wire_of(then, instance)
    if before is None or after is None:
        return []
    names = [name for name in (*_KEYWORDS.values(), "unicast") if before.get(name) != after.get(name)]
    if before["version"] == after["version"] == "3":
        names = [name for name in names if name != "advert_int"]
    return names
