"""What runs in the firewall is kept before a change, and put back whole should the undo not have made it the same.

The undo takes out exactly what a change put in, so that whatever others did meanwhile (fail2ban's bans, say) stays.
Where a change is nothing but rules managed by vipbook, one by one, it is taken back when those are what they were:
what else differs is of others. Where a program loads all of its rules again, that may go wrong in an unforeseen way
(it brings back an older file, and with it closes SSH): there everything has to be as it was.

Where it is not, what ran before is loaded again, once. What others changed in those minutes is lost only then; a
rollback, which may come days later, runs the same script and leaves this out. After a boot it is of no use either:
other programs have filled the firewall since, and all of theirs would be lost. Then vipbook's rules alone are made what
they were, at the head of their chains, or the program loads its files, which were restored.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.change.undo import BOOTED, ROLLBACK
from tasks.model.answer import Command
from tasks.model.cluster import Opening
from tasks.server.firewall.backend import Guard
from tasks.server.firewall.xtables import PROGRAMS


def opening_summary(manager: str, missing: Sequence[Opening]) -> str:
    """What a step does."""
    if missing:
        return f"{manager}: open protocol 112 from " + ", ".join(map(str, missing))
    return f"{manager}: remove rules managed by vipbook that open for no peer"


def unsaved(path: str) -> str:
    """A note, where there is no file to save a rule in."""
    return f"there is no {path}: the rule holds until the next boot only"


def keep(ask: str, path: str, *, key: str, argv: tuple[str, ...]) -> Command:
    """Keep what `ask` prints."""
    fragment = f"vipbook_rules=$({ask}) && printf '%s\\n' \"$vipbook_rules\" | sudo -n dd of={path} status=none"
    return Command(key=f"keep running {key}", argv=argv, sudo=True, fragment=fragment)


def compare(ask: str, name: str, essence: str, *, restore: str, after_boot: str) -> str:
    """Line that restores unless `essence`, a filter, makes the same of what runs and of what was kept by this name.

    A program without this reports nothing. `after_boot` is done instead after one.
    """
    now = f'vipbook_now=$({ask}) && [ -n "$vipbook_now" ]'
    same = f'{{ {now} && [ "$(printf \'%s\\n\' "$vipbook_now" | {essence})" = "$({essence} {name})" ]; }}'
    return f"{ROLLBACK} || [ ! -e {name} ] || if {BOOTED}; then {after_boot}; else {same} || {restore}; fi"


def tables_guard(directory: str, essence: str, after_boot: str) -> Guard:
    """All tables of iptables, in both families; PROGRAM and NAME in `after_boot` are those of each."""
    names = {program: f"running.v{version}" for version, program in PROGRAMS.items()}
    return Guard(
        keeping=tuple(
            keep(f"sudo -n {program}-save", f"{directory}/{name}", key=program, argv=(f"{program}-save",))
            for program, name in names.items()
        ),
        undo=tuple(
            compare(
                f"{program}-save",
                name,
                essence,
                restore=f"{program}-restore -w < {name}",
                after_boot=after_boot.replace("PROGRAM", program).replace("NAME", name),
            )
            for program, name in names.items()
        ),
    )
