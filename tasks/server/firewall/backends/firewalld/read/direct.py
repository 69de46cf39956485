"""firewalld's direct rules: rules of iptables that packets meet beside its zones, whatever those let in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network

from tasks.model.bounds import RULES_MOST, WORDS_MOST
from tasks.observe.readings import Garbled, shortened
from tasks.server.firewall.backends.firewalld.model import WayIn
from tasks.server.firewall.model import PathRule
from tasks.server.firewall.xtables.chains import chains_of
from tasks.server.firewall.xtables.words import options_of, spelled

_RULE = re.compile(r"(?P<version>ipv[46]|eb) (?P<table>\S+) (?P<chain>\S+) (?P<priority>-?\d{1,9}) (?P<words>.*)")
_PASSED = re.compile(r"(?P<version>ipv[46]|eb) (?P<words>.*)")
_VERSIONS = {"ipv4": 4, "ipv6": 6}
_STARTS = (
    *(("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("mangle", "INPUT")),
    *(("filter", "INPUT"), ("security", "INPUT")),
)
"""The built-in chains that a packet to this server passes and that may drop it."""
_FOR_OTHERS = {"FORWARD", "OUTPUT", "POSTROUTING"}
_BUILT_IN = {"PREROUTING", "INPUT", *_FOR_OTHERS}
_SOURCES = re.compile(r"(?<= -s )[^\s,]+(?:,[^\s,]+)+")
_ZONES = {"INPUT_ZONES", "INPUT_ZONES_SOURCE", "INPUT_POLICIES_pre"}
"""The older backend keeps zones in iptables, too; from here on they decide."""


def parse_direct(rules: str, passthroughs: str = "", *, saved: bool = False) -> tuple[WayIn, ...]:
    """The ways of packets through what `--direct --get-all-rules` and `--get-all-passthroughs` list.

    By priority, and as listed where that is the same; then what is handed to iptables as it is, which firewalld loads
    last (fw_direct.py).
    """
    lines: dict[tuple[int, str], list[str]] = {}
    found = [*sorted(_rules(rules), key=lambda each: each[0]), *((0, *each) for each in _passed(passthroughs))]
    for _, version, table, text in found:
        lines.setdefault((version, table), []).extend(_each_source(text))
        if sum(map(len, lines.values())) > RULES_MOST:
            raise Garbled(f"more than {RULES_MOST:,} direct rules")
    return tuple(
        WayIn(version=version, table=table, saved=saved, start=start, chains=_told(chains, table))
        for (version, table), texts in lines.items()
        if (chains := chains_of("\n".join(texts)))
        for start in (chain for of, chain in _STARTS if of == table)
        if chains.get(start)
    )


def _rules(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Priority, IP version, table and line of each."""
    for line in filter(None, text.splitlines()):
        rule = _RULE.fullmatch(line)
        if rule is None:
            raise Garbled(f"not a direct rule of firewalld: {shortened(line)!r}")
        # With nftables beneath, direct rules stand in the built-in chains themselves, whose names both forms mean.
        plain = rule["chain"].removesuffix("_direct")
        chain = plain if plain in _BUILT_IN else rule["chain"]
        if rule["version"] in _VERSIONS and chain not in _FOR_OTHERS:
            words = spelled(_words(rule["words"], line), line)
            yield int(rule["priority"]), _VERSIONS[rule["version"]], rule["table"], f"-A {chain} {words}"


def _passed(text: str) -> Iterator[tuple[int, str, str]]:
    """IP version, table and line of each that adds a rule."""
    for line in filter(None, text.splitlines()):
        rule = _PASSED.fullmatch(line)
        if rule is None:
            raise Garbled(f"not a passthrough of firewalld: {shortened(line)!r}")
        if rule["version"] not in _VERSIONS:
            continue
        words = _words(rule["words"], line)
        table = next((each.value for each in options_of(words, line) if each.name == "t"), "filter")
        command = next((each for each in options_of(words, line) if each.name in set("AI")), None)
        if command is None or command.value in _FOR_OTHERS:
            continue
        rest = shlex.split(spelled(words, line))
        for option, values in (("-t", 1), (f"-{command.name}", 1 + len(command.more))):
            if option in rest:
                index = rest.index(option)
                rest = [*rest[:index], *rest[index + 1 + values :]]
        where = " ".join((f"-{command.name}", command.value, *command.more))
        yield _VERSIONS[rule["version"]], table, f"{where} {shlex.join(rest)}"


def _words(text: str, line: str) -> list[str]:
    if len(text) > WORDS_MOST:
        raise Garbled(f"not a direct rule of firewalld: it is longer than {WORDS_MOST} characters: {shortened(line)!r}")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Garbled(f"not a direct rule of firewalld: {error} in {shortened(line)!r}") from error


def _each_source(line: str) -> list[str]:
    """iptables makes a rule of each of several addresses."""
    several = _SOURCES.search(line)
    if several is None:
        return [line]
    before, after = line[: several.start()], line[several.end() :]
    return [f"{before}{source}{after}" for source in several[0].split(",")]


def _told(chains: Mapping[str, Sequence[PathRule]], table: str) -> Mapping[str, Sequence[PathRule]]:
    if table == "filter":
        return chains
    return {name: [replace(rule, text=f"-t {table} {rule.text}") for rule in rules] for name, rules in chains.items()}


def running_ways(ways: Sequence[WayIn], texts: Mapping[int, str]) -> tuple[WayIn, ...]:
    """The same, but for the filter table, as far as `iptables -S` of that IP version tells it as it runs."""
    kept = [way for way in ways if way.saved or way.table != "filter" or not texts.get(way.version)]
    for version, text in texts.items():
        chains = chains_of(text)
        rules = chains.get("INPUT", ())
        end = next((index for index, rule in enumerate(rules) if rule.target in _ZONES), len(rules))
        if end:
            before = {**chains, "INPUT": rules[:end]}
            kept.append(WayIn(version=version, table="filter", saved=False, start="INPUT", chains=before))
    return tuple(kept)


def is_known(text: str, ways: Sequence[WayIn], version: int) -> bool:
    """Is every rule of INPUT that `iptables -S` tells firewalld's own, or one of its direct rules?

    The two are spelled differently, so they are compared by what decides: source, protocol and target.
    """
    direct = [way.chains["INPUT"] for way in ways if (way.version, way.table, way.saved) == (version, "filter", False)]
    known = {_essence(rule) for rules in direct for rule in rules}
    found = chains_of(text).get("INPUT", ())
    return any(rule.target in _ZONES for rule in found) or all(_essence(rule) in known for rule in found)


def _essence(rule: PathRule) -> tuple[object, ...]:
    decides = {name: (value, negated) for name, value, negated in rule.conditions if name in {"-s", "-p"}}
    source, negated = decides.get("-s", ("", False))
    with suppress(ValueError):
        source = str(ip_network(source, strict=False))
    return source, negated, decides.get("-p"), rule.target
