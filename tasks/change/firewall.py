"""The steps that open VRRP from the peers, and nothing else, at runtime and after a boot."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from tasks.change.files import beside, diff_of, lines, put_back, replace_by_new, sudo, write_like, write_new
from tasks.judge.firewall_rules import closes, first_block, is_open, stray_indexes, strays
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.model.server import Firewall, InputChain
from tasks.observe.firewall import is_input_rule
from tasks.observe.questions import IPTABLES_FILE, NFTABLES_FILE, NFTABLES_SNIPPET
from tasks.render.firewall import COMMENT, NFT_INCLUDE, iptables_rule, nft_inserts, nft_snippet


def plan_firewall(firewall: Firewall, peers: Sequence[IPv4Address]) -> tuple[Step, ...]:
    """Steps for the firewall in charge; none when nothing on the input hook can keep VRRP out."""
    closing = [chain for chain in firewall.chains if closes(chain)]
    if firewall.manager == "iptables":
        return tuple(_iptables_now(chain, peers) for chain in closing if _differs(chain, peers)) + _iptables_saved(
            firewall, peers
        )
    if firewall.manager == "nftables":
        return tuple(_nft_now(chain, peers) for chain in closing if _differs(chain, peers)) + _nft_saved(
            firewall, closing, peers
        )
    return ()


def notes_on(firewall: Firewall) -> tuple[str, ...]:
    """What an operator should know of this firewall before the change."""
    if firewall.manager in {"iptables", "nftables"} and firewall.persistent is None:
        path = IPTABLES_FILE if firewall.manager == "iptables" else NFTABLES_FILE
        return (f"there is no {path}: the rule holds until the next boot only",)
    return ()


def _differs(chain: InputChain, peers: Sequence[IPv4Address]) -> bool:
    return bool(strays(chain, frozenset(peers))) or not all(is_open(chain, peer) for peer in peers)


def _iptables_now(chain: InputChain, peers: Sequence[IPv4Address]) -> Step:
    stray = stray_indexes(chain, frozenset(peers))
    missing = [peer for peer in peers if not is_open(chain, peer)]
    staying = tuple(rule for index, rule in enumerate(chain.rules) if index not in stray)
    block = first_block(replace(chain, rules=staying))
    position = (block if block is not None else len(staying)) + 1
    # By number, the last one first: the words of a rule would name the first that reads like it.
    remove = [("iptables", "-w", "-D", "INPUT", str(index + 1)) for index in reversed(stray)]
    insert = [("iptables", "-w", "-I", "INPUT", str(position), *iptables_rule(peer)) for peer in missing]
    back = [("iptables", "-w", "-D", "INPUT", *iptables_rule(peer)) for peer in missing]
    back += [("iptables", "-w", "-I", "INPUT", str(index + 1), *_words(chain.rules[index].text)) for index in stray]
    added = [f"+-I INPUT {position} {' '.join(iptables_rule(peer))}" for peer in missing]
    return Step(
        topic="firewall",
        summary=_summary("iptables", missing),
        diff="\n".join([*(f"-{chain.rules[index].text}" for index in stray), *added]),
        commands=tuple(sudo(f"iptables {i}", *argv) for i, argv in enumerate([*remove, *insert])),
        undo=lines(*back),
    )


def _summary(manager: str, missing: Sequence[IPv4Address]) -> str:
    if missing:
        return f"{manager}: open protocol 112 from " + ", ".join(map(str, missing))
    return f"{manager}: remove rules of ours that open for nobody"


def _words(text: str) -> list[str]:
    """The rule's own words behind `-A INPUT`, as iptables itself printed them."""
    return shlex.split(text)[2:]


def _iptables_saved(firewall: Firewall, peers: Sequence[IPv4Address]) -> tuple[Step, ...]:
    before = firewall.persistent
    if before is None:
        return ()
    after = edited_rules(before, firewall.saved, peers)
    if after == before:
        return ()
    return (
        Step(
            topic="firewall",
            summary=f"{IPTABLES_FILE}: the same after a boot",
            diff=diff_of(IPTABLES_FILE, before, after),
            commands=(
                *write_like(IPTABLES_FILE, after),
                sudo(f"validate {IPTABLES_FILE}", "iptables-restore", "--test", beside(IPTABLES_FILE)),
                replace_by_new(IPTABLES_FILE),
            ),
            keeps=(IPTABLES_FILE,),
            undo=(put_back(IPTABLES_FILE),),
        ),
    )


def edited_rules(text: str, saved: Sequence[InputChain], peers: Sequence[IPv4Address]) -> str:
    """An iptables-save text with our rules in front of the first INPUT rule that closes; every other line as it was."""
    chains = [chain for chain in saved if closes(chain)]
    if not chains:
        return text
    chain = chains[0]
    stray = stray_indexes(chain, frozenset(peers))
    missing = [peer for peer in peers if not is_open(chain, peer)]
    block = first_block(chain)
    fresh = [f"-A INPUT {' '.join(iptables_rule(peer))}\n" for peer in missing]
    result: list[str] = []
    table, index = "", 0
    for line in text.splitlines(keepends=True):
        table = line.strip() if line.startswith("*") else table
        rule = table == "*filter" and is_input_rule(line)
        if (rule and index == block) or (block is None and fresh and table == "*filter" and line.strip() == "COMMIT"):
            result += fresh
            fresh = []
        if not (rule and index in stray):
            result.append(line)
        index += rule
    return "".join(result)


def _nft_now(chain: InputChain, peers: Sequence[IPv4Address]) -> Step:
    stray = strays(chain, frozenset(peers))
    missing = [peer for peer in peers if not is_open(chain, peer)]
    place = f"{chain.family} {chain.table} {chain.name}"
    remove = [("nft", f"delete rule {place} handle {rule.handle}") for rule in stray]
    inserts = nft_inserts([chain], missing)
    back = [_nft_remove(place, peer) for peer in missing]
    back += [_nft_again(chain, index) for index in reversed(stray_indexes(chain, frozenset(peers)))]
    return Step(
        topic="firewall",
        summary=_summary("nftables", missing),
        diff="\n".join([f"-{place}: {rule.text}" for rule in stray] + [f"+{line}" for line in inserts]),
        commands=tuple(
            sudo(f"nft {place} {i}", *argv) for i, argv in enumerate([*remove, *(("nft", line) for line in inserts)])
        ),
        undo=tuple(back),
    )


def _nft_remove(place: str, peer: IPv4Address) -> str:
    """Shell line that deletes the rule by the handle that the kernel gave it, which nobody knows beforehand."""
    pattern = rf"s/.*ip saddr {str(peer).replace('.', '[.]')} ip protocol \(vrrp\|112\) accept comment \"{COMMENT}\" "
    pattern += r"# handle \([0-9]*\)$/\2/p"
    return (
        f"nft -a list chain {place} | sed -n '{pattern}' | "
        f'while read -r handle; do nft delete rule {place} handle "$handle" || exit 1; done'
    )


def _nft_again(chain: InputChain, index: int) -> str:
    """Shell line that puts a rule back in front of the one that followed it; from the last to the first."""
    rule = chain.rules[index]
    fresh: dict[str, Any] = {"family": chain.family, "table": chain.table, "chain": chain.name, "comment": COMMENT}
    fresh["expr"] = json.loads(rule.text)
    stray = {id(each) for each in chain.rules if each.ours}
    following = next((each for each in chain.rules[index + 1 :] if id(each) not in stray), None)
    verb = "add" if following is None else "insert"
    if following is not None:
        fresh["handle"] = following.handle
    order = json.dumps({"nftables": [{verb: {"rule": fresh}}]}, separators=(",", ":"))
    return f"printf %s {shlex.quote(order)} | nft -j -f -"


def _nft_saved(firewall: Firewall, closing: Sequence[InputChain], peers: Sequence[IPv4Address]) -> tuple[Step, ...]:
    conf = firewall.persistent
    if conf is None or not closing:
        return ()
    snippet = nft_snippet(closing, peers)
    included = NFT_INCLUDE in conf.splitlines()
    after = conf if included else f"{conf}{'' if conf.endswith(chr(10)) else chr(10)}{NFT_INCLUDE}\n"
    if firewall.snippet == snippet and included:
        return ()
    commands: list[Command] = [
        *write_new(NFTABLES_SNIPPET, snippet),
        replace_by_new(NFTABLES_SNIPPET),
    ]
    diffs = [diff_of(NFTABLES_SNIPPET, firewall.snippet, snippet)]
    if not included:
        commands += write_like(NFTABLES_FILE, after)
        diffs.append(diff_of(NFTABLES_FILE, conf, after))
    # The check reads the whole file with our part in it, so a chain that the file does not make is found here.
    commands.append(
        sudo("validate nftables.conf", "nft", "-c", "-f", NFTABLES_FILE if included else beside(NFTABLES_FILE))
    )
    if not included:
        commands.append(replace_by_new(NFTABLES_FILE))
    return (
        Step(
            topic="firewall",
            summary=f"{NFTABLES_SNIPPET}: the same after a boot",
            diff="\n".join(each for each in diffs if each),
            commands=tuple(commands),
            keeps=(NFTABLES_FILE,) if firewall.snippet is None else (NFTABLES_FILE, NFTABLES_SNIPPET),
            undo=(put_back(NFTABLES_SNIPPET), put_back(NFTABLES_FILE)),
        ),
    )
