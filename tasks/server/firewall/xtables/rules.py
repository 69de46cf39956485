"""The INPUT chains that iptables tells, reduced to what decides on VRRP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from tasks.model.bounds import RULES_MOST
from tasks.observe.readings import Garbled, shortened
from tasks.server.firewall.model import COMMENT, FirewallRule, InputChain
from tasks.server.firewall.xtables.words import Option, options, split

_ON_INPUT = re.compile(r"(?:-[A-Z]|--[a-z-]+=)?INPUT|-F|--flush")
"""A word that may name the chain of a command, or means all of them; only such lines have to be understood."""
VRRP_NAMES = {"vrrp", "112"}
AH_NAMES = {"ah", "51", "ipv6-auth"}
_TERMINAL = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject"}
_PASSING = {"LOG", "NFLOG", "MARK", "CONNMARK", "TRACE", "CT", "NOTRACK"}
_COMMANDS = set("AIDCRPFZNXE")
_HARMLESS = set("ZN")
_NUMBER_MOST = 20
_PLACE = re.compile(r"0*[1-9][0-9]{0,8}\Z")
_ADDRESS = re.compile(r"[0-9a-fA-F.:]+(/[0-9a-fA-F.:]+)?")


def protocol_name(word: str) -> str:
    """One name for each protocol that matters, whatever number or name a program prints."""
    return "vrrp" if word in VRRP_NAMES else "ah" if word in AH_NAMES else word


def parse_iptables(text: str, family: str = "ip") -> tuple[InputChain, ...]:
    """The INPUT chain from `iptables -S` or from the *filter part of an iptables-save file."""
    policy: str | None = None
    for line, command in _commands(text):
        if command is None:
            words = line[1:].split()
            policy = _policy(line, words[1:])
        elif command.name == "P":
            policy = _policy(line, list(command.more))
    if policy is None:
        return ()
    rules = tuple(rule for _, rule in numbered_rules(text))
    return (InputChain(family=family, table="filter", name="INPUT", policy=policy, rules=rules),)


def numbered_rules(text: str) -> list[tuple[int, FirewallRule]]:
    """The rules of INPUT in the order in which they end up, each with the index of its line."""
    found: list[tuple[int, FirewallRule]] = []
    for index, line in input_lines(text):
        command = _command(line)
        if command is None or command.name not in {"A", "I"}:
            continue
        if len(found) >= RULES_MOST:
            raise Garbled(f"more than {RULES_MOST:,} rules of INPUT")
        place = len(found) if command.name == "A" else _number(line, command) - 1
        if place > len(found):
            raise Garbled(f"not a file of iptables: there is no place {place + 1} for {shortened(line)!r}")
        found.insert(place, (index, _iptables_rule(line)))
    if inserts(text) and any(_several(rule.text) for _, rule in found):
        raise Garbled("a file with -I and with rules for several addresses at once: save it with iptables-save")
    return found


def inserts(text: str) -> bool:
    """Does the text put rules of INPUT in front of others, as iptables-save never does?"""
    return any(command is not None and command.name == "I" for _, command in _commands(text))


def input_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines of the filter table that may be about INPUT, with their indexes."""
    table, seen = "filter", 0
    for index, line in enumerate(text.splitlines()):
        if line.startswith("*"):
            table = line[1:].strip()
            seen += table == "filter"
            if seen > 1:
                raise Garbled("not a file of iptables: *filter comes twice, and the second throws the first away")
        elif table == "filter" and not line.startswith("#") and _may_be_of_input(line):
            yield index, line


def _may_be_of_input(line: str) -> bool:
    if line.startswith(":"):
        return line[1:].split()[:1] == ["INPUT"]
    if not line.lstrip().startswith(("-", "[", "!")):
        return False
    return any(_ON_INPUT.fullmatch(word) for word in line.replace('"', " ").split())


def _commands(text: str) -> Iterator[tuple[str, Option | None]]:
    """Each line about INPUT with its command; None for the policy of an iptables-save file."""
    for _, line in input_lines(text):
        if line.startswith(":"):
            yield line, None
        elif (command := _command(line)) is not None:
            yield line, command


def _command(line: str) -> Option | None:
    """What the line does to INPUT; None when it is about another chain, Garbled when it undoes what others do."""
    if line.startswith(":"):
        return None
    commands = [each for each in options(line) if each.name in _COMMANDS]
    if len(commands) != 1:
        raise Garbled(f"not a line of iptables: it has not one command, but {len(commands)} in {shortened(line)!r}")
    (command,) = commands
    if command.value != "INPUT" and command.name not in set("FX"):
        return None
    if command.name in set("FX") and command.more not in {(), ("INPUT",)}:
        return None
    if command.name not in {"A", "I", "P", *_HARMLESS}:
        raise Garbled(f"a file that takes back rules of its own is not understood: {shortened(line)!r}")
    return command


def _number(line: str, command: Option) -> int:
    if not command.more:
        return 1
    if len(command.more) > 1 or not _PLACE.match(command.more[0]):
        raise Garbled(f"not a line of iptables: {command.more[-1]!r} is no place in {shortened(line)!r}")
    return int(command.more[0])


def _several(line: str) -> bool:
    """Does the line make more than one rule, or nobody knows how many?"""
    return any(each.name in {"s", "d"} and not _ADDRESS.fullmatch(each.value) for each in options(line))


def _policy(line: str, words: list[str]) -> str:
    if not words:
        raise Garbled(f"not a line of iptables: no policy in {shortened(line)!r}")
    return words[0].lower()


def _iptables_rule(line: str) -> FirewallRule:
    source = protocol = comment = target = None
    narrow = False
    for each in options(line):
        if each.negated:
            # What is negated matches almost everything: no source or protocol of it may be relied on.
            narrow = True
        elif each.name == "s":
            source = each.value.removesuffix("/32").removesuffix("/128")
        elif each.name == "p":
            protocol = protocol_of(each.value)
        elif each.name == "comment":
            comment = each.value
        elif each.name in {"j", "g"}:
            target = each.value
        elif each.name in {"t", "4", "6"}:
            raise Garbled(f"the line names a table or a family: {shortened(line)!r}")
        elif each.name not in {"A", "I", "c", "text"} and (each.name, each.value) != ("m", "comment"):
            narrow = True
    verdict = _TERMINAL.get(target or "", "jump" if target else "other")
    if target in _PASSING:
        verdict = "other"
    return FirewallRule(
        text=line, verdict=verdict, source=source, protocol=protocol, narrow=narrow, ours=comment == COMMENT
    )


def protocol_of(word: str) -> str | None:
    """The name of a protocol; None for all of them. iptables takes numbers as C does: 112, 0x70, 0160."""
    name = word.lower()
    base = 16 if name.startswith("0x") else 8 if name.startswith("0") else 10
    with suppress(ValueError):
        name = str(int(name[:_NUMBER_MOST], base)) if len(name) <= _NUMBER_MOST else name
    return None if name in {"all", "0"} else protocol_name(name)


def rule_words(text: str) -> list[str]:
    """The rule's own words behind `-A INPUT`, as iptables itself printed them."""
    return split(text)[2:]
