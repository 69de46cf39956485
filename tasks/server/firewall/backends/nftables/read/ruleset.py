"""Native base chains on the input hook, from `nft -j list ruleset`, reduced to what decides on VRRP."""

from __future__ import annotations

import json
from typing import Any

from tasks.observe.json_text import documents, mapping, optional_whole, optional_word, sequence, word
from tasks.observe.readings import Garbled
from tasks.server.firewall.backends.nftables.model import NftRule
from tasks.server.firewall.model import COMMENT, InputChain
from tasks.server.firewall.xtables.rules import protocol_name

# iptables-nft keeps its rules in nftables tables of these names; they are read through iptables, their owner.
_IPTABLES_TABLES = {"filter", "nat", "mangle", "raw", "security"}
# keepalived's own, for use_vmac: `out` keeps IGMP and MLD reports from leaving by the macvlan, and `in` guards VIPs.
# Both come and go with the daemon, adverts pass them, and they are no sign that nftables is in charge.
_KEEPALIVEDS = {("keepalived", "in"), ("keepalived", "out")}
_FAMILIES = {"ip", "ip6", "inet"}
# nft puts `meta l4proto` in front of what looks into these headers. Not in front of `th`, which any protocol has.
_TRANSPORTS = {"tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmpv6", "igmp", "esp", "ah", "comp"}
_Place = tuple[str, str, str]
"""Family, table and name of a chain."""
_DEEPEST = 16
_PARTS_OF = {"tcp option": "tcp", "sctp chunk": "sctp", "dccp option": "dccp"}


def parse_nft(text: str) -> tuple[InputChain, ...]:
    """Native base chains on the input hook, from `nft -j list ruleset`; iptables-nft's own are left out."""
    if not text.strip():
        return ()
    entries: list[dict[str, Any]] = []
    for document in documents(text):
        listed = sequence(mapping(document, "the ruleset").get("nftables"), "nftables")
        entries += [mapping(each, "an entry of nftables") for each in listed]
    # By their place: of chains that are listed twice, which nft never does, the last one counts.
    chains: dict[_Place, dict[str, Any]] = {}
    rules: dict[_Place, list[dict[str, Any]]] = {}
    for entry in entries:
        if "chain" in entry:
            chain = mapping(entry["chain"], "chain")
            if chain.get("hook") == "input" and word(chain, "family") in _FAMILIES and not _of_others(chain):
                chains[word(chain, "family"), word(chain, "table"), word(chain, "name")] = chain
        elif "rule" in entry:
            rule = mapping(entry["rule"], "rule")
            rules.setdefault((word(rule, "family"), word(rule, "table"), word(rule, "chain")), []).append(rule)
    return tuple(
        InputChain(
            family=place[0],
            table=place[1],
            name=place[2],
            policy=optional_word(chain, "policy") or "accept",
            rules=tuple(map(_nft_rule, rules.get(place, ()))),
        )
        for place, chain in chains.items()
    )


def _of_others(chain: dict[str, Any]) -> bool:
    """Is the chain iptables-nft's, firewalld's or keepalived's own?"""
    table, name = word(chain, "table"), word(chain, "name")
    if (table, name) in _KEEPALIVEDS:
        return True
    if table == "firewalld":
        return True
    return chain["family"] in {"ip", "ip6"} and table in _IPTABLES_TABLES and name.isupper()


def _nft_rule(rule: dict[str, Any]) -> NftRule:
    source = protocol = implied = None
    narrow = False
    verdict = "other"
    expressions = sequence(rule.get("expr", []), "expr")
    for expression in expressions:
        kind = next(iter(mapping(expression, "an expression")), "")
        if kind == "match":
            field, value = _nft_match(mapping(expression["match"], "match"))
            implied = implied or _implied(mapping(expression["match"], "match").get("left"))
            if field == "saddr" and isinstance(value, str):
                source = value
            elif field == "protocol" and isinstance(value, str | int) and not str(value).startswith("@"):
                protocol = protocol_name(str(value))
            else:
                implied = implied or (_one_of(value) if field == "protocol" else None)
                narrow = True
        elif kind in {"accept", "drop", "reject"}:
            verdict = kind
        elif kind in {"jump", "goto", "vmap", "queue"}:
            verdict = "jump"
            implied = implied or (_implied(expression[kind].get("key")) if kind == "vmap" else None)
        elif kind not in {"counter", "log", "comment"}:
            narrow = True
    return NftRule(
        text=json.dumps(expressions, separators=(",", ":")),
        verdict=verdict,
        source=source,
        protocol=protocol or implied,
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
    protocol = optional_word(payload, "protocol")
    if protocol in {"ip", "ip6"} and field in {"saddr", "protocol"}:
        return field, right
    if protocol == "ip6" and field == "nexthdr":
        return "protocol", right
    if meta.get("key") == "l4proto":
        return "protocol", right
    return None, None


def _implied(left: object, depth: int = 0) -> str | None:
    """The protocol that packets must be of for this expression to look into its header; None where any will do."""
    if depth > _DEEPEST:
        raise Garbled("an expression of nftables that is nested too deep")
    if isinstance(left, list):
        return next((found for each in left if (found := _implied(each, depth + 1)) is not None), None)
    if not isinstance(left, dict):
        return None
    for kind, inner in left.items():
        if kind in _PARTS_OF:
            return _PARTS_OF[kind]
        named = inner.get("protocol") if kind == "payload" and isinstance(inner, dict) else None
        if isinstance(named, str) and named in _TRANSPORTS:
            return named
        if kind in {"concat", "&", "|", "^", "<<", ">>"} and (found := _implied(inner, depth + 1)) is not None:
            return found
    return None


def _one_of(value: object) -> str | None:
    """Protocols of an anonymous set, when VRRP and AH are surely none of them."""
    members = value.get("set") if isinstance(value, dict) else None
    if not isinstance(members, list) or not all(isinstance(each, str | int) for each in members):
        return None
    names = [protocol_name(str(each)) for each in members]
    return None if {"vrrp", "ah"} & set(names) else ",".join(names) or None
