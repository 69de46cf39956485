"""What firewalld tells of the zones that adverts come in by."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from tasks.model.server import Denial, ManagedRule, ZoneSource
from tasks.observe.iptables import protocol_name
from tasks.observe.readings import Garbled, shortened
from tasks.render.firewall import RICH_PRIORITY

_FIRST_WITH_PRIORITIES = (0, 7, 0)
_SECTIONS = re.compile(r"^== (version|default|runtime|permanent|rpfilter)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewalld:
    """What firewalld tells. `zones`: interface and zone; `priorities`: may rules have them; `default`: in words."""

    zones: tuple[tuple[str, str], ...]
    zones_saved: tuple[tuple[str, str], ...]
    sources: tuple[ZoneSource, ...]
    denials: tuple[Denial, ...]
    rules: tuple[ManagedRule, ...]
    priorities: bool
    strict6: bool
    default: str


def parse_firewalld(text: str, interfaces: tuple[str, ...]) -> Firewalld:
    """Read the answers of `firewall-cmd` to --version, --get-default-zone, --list-all-zones and --permanent
    --list-all-zones, and the line IPv6_rpfilter of firewalld.conf, each behind a line `== name`.

    An interface that no zone names is in the default zone.
    """  # noqa: D205 - the list of questions is the summary
    parts = _SECTIONS.split(text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    missing = {"version", "default", "runtime", "permanent", "rpfilter"} - set(sections)
    if missing or not sections["default"].strip():
        raise Garbled(f"firewall-cmd did not tell {', '.join(sorted(missing)) or 'its default zone'}")
    running, saved = _zones(sections["runtime"]), _zones(sections["permanent"])
    default = sections["default"].strip()
    zones = _zones_of(running, interfaces, default)
    # After a boot NetworkManager may put it where it is now, although no file of firewalld's says so.
    zones_saved = tuple(dict.fromkeys((*_zones_of(saved, interfaces, default), *zones)))
    for _, zone in zones:
        if zone not in running:
            raise Garbled(f"firewall-cmd names zone {zone!r} and does not list it")
    rules: list[ManagedRule] = []
    sources: list[ZoneSource] = []
    denials: list[Denial] = []
    for listed, is_saved in ((running, False), (saved, True)):
        for zone, fields in listed.items():
            rules += _rules(fields.get("rich rules", ""), zone, saved=is_saved)
            denials += _denials(fields.get("rich rules", ""), zone, saved=is_saved)
            words = fields.get("sources", "").split()
            sources += [ZoneSource(zone=zone, source=word, saved=is_saved) for word in words]
    targets = {zone: running[zone].get("target", "default") for _, zone in zones}
    return Firewalld(
        zones=zones,
        zones_saved=zones_saved,
        sources=tuple(sources),
        denials=tuple(denials),
        rules=tuple(rules),
        priorities=_version(sections["version"]) >= _FIRST_WITH_PRIORITIES,
        # Not set is strict (firewalld.conf(5)); `loose` and `no` let it pass.
        strict6=not re.search(r"^IPv6_rpfilter=(no|loose)", sections["rpfilter"], re.MULTILINE),
        default=", ".join(f"zone {zone} with target {target}" for zone, target in targets.items()),
    )


def _zones_of(
    listed: dict[str, dict[str, str]], interfaces: tuple[str, ...], default: str
) -> tuple[tuple[str, str], ...]:
    holder = {name: zone for zone, fields in listed.items() for name in fields.get("interfaces", "").split()}
    return tuple((name, holder.get(name, default)) for name in interfaces)


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text.strip())
    if not found:
        raise Garbled(f"not a version of firewalld: {shortened(text.strip())!r}")
    return tuple(int(part or 0) for part in found.groups())


def _zones(text: str) -> dict[str, dict[str, str]]:
    """Fields by zone. A zone begins at the left, its fields are indented, the rich rules once more."""
    zones: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        if not line.strip():
            continue
        if not line[0].isspace():
            fields = zones.setdefault(line.split()[0], {})
            last = ""
        elif line.startswith("\t") and last:
            fields[last] += f"\n{line.strip()}"
        else:
            last, _, value = line.strip().partition(":")
            fields[last] = value.strip()
    return zones


def _rules(text: str, zone: str, *, saved: bool) -> Iterator[ManagedRule]:
    """Rich rules that accept one protocol from one address, and demand nothing else."""
    for line in text.splitlines():
        if not line.startswith("rule "):
            continue
        try:
            words = shlex.split(line)
            found = _simple(words)
            address = ip_address(found["address"])
        except (ValueError, KeyError):
            continue
        ours = found.get("priority") == str(RICH_PRIORITY)
        yield ManagedRule(
            text=line, address=address, protocol=protocol_name(found["value"]), ours=ours, saved=saved, zone=zone
        )


_QUOTED = re.compile(r'"[^"]*"')
_NOT_VRRP = re.compile(r"\b(port|source-port|icmp-type|icmp-block|forward-port|masquerade)\b")
"""Elements that are about protocols of their own."""


def _denials(text: str, zone: str, *, saved: bool) -> Iterator[Denial]:
    """Rich rules that could keep VRRP out and come before ours: at one priority what denies goes first."""
    for line in text.splitlines():
        bare = _QUOTED.sub('""', line)
        priority = re.search(r'^rule\b.*?\bpriority="?(-?\d+)', line)
        if not priority or int(priority[1]) > RICH_PRIORITY or not re.search(r"\b(drop|reject)\b", bare):
            continue
        if _NOT_VRRP.search(bare):
            continue
        family = re.search(r'\bfamily="ipv([46])"', line)
        source = re.search(r'\bsource (not )?address="([^"]*)"', line, re.IGNORECASE)
        protocol = re.search(r'\bprotocol value="([^"]*)"', line)
        yield Denial(
            text=line,
            zone=zone,
            saved=saved,
            version=int(family[1]) if family else None,
            source=source[2] if source else None,
            negated=bool(source and source[1]),
            protocol=protocol_name(protocol[1]) if protocol else None,
        )


def _simple(words: list[str]) -> dict[str, str]:
    """Attributes of a rule of the form that vipbook writes; ValueError for any other."""
    plain = [word for word in words if "=" not in word]
    attributes = dict(word.split("=", 1) for word in words if "=" in word)
    if plain != ["rule", "source", "protocol", "accept"] or not set(attributes) <= {
        "priority",
        "family",
        "address",
        "value",
    }:
        msg = "another form"
        raise ValueError(msg)
    return attributes
