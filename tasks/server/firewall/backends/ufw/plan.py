"""ufw: a rule an opening, in front of all others, by ufw itself; a marked block in before.rules where it can't."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tasks.change.files import beside, diff_of, lines, put_back, replace_by_new, sudo, write_like
from tasks.change.undo import BOOTED
from tasks.model.address import IPV6
from tasks.model.cluster import Cluster, Opening
from tasks.model.plan import Step
from tasks.server.firewall.apply import opening_summary, tables_guard
from tasks.server.firewall.backend import Guard, Planner
from tasks.server.firewall.backends.ufw.judge import is_open
from tasks.server.firewall.backends.ufw.model import (
    BEFORE,
    DIRECTORY,
    UFW_BEGIN,
    UFW_END,
    Ufw,
    UfwRule,
    ufw_block,
    ufw_rule,
)
from tasks.server.firewall.model import COMMENT
from tasks.server.firewall.peers import stray_rules

_USER_FILES = {4: f"{DIRECTORY}/user.rules", 6: f"{DIRECTORY}/user6.rules"}
_REQUIRED_END = "# End required lines\n"
"""A line of ufw's own: what stands before it makes the chains."""


def _steps(firewall: Ufw, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """Steps, or none. ufw makes runtime and file the same by itself."""
    if not firewall.knows_vrrp:
        return (*_by_ufw(firewall, ()), *_before_rules(firewall, openings))
    # What a block opens does not count: where there is one from an older ufw, it goes.
    of_its_own = tuple(rule for rule in firewall.rules if "-before-input" not in rule.text)
    return (*_by_ufw(replace(firewall, rules=of_its_own), openings), *_before_rules(firewall, ()))


def _by_ufw(firewall: Ufw, openings: Sequence[Opening]) -> tuple[Step, ...]:
    missing = [
        each for each in openings if not (is_open(firewall, each, saved=True) and is_open(firewall, each, saved=False))
    ]
    # ufw leaves a rule that it has where it is, even when asked to insert it first: such a one is deleted before.
    moved = [each for each in missing if _of_ufw(firewall, each) is not None and _block(firewall, each)]
    # Those in before.rules are that block's to mend.
    stray = [rule for rule in stray_rules(firewall.rules, frozenset(openings)) if rule.text.startswith("### tuple")]
    if not missing and not stray:
        return ()
    adding = [("ufw", "prepend", "allow", *ufw_rule(each), "comment", COMMENT) for each in reversed(missing)]
    going = [*moved, *map(_opening, stray)]
    removing = [("ufw", "delete", "allow", *ufw_rule(each)) for each in going]
    # One that was moved stays where it works; the guard puts back the order of a change that failed.
    back = [("ufw", "delete", "allow", *ufw_rule(each)) for each in missing if each not in moved]
    back += [("ufw", "prepend", "allow", *ufw_rule(_opening(rule)), "comment", COMMENT) for rule in reversed(stray)]
    versions = {each.address.version for each in missing} | {rule.address.version for rule in stray}
    files = [_USER_FILES[version] for version in sorted(versions)]
    return (
        Step(
            topic="firewall",
            summary=opening_summary("ufw", missing),
            diff="\n".join(
                [f"-{' '.join(argv[2:])}" for argv in removing] + [f"+{' '.join(argv[2:])}" for argv in adding]
            ),
            commands=tuple(sudo(f"ufw {index}", *argv) for index, argv in enumerate([*removing, *adding])),
            keeps=tuple(files),
            undo=(*lines(*back), *(put_back(path) for path in files), f"! {BOOTED} || {{ {_reloading(files)}; }}"),
        ),
    )


def _reloading(paths: Sequence[str]) -> str:
    """Line of an undo that loads these files. While one is not restored it would load what the change left there."""
    return " && ".join((*map(put_back, paths), "ufw reload"))


def _refusal(firewall: Ufw, _: Sequence[Cluster], openings: Sequence[Opening]) -> str | None:
    """What stands in front of a rule and can't be overtaken by moving a rule of ours; None: nothing does."""
    for each in openings:
        text = _block(firewall, each)
        theirs = _of_ufw(firewall, each)
        if not text or (not firewall.knows_vrrp and "-before-input" in text and _before_rules(firewall, openings)):
            continue
        if not re.match(r"-A ufw6?-user-", text):
            return (
                f"ufw: {text!r} precedes every rule that ufw can be given, and would drop protocol 112 from "
                f"{each.address}; take it out, or accept protocol 112 from {each.address} in front of it"
            )
        if theirs is not None and not theirs.ours:
            return (
                f"ufw: {text!r} stands in front of a rule that allows protocol 112 from {each.address} and is not "
                f"ours to move; ufw delete allow {' '.join(ufw_rule(each))}, and apply puts one of ours in front"
            )
    return None


def _block(firewall: Ufw, opening: Opening) -> str:
    """The rule that could close in front of the one for this peer, now or after a boot; empty: there is none."""
    return next((rule.behind for rule in firewall.rules if rule.behind and rule.is_for(opening)), "")


def _of_ufw(firewall: Ufw, opening: Opening) -> UfwRule | None:
    """The rule for this peer that ufw has in its own file."""
    return next((rule for rule in firewall.rules if rule.text.startswith("### tuple") and rule.is_for(opening)), None)


def _opening(rule: UfwRule) -> Opening:
    return Opening(address=rule.address, protocol="ah" if rule.protocol == "ah" else "vrrp")


def _before_rules(firewall: Ufw, openings: Sequence[Opening]) -> tuple[Step, ...]:
    """For ufw before 0.36.2, which knows no protocol vrrp, and after it, when the block is needed no more."""
    commands, keeps, diffs = [], [], []
    for (version, path), before in zip(BEFORE.items(), (firewall.before, firewall.before6), strict=True):
        if before is None or (after := with_block(before, ufw_block(openings, version))) == before:
            continue
        program = "ip6tables-restore" if version == IPV6 else "iptables-restore"
        commands += [*write_like(path, after), sudo(f"validate {path}", program, "--test", beside(path))]
        commands.append(replace_by_new(path))
        keeps.append(path)
        diffs.append(diff_of(path, before, after))
    if not keeps:
        return ()
    return (
        Step(
            topic="firewall",
            summary=opening_summary("ufw", list(openings)) + f", in {' and '.join(keeps)}",
            diff="\n".join(diffs),
            commands=(*commands, sudo("ufw reload", "ufw", "reload")),
            keeps=(*keeps, *_USER_FILES.values()),
            # A reload writes ufw's own files again, so those come back behind it.
            undo=(*(put_back(path) for path in keeps), _reloading(keeps), *map(put_back, _USER_FILES.values())),
        ),
    )


def with_block(text: str, block: str) -> str:
    """The file with our block in the place of the one that is there, behind ufw's own first lines; "" removes it."""
    head, mark, rest = text.partition(f"{UFW_BEGIN}\n")
    _, end, tail = rest.partition(f"{UFW_END}\n")
    if mark and end:
        # Where somebody wrote something in front of it, it goes in front again.
        text = head + tail
    if not block:
        return text
    if _REQUIRED_END in text:
        return text.replace(_REQUIRED_END, _REQUIRED_END + block, 1)
    head, commit, tail = text.rpartition("COMMIT\n")
    return head + block + commit + tail


def _again(_: Ufw, paths: Sequence[str]) -> list[str]:
    return [_reloading([path for path in paths if path.startswith(f"{DIRECTORY}/")])]


def _guard(_: Ufw, directory: str) -> Guard:
    """A policy is a difference, and so is the order; after a boot its own files are the truth."""
    essence = "sed -e '/^#/d' -e 's/\\[[0-9]*:[0-9]*\\]//'"
    return tables_guard(directory, essence, after_boot="true")


PLANNER: Planner[Ufw] = Planner(steps=_steps, refusal=_refusal, guard=_guard, again=_again)
