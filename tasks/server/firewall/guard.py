"""What runs in the firewall is kept before a change, and put back whole should the way back not have made it the same.

The way back takes out exactly what a change put in, so that whatever others did meanwhile (fail2ban's bans, say) stays.
For iptables and native nftables a change is nothing but rules of ours, one by one: when those are what they were, the
change is taken back, and what else differs is of others. ufw reloads, and a reload may go wrong in a way that nobody
foresaw (it brings back an older file, and with it closes SSH): there everything has to be as it was.

Where it is not, what ran before is loaded again, once. What others changed in those minutes is lost only then; a
rollback, which may come days later, runs the same script and leaves this out. After a boot it is of no use either:
other programs have filled the firewall since, and all of theirs would be lost. Then vipbook's rules alone are made what
they were, at the head of their chains, and ufw loads its files, which were restored (`ufw.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.change.undo import BOOTED, ROLLBACK
from tasks.model.answer import Command
from tasks.model.server import Firewall
from tasks.render.firewall import COMMENT

_FAMILIES = {"iptables": "running.v4", "ip6tables": "running.v6"}
# Counters and remarks with the time are no difference; with ufw a policy is, and so is the order.
_ESSENCES = {
    "ufw": "sed -e '/^#/d' -e 's/\\[[0-9]*:[0-9]*\\]//'",
    "iptables": f"grep -E -e '--comment {COMMENT}( |$)'",
    "nftables": f"grep -F -e 'comment \"{COMMENT}\"'",
}
"""What has to be the same again."""
_OURS = f"INPUT .*--comment {COMMENT}( |$)"
# All of it is one transaction.
_AFTER_BOOT = f"""{{
    vipbook_now=$(PROGRAM-save -t filter) && {{
        echo '*filter'
        printf '%s\\n' "$vipbook_now" | sed -n -E '/^-A {_OURS}/s/^-A/-D/p'
        tac NAME | sed -n -E '/^-A {_OURS}/s/^-A/-I/p'
        echo COMMIT
    }} | PROGRAM-restore -w -n
}}"""
# What runs, with handles, comes first; then what was kept. A chain that nothing has made yet gets no rule.
_NFT_AFTER_BOOT = f"""{{
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Commands that keep what runs in the undo directory, and lines that compare with it when all else is back."""

    keeping: tuple[Command, ...] = ()
    undo: tuple[str, ...] = ()


def guard_of(firewall: Firewall, directory: str) -> Guard:
    """For iptables and ufw all tables, for native nftables those that rules of ours go into; firewalld has its own."""
    if firewall.manager in {"iptables", "ufw"}:
        return Guard(
            keeping=tuple(_save(program, f"{directory}/{name}") for program, name in _FAMILIES.items()),
            undo=tuple(_restore(program, name, firewall.manager) for program, name in _FAMILIES.items()),
        )
    if firewall.manager == "nftables":
        tables = tuple(dict.fromkeys((chain.family, chain.table) for chain in firewall.chains if chain.closes))
        return Guard(keeping=(_save_nft(tables, f"{directory}/running.nft"),), undo=(_restore_nft(tables),))
    return Guard()


def _save(program: str, path: str) -> Command:
    fragment = f"vipbook_rules=$(sudo -n {program}-save) && printf '%s\\n' \"$vipbook_rules\" | "
    fragment += f"sudo -n dd of={path} status=none"
    return Command(key=f"keep running {program}", argv=(f"{program}-save",), sudo=True, fragment=fragment)


def _restore(program: str, name: str, manager: str) -> str:
    after_boot = "true" if manager == "ufw" else _AFTER_BOOT.replace("PROGRAM", program).replace("NAME", name)
    same = _same(f"{program}-save", name, _ESSENCES[manager])
    return _unless(name, after_boot, f"{same} || {program}-restore -w < {name}")


def _unless(name: str, after_boot: str, otherwise: str) -> str:
    return f"{ROLLBACK} || [ ! -e {name} ] || if {BOOTED}; then {after_boot}; else {otherwise}; fi"


def _same(ask: str, name: str, essence: str) -> str:
    """Is what runs the same as what was kept? A program that tells nothing says nothing of the kind."""
    now = f'vipbook_now=$({ask}) && [ -n "$vipbook_now" ]'
    return f'{{ {now} && [ "$(printf \'%s\\n\' "$vipbook_now" | {essence})" = "$({essence} {name})" ]; }}'


def _listing(tables: Sequence[tuple[str, str]], program: str) -> str:
    """Without counters, sets as they are."""
    return " && ".join(f"{program} -s list table {family} {table}" for family, table in tables)


def _save_nft(tables: Sequence[tuple[str, str]], path: str) -> Command:
    fragment = f"vipbook_rules=$({_listing(tables, 'sudo -n nft')}) && printf '%s\\n' \"$vipbook_rules\" | "
    fragment += f"sudo -n dd of={path} status=none"
    return Command(key="keep running nft", argv=("nft", "-s", "list", "table", "…"), sudo=True, fragment=fragment)


def _restore_nft(tables: Sequence[tuple[str, str]]) -> str:
    # A table that is gone can't be deleted: it is made first. The whole is one transaction.
    deletes = "".join(f"add table {family} {table}\\ndelete table {family} {table}\\n" for family, table in tables)
    same = _same(_listing(tables, "nft"), "running.nft", _ESSENCES["nftables"])
    listing = "; ".join(f"nft -a list table {family} {table}" for family, table in tables)
    after_boot = _NFT_AFTER_BOOT.replace("LISTING", listing)
    return _unless("running.nft", after_boot, f"{same} || {{ printf '{deletes}'; cat running.nft; }} | nft -f -")
