"""Which firewall is in charge on a server, and its input chains reduced to what decides on VRRP."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from tasks.model.observation import Firewall, FirewallRule, InputChain
from tasks.observe.readings import Garbled
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
        words = shlex.split(line) if line.startswith(("-", ":")) else []
        if words[:2] == ["-P", "INPUT"]:
            policy = words[2].lower()
        elif words[:1] == [":INPUT"]:
            policy = words[1].lower()
        elif words[:2] == ["-A", "INPUT"]:
            rules.append(_iptables_rule(full, words[2:]))
    if policy is None:
        return ()
    return (InputChain(family="ip", table="filter", name="INPUT", policy=policy, rules=tuple(rules)),)


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
    try:
        objects = json.loads(text)["nftables"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        msg = f"not the JSON of `nft -j list ruleset`: {error}"
        raise Garbled(msg) from error
    chains = [entry["chain"] for entry in objects if "chain" in entry]
    rules = [entry["rule"] for entry in objects if "rule" in entry]
    return tuple(
        InputChain(
            family=chain["family"],
            table=chain["table"],
            name=chain["name"],
            policy=chain.get("policy", "accept"),
            rules=tuple(_nft_rule(rule) for rule in rules if _same_chain(rule, chain)),
        )
        for chain in chains
        if chain.get("hook") == "input" and chain["family"] in {"ip", "inet"} and not _of_others(chain)
    )


def _same_chain(rule: dict[str, Any], chain: dict[str, Any]) -> bool:
    return (rule["family"], rule["table"], rule["chain"]) == (chain["family"], chain["table"], chain["name"])


def _of_others(chain: dict[str, Any]) -> bool:
    """Is the chain iptables-nft's or keepalived's own?"""
    if (chain["table"], chain["name"]) in _KEEPALIVEDS:
        return True
    return chain["family"] == "ip" and chain["table"] in _IPTABLES_TABLES and chain["name"].isupper()


def _nft_rule(rule: dict[str, Any]) -> FirewallRule:
    source = protocol = None
    narrow = False
    verdict = "other"
    for expression in rule.get("expr", []):
        kind = next(iter(expression))
        if kind == "match":
            field, value = _nft_match(expression["match"])
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
        text=json.dumps(rule.get("expr", []), separators=(",", ":")),
        verdict=verdict,
        source=source,
        protocol=protocol,
        narrow=narrow,
        ours=rule.get("comment") == COMMENT,
        handle=rule.get("handle"),
    )


def _nft_match(match: dict[str, Any]) -> tuple[str | None, object]:
    """The one field that an equality compares with one value; (None, None) for everything finer."""
    left, right = match["left"], match["right"]
    if match.get("op") != "==" or not isinstance(left, dict):
        return None, None
    payload, meta = left.get("payload", {}), left.get("meta", {})
    if payload.get("protocol") == "ip" and payload.get("field") in {"saddr", "protocol"}:
        return payload["field"], right
    if meta.get("key") == "l4proto":
        return "protocol", right
    return None, None
