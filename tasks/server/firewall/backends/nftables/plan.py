"""Native nftables: rules at the head of each closing base chain, and a file of our own that nftables.conf includes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from tasks.change.files import beside, diff_of, put_back, replace_by_new, sudo, write_like, write_new
from tasks.change.undo import BOOTED
from tasks.model.answer import Command
from tasks.model.cluster import Opening
from tasks.model.plan import Step
from tasks.model.server import Firewall, InputChain
from tasks.observe.questions import NFTABLES_SNIPPET
from tasks.render.firewall import COMMENT, NFT_INCLUDE, nft_inserts, nft_snippet, openings_of
from tasks.server.firewall.backends.iptables.plan import opening_summary
from tasks.server.firewall.chains import is_open, made_at_boot, place, stray_indexes, strays, unmade


def plan_nft(firewall: Firewall, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """Steps for the chains that close."""
    closing = [chain for chain in firewall.chains if chain.closes]
    now = [_now(chain, openings) for chain in closing if _differs(chain, openings)]
    # A chain of some program's own (fail2ban's, say) is not there when the file is loaded: a rule for it would keep nft
    # from loading anything.
    lasting = [chain for chain in closing if made_at_boot(firewall, chain)]
    return (*now, *_saved(firewall, lasting, openings))


def _differs(chain: InputChain, openings: Sequence[Opening]) -> bool:
    wanted = openings_of(chain, openings)
    return bool(strays(chain, frozenset(wanted))) or not all(is_open(chain, each) for each in wanted)


def _now(chain: InputChain, openings: Sequence[Opening]) -> Step:
    wanted = openings_of(chain, openings)
    stray = strays(chain, frozenset(wanted))
    missing = [each for each in wanted if not is_open(chain, each)]
    where = place(chain)
    remove = [("nft", f"delete rule {where} handle {rule.handle}") for rule in stray]
    inserts = nft_inserts([chain], missing)
    back = [_nft_remove(where, each) for each in missing]
    back += [_nft_again(chain, index) for index in reversed(stray_indexes(chain, frozenset(wanted)))]
    return Step(
        topic="firewall",
        summary=opening_summary("nftables", missing),
        diff="\n".join([f"-{where}: {rule.text}" for rule in stray] + [f"+{line}" for line in inserts]),
        commands=tuple(
            sudo(f"nft {where} {i}", *argv) for i, argv in enumerate([*remove, *(("nft", line) for line in inserts)])
        ),
        undo=tuple(back),
    )


def _nft_remove(where: str, opening: Opening) -> str:
    """Shell line that deletes the rule by the handle that the kernel gave it, which nobody knows beforehand."""
    source = str(opening.address).replace(".", "[.]")
    protocol = f"\\({opening.protocol}\\|{112 if opening.protocol == 'vrrp' else 51}\\)"
    pattern = rf"s/.*ip6\{{0,1\}} saddr {source} \(ip protocol\|meta l4proto\) {protocol} accept "
    pattern += rf"comment \"{COMMENT}\" # handle \([0-9]*\)$/\3/p"
    return (
        f"nft -a list chain {where} | sed -n '{pattern}' | "
        f'while read -r handle; do nft delete rule {where} handle "$handle" || exit 1; done'
    )


def _nft_again(chain: InputChain, index: int) -> str:
    """Shell line that puts a rule back in front of the one that followed it; from the last to the first."""
    rule = chain.rules[index]
    fresh: dict[str, Any] = {"family": chain.family, "table": chain.table, "chain": chain.name, "comment": COMMENT}
    fresh["expr"] = json.loads(rule.text)
    stray = {id(each) for each in chain.rules if each.ours}
    following = next((each for each in chain.rules[index + 1 :] if id(each) not in stray), None)
    verb = "add" if following is None else "insert"
    there = {} if following is None else {"handle": following.handle}
    again = shlex.quote(json.dumps({"nftables": [{verb: {"rule": {**fresh, **there}}}]}, separators=(",", ":")))
    # A boot has given everything another handle, and the guard sees to it.
    return f"{BOOTED} || printf %s {again} | nft -j -f -"


def _saved(firewall: Firewall, closing: Sequence[InputChain], openings: Sequence[Opening]) -> tuple[Step, ...]:
    conf, path = firewall.persistent, firewall.path
    if conf is None or not (closing or unmade(firewall)):
        return ()
    snippet = nft_snippet(closing, openings)
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
        commands += write_like(path, after)
        diffs.append(diff_of(path, conf, after))
    # The check reads the whole file with our part in it, as if nothing ran: what runs now may hold chains that no file
    # makes, and only in a transaction that begins empty is a rule for one of them found. Interfaces are the real ones.
    trial = f'flush ruleset\ninclude "{path if included else beside(path)}"\n'
    commands.append(sudo("validate nftables.conf", "nft", "-c", "-f", "-", feed=trial.encode()))
    if not included:
        commands.append(replace_by_new(path))
    return (
        Step(
            topic="firewall",
            summary=f"{NFTABLES_SNIPPET}: the same after a boot",
            diff="\n".join(each for each in diffs if each),
            commands=tuple(commands),
            keeps=(path, NFTABLES_SNIPPET),
            undo=(put_back(NFTABLES_SNIPPET), put_back(path)),
        ),
    )
