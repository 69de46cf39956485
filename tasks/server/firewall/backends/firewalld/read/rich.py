"""firewalld's rich rules (firewalld.richlanguage(5)), and the policies that hold some."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from tasks.model.bounds import WORDS_MOST
from tasks.observe.readings import Garbled, shortened
from tasks.server.firewall.backends.firewalld.model import RICH_PRIORITY, FrontRule, RichRule, Where
from tasks.server.firewall.xtables.rules import protocol_name

_PRIORITY = re.compile(r"-?[0-9]{1,9}\Z")
_QUOTED = re.compile(r'"[^"]*"')
_NOT_VRRP = re.compile(r"\b(port|source-port|icmp-type|icmp-block|forward-port|masquerade)\b")
"""Elements that are about protocols of their own."""
_ATTRIBUTES = {"priority", "family", "address", "value"}
_PLAIN = [{"rule", "accept", *more} for more in ((), ("source",), ("protocol",), ("source", "protocol"))]
_DENYING = {"DROP", "REJECT", "%%REJECT%%"}


def peer_rules(text: str, zone: str, *, saved: bool) -> Iterator[RichRule]:
    """Rich rules that accept one protocol from one address, and demand nothing else."""
    for line in text.splitlines():
        if not line.startswith("rule "):
            continue
        try:
            words, found = _simple(line)
            address = ip_address(found["address"])
        except (ValueError, KeyError):
            continue
        if words == ["rule", "source", "protocol", "accept"]:
            ours = found.get("priority") == str(RICH_PRIORITY)
            protocol = protocol_name(found["value"])
            yield RichRule(text=line, address=address, protocol=protocol, ours=ours, saved=saved, zone=zone)


def front_rules(text: str, where: Where, *, limit: int | None = None) -> Iterator[FrontRule]:
    """Rich rules that decide on VRRP with a priority up to `limit`, in the order in which packets meet them.

    They drop or reject it, or may do so; or they let it in for sure. At one priority what denies goes first.
    """
    found = []
    for line in text.splitlines():
        priority = _priority(line)
        if line.startswith("rule") and (limit is None or priority <= limit):
            found += [(priority, not rule.denies, rule) for rule in _decides(line, where)]
    return (rule for *_, rule in sorted(found, key=lambda each: each[:2]))


def _priority(line: str) -> int:
    found = re.search(r'^rule\b.*?\bpriority="?(-?[0-9]{1,9})', line)
    return int(found[1]) if found else 0


def _decides(line: str, where: Where) -> Iterator[FrontRule]:
    bare = _QUOTED.sub('""', line)
    denies = bool(re.search(r"\b(drop|reject)\b", bare))
    if not (denies and not _NOT_VRRP.search(bare)) and not _accepts(line):
        return
    family = re.search(r'\bfamily="ipv([46])"', line)
    source = re.search(r'\bsource (not )?address="([^"]*)"', line, re.IGNORECASE)
    protocol = re.search(r'\bprotocol value="([^"]*)"', line)
    yield FrontRule(
        text=line,
        where=where,
        denies=denies,
        version=int(family[1]) if family else None,
        source=source[2] if source else None,
        negated=bool(source and source[1]),
        protocol=protocol_name(protocol[1]) if protocol else None,
    )


def _accepts(line: str) -> bool:
    """Does it accept, and demand nothing but a source and a protocol?"""
    try:
        words, _ = _simple(line)
    except ValueError:
        return False
    return len(words) == len(set(words)) and set(words) in _PLAIN


def policy_rules(listed: Mapping[str, Mapping[str, str]], *, saved: bool) -> Iterator[FrontRule]:
    """What policies decide on packets to this server before the zones do: those with a priority below 0.

    A policy is passed like a zone: its rich rules around what it opens, and then its target, which goes on to the next
    where it is CONTINUE. It is for this server when it leads to HOST; ANY does not include that
    (firewalld.policies(5)). Releases differ in whether they follow one whose zone is the default and has no interface
    of its own (firewalld/firewalld#1205): nobody can rely on that, so it counts.
    """
    ordered = sorted((_whole(fields.get("priority", "-1")), name) for name, fields in listed.items())
    for priority, name in ordered:
        fields = listed[name]
        if priority >= 0 or "HOST" not in fields.get("egress-zones", "").split() or fields.get("disable") == "yes":
            continue
        ingress = fields.get("ingress-zones", "").split()
        zones = None if "ANY" in ingress else frozenset(ingress)
        where = Where(place=f"policy {name}", zones=zones, saved=saved, in_policy=True)
        opened = [
            FrontRule(text=f"protocols: {each}", where=where, denies=False, protocol=protocol_name(each))
            for each in fields.get("protocols", "").split()
        ]
        rich = list(front_rules(fields.get("rich rules", ""), where))
        early = [(_priority(rule.text), not rule.denies) <= (0, False) for rule in rich]
        yield from (rule for rule, is_early in zip(rich, early, strict=True) if is_early)
        yield from opened
        yield from (rule for rule, is_early in zip(rich, early, strict=True) if not is_early)
        target = fields.get("target", "CONTINUE")
        if target in _DENYING or target == "ACCEPT":
            yield FrontRule(text=f"target: {target}", where=where, denies=target in _DENYING)


def _whole(text: str) -> int:
    if not _PRIORITY.match(text):
        raise Garbled(f"not a priority of a policy: {shortened(text)!r}")
    return int(text)


def _simple(line: str) -> tuple[list[str], dict[str, str]]:
    """Elements and attributes of a rule that has no others than those vipbook writes; ValueError for any other."""
    if len(line) > WORDS_MOST:
        msg = "longer than any rule"
        raise ValueError(msg)
    words = shlex.split(line)
    attributes = dict(word.split("=", 1) for word in words if "=" in word)
    if not set(attributes) <= _ATTRIBUTES:
        msg = "another form"
        raise ValueError(msg)
    return [word for word in words if "=" not in word], attributes
