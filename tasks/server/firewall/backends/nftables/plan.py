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
from tasks.server.firewall.apply import compare, keep, opening_summary, unsaved
from tasks.server.firewall.backend import Guard, Planner
from tasks.server.firewall.backends.nftables.judge import is_made, passing, unmade
from tasks.server.firewall.backends.nftables.model import (
    NFT_INCLUDE,
    SNIPPET,
    Nftables,
    NftRule,
    nft_inserts,
    nft_snippet,
)
from tasks.server.firewall.chains import closing, missing, stray_indexes, to_change
from tasks.server.firewall.model import COMMENT, FirewallRule, InputChain

_NAME = "running.nft"
# What runs, with handles, comes first; then what was kept. A chain that nothing has made yet gets no rule.
_AFTER_BOOT = f"""{{
    {{ LISTING; }} 2>/dev/null | awk '
        $1 == "table" {{ table = $2 " " $3 }}
        $1 == "chain" {{ chain = table " " $2; if (FILENAME != "running.nft") there[chain] = 1 }}
        /^\t}}/ {{ chain = "" }}
        chain == "" {{ next }}
        /comment "{COMMENT}" # handle [0-9]+$/ {{ print "delete rule " chain " handle " $NF }}
        /comment "{COMMENT}"$/ {{ place[++count] = chain; sub(/^[ \t]+/, ""); text[count] = $0 }}
        END {{ for (; count; count--) if (place[count] in there) print "insert rule " place[count] " " text[count] }}
    ' - running.nft | nft -f -
}}"""


def _steps(firewall: Nftables, openings: Sequence[Opening]) -> tuple[Step, ...]:
    now = [_now(chain, openings) for chain in to_change(firewall.chains, openings)]
    # A chain of some program's own (fail2ban's, say) is not there when the file is loaded: a rule for it would keep nft
    # from loading anything.
    lasting = [chain for chain in closing(firewall.chains) if is_made(firewall, chain)]
    return (*now, *_saved(firewall, lasting, openings))


def _now(chain: InputChain, openings: Sequence[Opening]) -> Step:
    indexes = stray_indexes(chain, frozenset(chain.of(openings)))
    stray = [chain.rules[index] for index in indexes]
    fresh = missing(chain, openings)
    where = chain.place
    remove = [("nft", f"delete rule {where} handle {_handle(rule)}") for rule in stray]
    inserts = nft_inserts([chain], fresh)
    back = [_nft_remove(where, each) for each in fresh]
    back += [_nft_again(chain, index) for index in reversed(indexes)]
    return Step(
        topic="firewall",
        summary=opening_summary("nftables", fresh),
        diff="\n".join([f"-{where}: {rule.text}" for rule in stray] + [f"+{line}" for line in inserts]),
        commands=tuple(
            sudo(f"nft {where} {i}", *argv) for i, argv in enumerate([*remove, *(("nft", line) for line in inserts)])
        ),
        undo=tuple(back),
    )


def _handle(rule: FirewallRule) -> int | None:
    assert isinstance(rule, NftRule)
    return rule.handle


def _nft_remove(where: str, opening: Opening) -> str:
    """Shell line that deletes the rule by the handle that the kernel gave it, which is not known beforehand."""
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
    there = {} if following is None else {"handle": _handle(following)}
    again = shlex.quote(json.dumps({"nftables": [{verb: {"rule": {**fresh, **there}}}]}, separators=(",", ":")))
    # A boot has given everything another handle, and the guard sees to it.
    return f"{BOOTED} || printf %s {again} | nft -j -f -"


def _saved(firewall: Nftables, lasting: Sequence[InputChain], openings: Sequence[Opening]) -> tuple[Step, ...]:
    conf, path = firewall.persistent, firewall.path
    if conf is None or not (lasting or unmade(firewall)):
        return ()
    snippet = nft_snippet(lasting, openings)
    included = NFT_INCLUDE in conf.splitlines()
    after = conf if included else f"{conf}{'' if conf.endswith(chr(10)) else chr(10)}{NFT_INCLUDE}\n"
    if firewall.snippet == snippet and included:
        return ()
    commands: list[Command] = [
        *write_new(SNIPPET, snippet),
        replace_by_new(SNIPPET),
    ]
    diffs = [diff_of(SNIPPET, firewall.snippet, snippet)]
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
            summary=f"{SNIPPET}: the same after a boot",
            diff="\n".join(each for each in diffs if each),
            commands=tuple(commands),
            keeps=(path, SNIPPET),
            undo=(put_back(SNIPPET), put_back(path)),
        ),
    )


def _notes(firewall: Nftables) -> list[str]:
    return [
        *([] if firewall.persistent is not None else [unsaved(firewall.path)]),
        *(
            f"{chain.place} is not made by {firewall.path}: a rule managed by vipbook there holds until its program "
            "makes it again"
            for chain in passing(firewall)
        ),
    ]


def _guard(firewall: Nftables, directory: str) -> Guard:
    """Rules managed by vipbook have to be the same again."""
    tables = tuple(dict.fromkeys(f"{chain.family} {chain.table}" for chain in closing(firewall.chains)))
    # Without counters, sets as they are.
    listing, as_root = (
        " && ".join(f"{program} -s list table {table}" for table in tables) for program in ("nft", "sudo -n nft")
    )
    # A table that is gone can't be deleted: it is made first. The whole is one transaction.
    deletes = "".join(f"add table {table}\\ndelete table {table}\\n" for table in tables)
    with_handles = "; ".join(f"nft -a list table {table}" for table in tables)
    back = compare(
        listing,
        _NAME,
        f"grep -F -e 'comment \"{COMMENT}\"'",
        restore=f"{{ printf '{deletes}'; cat {_NAME}; }} | nft -f -",
        after_boot=_AFTER_BOOT.replace("LISTING", with_handles),
    )
    argv = ("nft", "-s", "list", "table", "…")
    return Guard(keeping=(keep(as_root, f"{directory}/{_NAME}", key="nft", argv=argv),), undo=(back,))


PLANNER: Planner[Nftables] = Planner(steps=_steps, notes=_notes, guard=_guard)
