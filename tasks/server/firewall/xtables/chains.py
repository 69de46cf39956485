"""All chains of iptables with their rules in order, for who follows a packet through them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from tasks.model.bounds import RULES_MOST, WORDS_MOST
from tasks.observe.readings import Garbled, shortened
from tasks.server.firewall.model import PathRule
from tasks.server.firewall.xtables.rules import protocol_of

_LINE = re.compile(
    r"^(?:\[\d+:\d+\] )?-(?P<how>[AI]) (?P<chain>\S+)(?P<place> [0-9]{1,9})? (?P<words>.*)$", re.MULTILINE
)
_NAME = re.compile(r"^(?:-N |:)(\S+)", re.MULTILINE)


def chains_of(text: str) -> Mapping[str, Sequence[PathRule]]:
    """Rules by chain, in order, from `iptables -S` or from a file for iptables-restore."""
    found: dict[str, list[PathRule]] = {name: [] for name in _NAME.findall(text)}
    for number, line in enumerate(_LINE.finditer(text)):
        if number >= RULES_MOST:
            raise Garbled(f"more than {RULES_MOST:,} rules of iptables")
        chain = found.setdefault(line["chain"], [])
        place = len(chain) if line["how"] == "A" else int(line["place"] or 1) - 1
        chain.insert(place, _rule(line[0], line["words"]))
    return found


def _rule(text: str, words: str) -> PathRule:
    if len(words) > WORDS_MOST:
        raise Garbled(f"not a line of iptables: it is longer than {WORDS_MOST} characters: {shortened(text)!r}")
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
        if part == "-p":
            value = protocol_of(value) or "all"
        # Options have one dash or two; what stands behind them are their values.
        if part.startswith("-"):
            conditions.append((part, value, index > 0 and parts[index - 1] == "!"))
    return PathRule(text=text, conditions=tuple(conditions), target=target)
