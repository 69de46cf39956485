"""Which firewall is in charge on a server, and its input chains reduced to what decides on VRRP."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from tasks.model.server import Firewall, FirewallRule, InputChain
from tasks.observe.json_text import documents, mapping, optional_whole, optional_word, sequence, word
from tasks.observe.readings import Garbled, shortened
from tasks.render.firewall import COMMENT

_COUNTERS = re.compile(r"^\[\d+:\d+\] ")
"""What iptables-save -c puts in front of a rule."""
_VRRP_NAMES = {"vrrp", "112"}
_TERMINAL = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject"}
# iptables-nft keeps its rules in nftables tables of these names; they are read through iptables, their owner.
_IPTABLES_TABLES = {"filter", "nat", "mangle", "raw", "security"}
# keepalived's own, for use_vmac: `out` keeps IGMP and MLD reports from leaving by the macvlan, and `in` guards VIPs.
# Both come and go with the daemon, adverts pass them, and they are no sign that nftables is in charge.
_KEEPALIVEDS = {("keepalived", "in"), ("keepalived", "out")}


def parse_firewall(units: str, iptables: str, ruleset: str, files: dict[str, str | None]) -> Firewall:
    """Decide who is in charge and read its input chains.

    `units`: `systemctl show -p Id,ActiveState` of the managers; `iptables`: `iptables -S` ("" where there is none);
    `ruleset`: `nft -j list ruleset` ("" where there is none); `files`: persistent texts by manager, and `snippet`.
    """
    active = _units(units, "ActiveState", {"active"})
    enabled = _units(units, "UnitFileState", {"enabled", "enabled-runtime", "static", "generated", "alias"})
    legacy = parse_iptables(iptables)
    native = parse_nft(ruleset)
    if "firewalld.service" in active:
        return Firewall(manager="firewalld", chains=(), persistent=None, saved=(), snippet=None)
    if any(rule.verdict == "jump" and " ufw-" in rule.text for chain in legacy for rule in chain.rules):
        return Firewall(manager="ufw", chains=(), persistent=None, saved=(), snippet=None)
    filtering = tuple(chain for chain in legacy if chain.rules or chain.policy != "accept")
    if filtering and native:
        return Firewall(
            manager="iptables and nftables", chains=filtering + native, persistent=None, saved=(), snippet=None
        )
    if filtering:
        saved = files["iptables"]
        chains = parse_iptables(saved or "")
        boot = bool(enabled & {"netfilter-persistent.service", "iptables.service"})
        return Firewall(
            manager="iptables", chains=filtering, persistent=saved, saved=chains, snippet=None, at_boot=boot
        )
    if native:
        return Firewall(
            manager="nftables",
            chains=native,
            persistent=files["nftables"],
            saved=(),
            snippet=files["snippet"],
            at_boot="nftables.service" in enabled,
        )
    return Firewall(manager="none", chains=(), persistent=None, saved=(), snippet=None)


def _units(text: str, field: str, values: set[str]) -> set[str]:
    """Names of units whose field has one of these values; blocks of `Id=…` and others, parted by empty lines."""
    found: set[str] = set()
    for block in text.strip().split("\n\n"):
        fields = dict(line.partition("=")[::2] for line in block.splitlines())
        if fields.get(field) in values:
            found.add(fields.get("Id", ""))
    return found


def parse_iptables(text: str) -> tuple[InputChain, ...]:
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
    return (InputChain(family="ip", table="filter", name="INPUT", policy=policy, rules=tuple(rules)),)


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
            source = following.removesuffix("/32")
        elif word == "-p":
            protocol = "vrrp" if following in _VRRP_NAMES else following
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


def parse_nft(text: str) -> tuple[InputChain, ...]:
    """Native base chains on the input hook, from `nft -j list ruleset`; iptables-nft's own are left out."""
    if not text.strip():
        return ()
    entries: list[dict[str, Any]] = []
    for document in documents(text):
        listed = sequence(mapping(document, "the ruleset").get("nftables"), "nftables")
        entries += [mapping(each, "an entry of nftables") for each in listed]
    chains = [mapping(entry["chain"], "chain") for entry in entries if "chain" in entry]
    rules = [mapping(entry["rule"], "rule") for entry in entries if "rule" in entry]
    return tuple(
        InputChain(
            family=word(chain, "family"),
            table=word(chain, "table"),
            name=word(chain, "name"),
            policy=optional_word(chain, "policy") or "accept",
            rules=tuple(_nft_rule(rule) for rule in rules if _same_chain(rule, chain)),
        )
        for chain in chains
        if chain.get("hook") == "input" and word(chain, "family") in {"ip", "inet"} and not _of_others(chain)
    )


def _same_chain(rule: dict[str, Any], chain: dict[str, Any]) -> bool:
    of = (word(rule, "family"), word(rule, "table"), word(rule, "chain"))
    return of == (word(chain, "family"), word(chain, "table"), word(chain, "name"))


def _of_others(chain: dict[str, Any]) -> bool:
    """Is the chain iptables-nft's or keepalived's own?"""
    table, name = word(chain, "table"), word(chain, "name")
    if (table, name) in _KEEPALIVEDS:
        return True
    return chain["family"] == "ip" and table in _IPTABLES_TABLES and name.isupper()


def _nft_rule(rule: dict[str, Any]) -> FirewallRule:
    source = protocol = None
    narrow = False
    verdict = "other"
    expressions = sequence(rule.get("expr", []), "expr")
    for expression in expressions:
        kind = next(iter(mapping(expression, "an expression")), "")
        if kind == "match":
            field, value = _nft_match(mapping(expression["match"], "match"))
            if field == "saddr" and isinstance(value, str):
                source = value
            elif field == "protocol" and isinstance(value, str | int) and not str(value).startswith("@"):
                protocol = "vrrp" if str(value) in _VRRP_NAMES else str(value)
            else:
                narrow = True
        elif kind in {"accept", "drop", "reject"}:
            verdict = kind
        elif kind in {"jump", "goto", "vmap", "queue"}:
            verdict = "jump"
        elif kind not in {"counter", "log", "comment"}:
            narrow = True
    return FirewallRule(
        text=json.dumps(expressions, separators=(",", ":")),
        verdict=verdict,
        source=source,
        protocol=protocol,
        narrow=narrow,
        ours=rule.get("comment") == COMMENT,
        handle=optional_whole(rule, "handle"),
    )


def _nft_match(match: dict[str, Any]) -> tuple[str | None, object]:
    """The one field that an equality compares with one value; (None, None) for everything finer."""
    left, right = match.get("left"), match.get("right")
    if match.get("op") != "==" or not isinstance(left, dict):
        return None, None
    payload, meta = (mapping(left.get(kind, {}), kind) for kind in ("payload", "meta"))
    field = optional_word(payload, "field")
    if payload.get("protocol") == "ip" and field in {"saddr", "protocol"}:
        return field, right
    if meta.get("key") == "l4proto":
        return "protocol", right
    return None, None
