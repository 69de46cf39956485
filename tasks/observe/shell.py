"""Shell functions that questions are made of. POSIX sh, as dash and busybox know it.

None of them hides anything: what a program writes to stdout and stderr goes on to where it would have gone. Every
value that is put into a fragment goes through `shlex.quote`.
"""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

from tasks.model.answer import Command

NOT_ASKED = 120
"""Exit status of a fragment that found no reason to ask, or no program to ask; no shell and no program here uses it."""

_TEXTS = Path(__file__).resolve().parents[2] / "templates" / "questions"


@cache
def shell(name: str, **values: str) -> str:
    """One of templates/questions, without the comment on top, which no host needs, and with each value as @NAME@."""
    text = "\n" + (_TEXTS / f"{name}.sh").read_text(encoding="utf-8").partition("\n\n")[2]
    for word, value in values.items():
        text = text.replace(f"@{word}@", value)
    return text


def which(*programs: str) -> str:
    """A fragment that names those of the programs that are there."""
    return f'for vipbook_program in {shlex.join(programs)}; do command -v "$vipbook_program"; done\ntrue'


def iproute(key: str, *argv: str, run_as: str = "", helper: str | None = None) -> Command:
    """`ip` or `bridge` with JSON where it knows that, and with text where it does not.

    `run_as` is a function that runs it as root, by that helper.
    """
    program, *words = argv
    fragment = f"vipbook_iproute {shlex.join((run_as or program, *words))}"
    return Command(key=key, argv=(program, "-j", *words), sudo=bool(run_as), helper=helper, fragment=fragment)
