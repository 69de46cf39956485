"""iptables, either backend: one rule an opening, in front of what closes, at runtime and in the saved file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from tasks.change.files import beside, diff_of, lines, put_back, replace_by_new, sudo, write_like
from tasks.change.undo import BOOTED
from tasks.model.cluster import Opening
from tasks.model.plan import Step
from tasks.observe.readings import Garbled
from tasks.server.firewall.apply import opening_summary, tables_guard, unsaved
from tasks.server.firewall.backend import Guard, Planner
from tasks.server.firewall.backends.iptables.model import Iptables
from tasks.server.firewall.chains import missing, stray_indexes, to_change
from tasks.server.firewall.model import COMMENT, InputChain
from tasks.server.firewall.xtables.rules import inserts, numbered_rules, parse_iptables, rule_words

_PROGRAMS = {"ip": "iptables", "ip6": "ip6tables"}
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


def iptables_rule(opening: Opening) -> tuple[str, ...]:
    """The rule's words behind `-A INPUT`, as `iptables -S` and iptables-save print them."""
    source = f"{opening.address}/{opening.address.max_prefixlen}"
    return ("-s", source, "-p", opening.protocol, "-m", "comment", "--comment", COMMENT, "-j", "ACCEPT")


def _steps(firewall: Iptables, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """Steps for both families, IPv4 first."""
    now = [_now(chain, openings) for chain in to_change(firewall.chains, openings)]
    files = (("ip", firewall.path, firewall.persistent), ("ip6", firewall.path6, firewall.persistent6))
    saved = [step for family, path, text in files for step in _saved(firewall, family, path, text, openings)]
    return (*now, *saved)


def _now(chain: InputChain, openings: Sequence[Opening]) -> Step:
    program = _PROGRAMS[chain.family]
    stray = stray_indexes(chain, frozenset(chain.of(openings)))
    fresh = missing(chain, openings)
    staying = tuple(rule for index, rule in enumerate(chain.rules) if index not in stray)
    block = replace(chain, rules=staying).first_block
    position = (block if block is not None else len(staying)) + 1
    # By number, the last one first: the words of a rule would name the first that reads like it.
    remove = [(program, "-w", "-D", "INPUT", str(index + 1)) for index in reversed(stray)]
    insert = [(program, "-w", "-I", "INPUT", str(position), *iptables_rule(each)) for each in fresh]
    back = [_take_out(program, each) for each in fresh]
    again = lines(
        *((program, "-w", "-I", "INPUT", str(index + 1), *rule_words(chain.rules[index].text)) for index in stray)
    )
    # A boot has counted the rules again, and the guard sees to it.
    back += [f"{BOOTED} || {line}" for line in again]
    added = [f"+-I INPUT {position} {' '.join(iptables_rule(each))}" for each in fresh]
    return Step(
        topic="firewall",
        summary=opening_summary(program, fresh),
        diff="\n".join([*(f"-{chain.rules[index].text}" for index in stray), *added]),
        commands=tuple(sudo(f"{program} {i}", *argv) for i, argv in enumerate([*remove, *insert])),
        undo=tuple(back),
    )


def _take_out(program: str, opening: Opening) -> str:
    """Shell line that deletes the rule; where it is not (any more, after a boot), there is nothing to do."""
    rule = ("INPUT", *iptables_rule(opening))
    there = shlex.join((program, "-w", "-C", *rule))
    return f"! {there} 2>/dev/null || {shlex.join((program, '-w', '-D', *rule))}"


def _saved(
    firewall: Iptables, family: str, path: str, before: str | None, openings: Sequence[Opening]
) -> tuple[Step, ...]:
    if before is None:
        return ()
    after = edited_rules(before, [chain for chain in firewall.saved if chain.family == family], openings)
    if after == before:
        return ()
    return (
        Step(
            topic="firewall",
            summary=f"{path}: the same after a boot",
            diff=diff_of(path, before, after),
            commands=(
                *write_like(path, after),
                sudo(f"validate {path}", f"{_PROGRAMS[family]}-restore", "--test", beside(path)),
                replace_by_new(path),
            ),
            keeps=(path,),
            undo=(put_back(path),),
        ),
    )


def edited_rules(text: str, saved: Sequence[InputChain], openings: Sequence[Opening]) -> str:
    """An iptables-save text with our rules in front of the first INPUT rule that closes; every other line as it was."""
    chains = [chain for chain in saved if chain.closes]
    if not chains:
        return text
    lines_of = text.splitlines(keepends=True)
    numbered = numbered_rules(text)
    stray = {numbered[index][0] for index in stray_indexes(chains[0], frozenset(chains[0].of(openings)))}
    kept = "".join(line for index, line in enumerate(lines_of) if index not in stray)
    if inserts(text) and _foreign(kept) != _foreign(text):
        kept = text  # The places that others wrote down count on our line: one for nobody does less harm.
    return _with_missing(kept, chains[0].family, openings)


def _with_missing(text: str, family: str, openings: Sequence[Opening]) -> str:
    """A line for each opening that is missing, where it comes before all that closes."""
    (chain,) = parse_iptables(text, family)
    block = chain.first_block
    verb, numbered = "-A INPUT", numbered_rules(text)
    if block is not None and inserts(text):
        # Where lines don't stand in the order of their rules, ours comes last and names its place.
        verb, block = f"-I INPUT {block + 1}", None
    fresh = [f"{verb} {' '.join(iptables_rule(each))}\n" for each in missing(chain, openings)]
    result = text.splitlines(keepends=True)
    at = _commit(result) if block is None else numbered[block][0]
    return text if at is None else "".join([*result[:at], *fresh, *result[at:]])


def _commit(all_lines: Sequence[str]) -> int | None:
    """Index of the line that ends the filter table."""
    table = ""
    for index, line in enumerate(all_lines):
        table = line.strip() if line.startswith("*") else table
        if table == "*filter" and line.strip() == "COMMIT":
            return index
    return None


def _foreign(text: str) -> list[str] | None:
    """Rules of others in their order; None when the text makes no sense."""
    try:
        return [rule.text for _, rule in numbered_rules(text) if not rule.ours]
    except Garbled:
        return None


def _guard(_: Iptables, directory: str) -> Guard:
    """Rules managed by vipbook have to be the same again; counters and remarks with the time are no difference."""
    return tables_guard(directory, f"grep -E -e '--comment {COMMENT}( |$)'", _AFTER_BOOT)


def _notes(firewall: Iptables) -> list[str]:
    return [] if firewall.persistent is not None else [unsaved(firewall.path)]


PLANNER: Planner[Iptables] = Planner(steps=_steps, notes=_notes, guard=_guard)
