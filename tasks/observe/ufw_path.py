"""The way of an advert through ufw's chains: the first rule that could keep it out before one lets it in for sure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from tasks.model.address import IpAddress
from tasks.observe.iptables import protocol_name
from tasks.observe.readings import Garbled, shortened

_LINE = re.compile(r"^(?:\[\d+:\d+\] )?-(?P<how>[AI]) (?P<chain>\S+)(?P<place> \d+)? (?P<words>.*)$", re.MULTILINE)
_NAME = re.compile(r"^(?:-N |:)(\S+)", re.MULTILINE)
_HARMLESS = frozenset({"LOG", "NFLOG", "ULOG", "AUDIT", "MARK", "CONNMARK", "TRACE", "CT", "NOTRACK", ""})
"""Targets behind which the packet goes on; what any other one does is not known."""
_VRRP_GROUPS = frozenset({ip_address("224.0.0.18"), ip_address("ff02::12")})
_ADVERTS_GO_TO = frozenset({"LOCAL", "MULTICAST"})
_PLAIN = frozenset({"-p", "-s", "--comment"})
_REACHED = ""
"""The packet is let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """An advert as it comes in. `interfaces`: those that it may come by; none: not known."""

    source: IpAddress
    protocol: str
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    text: str
    conditions: tuple[tuple[str, str, bool], ...]
    """Option, its value, and whether it is negated."""
    target: str


Chains = Mapping[str, Sequence[_Rule]]


def chains_of(text: str) -> Chains:
    """Rules by chain, in order, from `iptables -S` or from a file for iptables-restore."""
    found: dict[str, list[_Rule]] = {name: [] for name in _NAME.findall(text)}
    for line in _LINE.finditer(text):
        chain = found.setdefault(line["chain"], [])
        place = len(chain) if line["how"] == "A" else int(line["place"] or 1) - 1
        chain.insert(place, _rule(line[0], line["words"]))
    return found


def first_block(chains: Chains, start: Sequence[str], packet: Packet) -> str:
    """The first rule that could keep this packet out; empty when one lets it in before, or none does either."""
    for chain in start:
        if (found := _walk(chains, chain, packet)) is not None:
            return found
    return ""


def _walk(chains: Chains, chain: str, packet: Packet) -> str | None:
    """As `first_block`; None: the packet may come out at the end of the chain, and nothing kept it out."""
    returned: set[str] = set()
    for rule in chains.get(chain, ()):
        if any(_excludes(*condition, packet) for condition in rule.conditions):
            continue
        if rule.target == "RETURN":
            returned |= {value for name, value, negated in rule.conditions if name == "--dst-type" and not negated}
            if _is_certain(rule, packet) or returned >= _ADVERTS_GO_TO:
                return None
        elif rule.target == "ACCEPT":
            if _is_certain(rule, packet):
                return _REACHED
        elif rule.target in chains or rule.target.startswith("ufw"):
            # Without the chain itself: what jumps in a circle, which no kernel loads, comes to an end.
            found = _walk({k: v for k, v in chains.items() if k != chain}, rule.target, packet)
            if found or (found == _REACHED and _is_certain(rule, packet)):
                return found
        elif rule.target not in _HARMLESS:
            return rule.text
    return None


def _rule(text: str, words: str) -> _Rule:
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise Garbled(f"not a line of iptables: {error} in {shortened(text)!r}") from error
    conditions: list[tuple[str, str, bool]] = []
    target = ""
    for index, part in enumerate(parts):
        value = parts[index + 1] if index + 1 < len(parts) else ""
        if part in {"-j", "-g"}:
            target = value
            break
        # Options have one dash or two; what stands behind them are their values.
        if part.startswith("-"):
            conditions.append((part, value, index > 0 and parts[index - 1] == "!"))
    return _Rule(text=text, conditions=tuple(conditions), target=target)


def _excludes(name: str, value: str, negated: bool, packet: Packet) -> bool:  # noqa: FBT001 - as a condition has it
    """Is the rule surely not for this packet? What is not understood might be."""
    if name == "-p":
        return value not in {"all", "0"} and (protocol_name(value) == packet.protocol) is negated
    if name == "-s":
        return _holds(value, packet.source) is negated
    if name == "-d":
        return not negated and _is_other_group(value)
    if name == "-i":
        return bool(packet.interfaces) and not any(_is_by(value, each) is not negated for each in packet.interfaces)
    if name in {"--ctstate", "--state"}:
        # The first advert of a peer belongs to no connection yet; later ones may.
        return bool({"NEW", "UNTRACKED"} & set(value.split(","))) is negated
    # No advert has a routing header.
    return (name, value) == ("-m", "rt")


def _holds(network: str, address: IpAddress) -> bool | None:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return None


def _is_other_group(value: str) -> bool:
    """A multicast address that no advert is sent to; anything else might be an address of this server."""
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return network.is_multicast and not any(group in network for group in _VRRP_GROUPS)


def _is_by(pattern: str, interface: str) -> bool:
    return interface.startswith(pattern[:-1]) if pattern.endswith("+") else interface == pattern


def _is_certain(rule: _Rule, packet: Packet) -> bool:
    """Does it demand nothing that this packet might lack?"""
    return all(
        (name in _PLAIN and not negated)
        or (name, value) == ("-m", "comment")
        or (name == "-i" and not negated and len(packet.interfaces) == 1)
        for name, value, negated in rule.conditions
    )
