"""What ufw will load, from its files, and what it has loaded, from iptables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_address, ip_network

from tasks.model.bounds import PEERS_MOST
from tasks.observe.readings import Garbled
from tasks.server.firewall.backend import FirewallAnswers, Found, Reader
from tasks.server.firewall.backends.ufw.model import BEFORE, DEFAULT, DIRECTORY, UFW_BEGIN, UFW_END, Ufw, UfwRule
from tasks.server.firewall.backends.ufw.questions import KEY, NAMES, UNIT
from tasks.server.firewall.model import COMMENT, PathRule
from tasks.server.firewall.path import Packet, first_block
from tasks.server.firewall.xtables import PROGRAMS
from tasks.server.firewall.xtables.chains import chains_of
from tasks.server.firewall.xtables.rules import protocol_name

# `### tuple ### allow vrrp any 0.0.0.0/0 any 100.65.0.13 in comment=766970626f6f6b`; the comment is in hexadecimal.
_TUPLE = re.compile(
    r"^### tuple ### allow (?P<protocol>\S+) any \S+ any (?P<source>\S+) in(?: comment=(?P<comment>[0-9a-f]*))?$",
    re.MULTILINE,
)
_RUNNING = re.compile(
    r"^-A ufw6?-(?:user|before)-input -s (?P<source>\S+) -p (?P<protocol>\S+) -j ACCEPT$", re.MULTILINE
)
_ADVERTS = {"vrrp", "ah"}
_BEFORE = re.compile(r"^-A ufw6?-before-input -p (?P<protocol>\S+) -s (?P<source>\S+) -j ACCEPT$", re.MULTILINE)


def parse_ufw(
    iptables: str, files: Mapping[str, str | None], *, ip6tables: str = "", interfaces: tuple[str, ...] = ()
) -> tuple[tuple[UfwRule, ...], str]:
    """Rules that open a protocol from an address, with what stands in front of them, and the default policy.

    `iptables`: `iptables -S`; `ip6tables`: `ip6tables -S`; `files`: texts of user.rules, user6.rules, before.rules,
    before6.rules and default by these names, None where there is none; `interfaces`: those that adverts come in by.
    """
    rules = list(_openings(iptables + ip6tables, files))
    policy = re.search(r'^DEFAULT_INPUT_POLICY="?(\w+)"?', files.get("default") or "", re.MULTILINE)
    ways = _ways(iptables, ip6tables, files)
    adverts = {(rule.address, rule.protocol, rule.saved) for rule in rules if rule.protocol in _ADVERTS}
    if len(adverts) > PEERS_MOST:
        raise Garbled(f"more than {PEERS_MOST} rules that open VRRP or AH")
    # What is opened for other protocols is nothing to VRRP.
    behind = {
        each: first_block(
            *ways[each[0].version, each[2]],
            Packet(source=each[0], protocol=each[1], interfaces=interfaces),
            own="ufw",
        )
        for each in adverts
    }
    placed = tuple(replace(rule, behind=behind.get((rule.address, rule.protocol, rule.saved), "")) for rule in rules)
    return placed, f"default policy {policy[1] if policy else 'DROP'} for what comes in"


def _openings(running: str, files: Mapping[str, str | None]) -> Iterator[UfwRule]:
    for name in ("user.rules", "user6.rules"):
        for found in _TUPLE.finditer(files.get(name) or ""):
            ours = found["comment"] == COMMENT.encode().hex()
            yield from _rule(found, ours=ours, saved=True)
    for name in ("before.rules", "before6.rules"):
        for found in _BEFORE.finditer(our_block(files.get(name) or "")):
            yield from _rule(found, ours=True, saved=True)
    for found in _RUNNING.finditer(running):
        yield from _rule(found, ours=False, saved=False)


def _ways(
    iptables: str, ip6tables: str, files: Mapping[str, str | None]
) -> dict[tuple[int, bool], tuple[Mapping[str, Sequence[PathRule]], tuple[str, ...]]]:
    """The chains that a packet meets first, by family, now (False) and after a boot (True)."""
    texts = {name: files.get(name) or "" for name in ("before.rules", "user.rules", "before6.rules", "user6.rules")}
    return {
        (4, False): (chains_of(iptables), ("INPUT",)),
        (6, False): (chains_of(ip6tables), ("INPUT",)),
        # ufw itself lets its own chain follow that of before.rules, so no file says it.
        (4, True): (chains_of(texts["before.rules"] + texts["user.rules"]), ("ufw-before-input", "ufw-user-input")),
        (6, True): (
            chains_of(texts["before6.rules"] + texts["user6.rules"]),
            ("ufw6-before-input", "ufw6-user-input"),
        ),
    }


def our_block(text: str) -> str:
    """The lines between our two marks; empty when they are not there."""
    _, mark, rest = text.partition(f"{UFW_BEGIN}\n")
    inside, end, _ = rest.partition(f"{UFW_END}\n")
    return inside if mark and end else ""


def _rule(found: re.Match[str], *, ours: bool, saved: bool) -> Iterator[UfwRule]:
    try:
        network = ip_network(found["source"])
    except ValueError:
        return
    if network.prefixlen == network.max_prefixlen:
        yield UfwRule(
            text=found[0],
            address=ip_address(network.network_address),
            protocol=protocol_name(found["protocol"]),
            ours=ours,
            saved=saved,
        )


def _detect(answers: FirewallAnswers) -> Found | None:
    jumps = (rule for chain in answers.chains for rule in chain.rules if rule.verdict == "jump")
    if not any(" ufw" in rule.text for rule in jumps):
        return None
    return Found(names=("ufw",), read=partial(_read, answers), claims=True)


def _read(answers: FirewallAnswers) -> Ufw:
    files = {name: answers.files.get(f"{DIRECTORY}/{name}") for name in NAMES} | {"default": answers.files.get(DEFAULT)}
    running, running6 = (answers.texts.get(program, "") for program in PROGRAMS.values())
    rules, default = parse_ufw(running, files, ip6tables=running6, interfaces=answers.interfaces)
    return Ufw(
        rules=rules,
        before=answers.exact.get(BEFORE[4]),
        before6=answers.exact.get(BEFORE[6]),
        knows_vrrp=KEY in answers.succeeded,
        default=default,
        at_boot=UNIT in answers.enabled,
    )


READER = Reader(detect=_detect, claims=True)
