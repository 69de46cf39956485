"""How a host that uses a VIP sends to it, and how long it keeps a neighbor it holds."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from tasks.model.probe import ClientTimers, Route
from tasks.observe.json_text import documents, mapping, optional_word, sequence, word
from tasks.observe.readings import Garbled, converted, shortened

_KINDS = frozenset({"local", "unicast", "broadcast", "multicast", "anycast"})
_TIMER = re.compile(r"(?P<name>[a-z_]+) (?P<value>\S+)\Z")
_WHOLE = re.compile(r"[0-9]{1,9}\Z")


def parse_route(text: str) -> Route:
    """`ip -j route get A` or `ip route get A`: one route, with its interface."""
    row = _json_route(text) if text.lstrip().startswith(("[", "{")) else _text_route(text)
    # `via` in place of `gateway`: the gateway is of another family than the address (RFC 5549).
    via = row.get("via")
    gateway = optional_word(row, "gateway") if via is None else word(mapping(via, "'via'"), "host")
    return Route(interface=word(row, "dev"), gateway=None if gateway is None else converted(ip_address, gateway))


def _json_route(text: str) -> dict[str, Any]:
    tables = documents(text)
    rows = [mapping(row, "a route") for table in tables for row in sequence(table, "the table") if row]
    if len(rows) != 1:
        raise Garbled(f"{len(rows)} routes where one was expected")
    return rows[0]


def _text_route(text: str) -> dict[str, Any]:
    """Read the first line of text as the JSON form has it; the line behind it tells of the cache."""
    words = text.partition("\n")[0].split()
    if words and words[0] in _KINDS:
        words = words[1:]
    if not words:
        raise Garbled("nothing was printed")
    converted(ip_address, words[0])
    row: dict[str, Any] = {}
    for name, value, after in zip(words[1:], [*words[2:], ""], [*words[3:], "", ""], strict=False):
        if name == "dev":
            row["dev"] = value
        elif name == "via" and value in {"inet", "inet6"}:
            row["via"] = {"host": after}
        elif name == "via":
            row["gateway"] = value
    if not row.get("dev"):
        raise Garbled(f"no interface in the route: {shortened(text.strip())!r}")
    return row


def parse_timers(text: str) -> ClientTimers:
    """`interface DEV` and below it name and value of each file of /proc/sys/net/…/neigh/DEV, as the kernel prints it.

    `base_reachable_time_ms` and `retrans_time_ms` are milliseconds, `delay_first_probe_time` seconds (arp(7)).
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        pair = _TIMER.match(line.strip())
        if pair is None:
            raise Garbled(f"not a name and a value: {shortened(line)!r}")
        found[pair["name"]] = pair["value"]
    if "interface" not in found:
        raise Garbled("'interface' is missing")
    return ClientTimers(
        interface=found["interface"],
        base_reachable_s=_number(found, "base_reachable_time_ms") / 1000,
        delay_first_probe_s=float(_number(found, "delay_first_probe_time")),
        unicast_probes=_number(found, "ucast_solicit"),
        retransmit_s=_number(found, "retrans_time_ms") / 1000,
    )


def _number(found: dict[str, str], name: str) -> int:
    value = found.get(name)
    if value is None:
        raise Garbled(f"{name!r} is missing")
    if not _WHOLE.match(value):
        raise Garbled(f"{name!r} is not a number: {shortened(value)!r}")
    return int(value)
