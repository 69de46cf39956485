"""What `ip` and `bridge` print, as JSON and, where an old release knows no `-j` (Cumulus Linux 3), as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_address
from typing import Any

from tasks.model.address import IpInterface
from tasks.model.leaf import FdbRow, Neighbor
from tasks.model.mac import MacAddress
from tasks.model.server import Interface
from tasks.observe.json_text import documents, mapping, optional_whole, optional_word, sequence, whole, word
from tasks.observe.readings import Garbled, converted, shortened

_STATE = re.compile(r"[A-Z]+\Z|0x[0-9a-f]+\Z")
_VALUED = re.compile(r"(?:dev|lladdr|proto|dst|vlan|master|src_vni|vni|nhid|port|via|used|probes|ref)\Z")
"""Words of a text row that a value follows; any other word is a flag or a state."""
_HEAD = re.compile(r"\d+: (?P<name>[^\s@]+?)(?:@[^\s]+)?: <(?P<flags>[^<>\s]*)>")
_LENGTH = re.compile(r"[0-9]{1,3}\Z")
_NUMBERS = ("vlan", "vni", "src_vni", "nhid")


def parse_neighbors(text: str, interface: str | None = None) -> tuple[Neighbor, ...]:
    """`ip -j neigh show …` or `ip neigh show …`. Nothing printed, `[]` and `[{}]` are an empty table.

    Some iproute2 releases print an empty object for each row that a filter hides. `interface` is the one that was asked
    for by `dev`: then the rows do not name it.
    """
    if not text.strip():
        return ()
    rows = [row for row in _rows(text, _neighbor_words) if row]
    return tuple(_neighbor(row if interface is None else {"dev": interface, **row}) for row in rows)


def parse_fdb(text: str) -> tuple[FdbRow, ...]:
    """`bridge -j fdb show …` or `bridge fdb show …`.

    An empty table is Garbled: every bridge port has permanent rows, but without privilege nothing is printed.
    """
    rows = [row for row in _rows(text, _fdb_words) if row] if text.strip() else []
    if not rows:
        raise Garbled("empty FDB: a live bridge always has permanent rows; `bridge fdb show` needs sudo")
    return tuple(_fdb_row(row) for row in rows)


def parse_interfaces(text: str) -> tuple[Interface, ...]:
    """`ip -j addr show` or `ip addr show`. No interface at all is Garbled: every network namespace has `lo`.

    Link-local IPv6 addresses are left out: every interface makes one for itself, and none is anybody's intent.
    """
    if not text.strip() or text.lstrip().startswith(("[", "{")):
        rows = [row for row in _json_rows(text) if row]
    else:
        rows = _interface_rows(text)
    if not rows:
        raise Garbled("no interface at all: every host has at least lo")
    return tuple(_interface(row) for row in rows)


def _rows(text: str, of_line: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the rows as the JSON form has them, whichever form the text is in."""
    if text.lstrip().startswith(("[", "{")):
        return _json_rows(text)
    return [of_line(line) for line in text.splitlines() if line.strip()]


def _json_rows(text: str) -> list[dict[str, Any]]:
    return [mapping(row, "a row") for table in documents(text) for row in sequence(table, "the table")]


def _neighbor(row: dict[str, Any]) -> Neighbor:
    lladdr = optional_word(row, "lladdr")
    states = _words_of(row, "state")
    return Neighbor(
        address=converted(ip_address, word(row, "dst")),
        interface=word(row, "dev"),
        mac=None if lladdr is None else converted(MacAddress, lladdr),
        states=states,
        extern_learn="extern_learn" in row,  # a flag: the key is there with the value null
        permanent="PERMANENT" in states,
    )


def _fdb_row(row: dict[str, Any]) -> FdbRow:
    dst = optional_word(row, "dst")
    vni = optional_whole(row, "src_vni")  # a single VXLAN device carries all VNIs: only this tells which
    return FdbRow(
        mac=converted(MacAddress, word(row, "mac")),
        interface=word(row, "ifname" if "ifname" in row else "dev"),  # `dev`: iproute2 up to 4.16
        bridge=optional_word(row, "master"),
        vlan=optional_whole(row, "vlan"),
        vtep=None if dst is None else converted(ip_address, dst),
        vni=optional_whole(row, "vni") if vni is None else vni,
        extern_learn="extern_learn" in _words_of(row, "flags"),
        permanent=optional_word(row, "state") == "permanent",  # `static` is another: EVPN multihoming installs hosts so
        nexthop_group=optional_whole(row, "nhid"),
    )


def _interface(row: dict[str, Any]) -> Interface:
    if "flags" not in row:
        raise Garbled("'flags' is missing")
    flags = _words_of(row, "flags")
    entries = [mapping(entry, "an address") for entry in sequence(row.get("addr_info", []), "'addr_info'")]
    ethernet = optional_word(row, "link_type") == "ether"  # tunnels have an IP address in its place
    address = optional_word(row, "address") if ethernet else None
    return Interface(
        name=word(row, "ifname"),
        mac=None if address is None else converted(MacAddress, address),
        up={"UP", "LOWER_UP"} <= flags,
        addresses=tuple(found for entry in entries if (found := _address(entry)) is not None),
    )


def _address(entry: dict[str, Any]) -> IpInterface | None:
    """None for what is no IP address (a peer of a tunnel of another family), and for a link-local one."""
    family = optional_word(entry, "family")
    if family not in {"inet", "inet6"}:
        return None
    text = f"{word(entry, 'local')}/{whole(entry, 'prefixlen')}"
    if family == "inet":
        return converted(IPv4Interface, text)
    address = converted(IPv6Interface, text)
    return None if address.ip.is_link_local else address


def _interface_rows(text: str) -> list[dict[str, Any]]:
    """Read `ip addr show` as the JSON form has it: an interface begins at the left, and what it has is indented."""
    rows: list[dict[str, Any]] = []
    for line in text.splitlines():
        words = line.split()
        if found := _HEAD.match(line):
            rows.append({"ifname": found["name"], "flags": found["flags"].split(","), "addr_info": []})
        elif words and not (rows and line[0].isspace()):
            raise Garbled(f"not a row of an interface: {shortened(line)!r}")
        elif words and words[0].startswith("link/"):
            address = words[1] if len(words) > 1 else ""
            rows[-1] |= {"link_type": words[0].removeprefix("link/"), "address": address}
        elif words and words[0] in {"inet", "inet6"}:
            rows[-1]["addr_info"].append(_address_words(words))
    return rows


def _address_words(words: list[str]) -> dict[str, Any]:
    """`inet A/24 …`, or `inet A peer B/24 …`: then the length stands behind the peer."""
    family, local, *rest = [*words, "", ""]
    whole_of = rest[1] if rest[0] == "peer" else local
    length = whole_of.partition("/")[2]
    if not _LENGTH.match(length):
        raise Garbled(f"address without a prefix length: {shortened(' '.join(words))!r}")
    return {"family": family, "local": local.partition("/")[0], "prefixlen": int(length)}


def _words_of(row: dict[str, Any], key: str) -> frozenset[str]:
    value = row.get(key)
    words = [value] if isinstance(value, str) else sequence(value or [], f"{key!r}")
    if not all(isinstance(item, str) for item in words):
        raise Garbled(f"{key!r} is not a list of words")
    return _shared(tuple(words))


@lru_cache(maxsize=1024)
def _shared(words: tuple[str, ...]) -> frozenset[str]:
    """One set for all rows that have the same few words: a set takes more than the rest of the row."""
    return frozenset(words)


def _neighbor_words(line: str) -> dict[str, Any]:
    """Read a row of `ip neigh show` as the JSON form has it."""
    subject, pairs, flags = _split(line)
    states = [flag for flag in flags if _STATE.match(flag)]
    if not states:
        raise Garbled(f"neighbor without a state: {shortened(line)!r}")
    row: dict[str, Any] = {"dst": subject, "state": states}
    row |= {key: pairs[key] for key in ("dev", "lladdr") if key in pairs}
    # Cumulus Linux 3 says `offload` of what EVPN installed (always NOARP); elsewhere it means programmed into hardware.
    if "extern_learn" in flags or ("offload" in flags and "NOARP" in states):
        row["extern_learn"] = None
    return row


def _fdb_words(line: str) -> dict[str, Any]:
    """Read a row of `bridge fdb show` as the JSON form has it."""
    subject, pairs, flags = _split(line)
    if "dev" not in pairs:
        raise Garbled(f"not a row of the FDB: {shortened(line)!r}")
    row: dict[str, Any] = {"mac": subject, "ifname": pairs["dev"]}
    row |= {key: pairs[key] for key in ("master", "dst", *_NUMBERS) if key in pairs}
    row["flags"] = ["extern_learn"] if flags & {"extern_learn", "offload"} else []  # `offload`: Cumulus Linux 3
    row["state"] = "permanent" if "permanent" in flags else ""
    return row


def _split(line: str) -> tuple[str, dict[str, str], frozenset[str]]:
    """Split a row into its first word, words with a value, and words that stand alone."""
    subject, *rest = line.split()
    pairs: dict[str, str] = {}
    flags: list[str] = []
    words = iter(rest)
    for name in words:
        if not _VALUED.match(name):
            flags.append(name)
            continue
        value = next(words, None)
        if value is None:
            raise Garbled(f"row ends early: {shortened(line)!r}")
        pairs[name] = value
    return subject, pairs, _shared(tuple(flags))
