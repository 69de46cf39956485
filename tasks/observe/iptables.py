"""The INPUT chains that iptables tells, reduced to what decides on VRRP."""

from __future__ import annotations

import re
import shlex

from tasks.model.server import FirewallRule, InputChain
from tasks.observe.readings import Garbled, shortened
from tasks.render.firewall import COMMENT

_COUNTERS = re.compile(r"^\[\d+:\d+\] ")
"""What iptables-save -c puts in front of a rule."""
VRRP_NAMES = {"vrrp", "112"}
AH_NAMES = {"ah", "51", "ipv6-auth"}
_TERMINAL = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject"}


def protocol_name(word: str) -> str:
    """One name for each protocol that matters, whatever number or name a program prints."""
    return "vrrp" if word in VRRP_NAMES else "ah" if word in AH_NAMES else word


def parse_iptables(text: str, family: str = "ip") -> tuple[InputChain, ...]:
    """The INPUT chain from `iptables -S` or from the *filter part of an iptables-save file."""
    policy: str | None = None
    rules: list[FirewallRule] = []
    table = "filter"
    for full in text.splitlines():
        line = _COUNTERS.sub("", full)
        if line.startswith("*"):
            table = line[1:].strip()
        if table != "filter":
            continue
        words = _words(line) if line.startswith(("-", ":")) else []
        if words[:2] == ["-P", "INPUT"]:
            policy = _policy(line, words[2:])
        elif words[:1] == [":INPUT"]:
            policy = _policy(line, words[1:])
        elif words[:2] == ["-A", "INPUT"]:
            rules.append(_iptables_rule(full, words[2:]))
    if policy is None:
        return ()
    return (InputChain(family=family, table="filter", name="INPUT", policy=policy, rules=tuple(rules)),)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Garbled(f"not a line of iptables: {error} in {shortened(line)!r}") from error


def _policy(line: str, words: list[str]) -> str:
    if not words:
        raise Garbled(f"not a line of iptables: no policy in {shortened(line)!r}")
    return words[0].lower()


def is_input_rule(line: str) -> bool:
    """Is this line of an iptables-save text a rule of INPUT, with or without counters?"""
    return _COUNTERS.sub("", line).split()[:2] == ["-A", "INPUT"]


def _iptables_rule(line: str, words: list[str]) -> FirewallRule:
    source = protocol = comment = target = None
    narrow = False
    index = 0
    while index < len(words):
        word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
        index += 2
        if word == "!":
            # What is negated matches almost everything: no source or protocol of it may be relied on.
            narrow = True
            index += 1
        elif word == "-s":
            source = following.removesuffix("/32").removesuffix("/128")
        elif word == "-p":
            protocol = protocol_name(following)
        elif word == "-m" and following == "comment":
            pass
        elif word == "--comment":
            comment = following
        elif word in {"-j", "-g"}:
            target = following
            break
        else:
            narrow = True
            index -= 1
    verdict = _TERMINAL.get(target or "", "jump" if target else "other")
    if target in {"LOG", "NFLOG", "MARK", "CONNMARK", "TRACE", "CT", "NOTRACK"}:
        verdict = "other"
    return FirewallRule(
        text=line, verdict=verdict, source=source, protocol=protocol, narrow=narrow, ours=comment == COMMENT
    )
