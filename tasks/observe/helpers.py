"""Scripts of vipbook that need root and take no arguments, kept in templates/helpers."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

from tasks.model.answer import Command

_INSTALLED = "/usr/local/libexec/vipbook"
"""Where an administrator may have put them, so that sudo allows them and nothing else."""
_TEXTS = Path(__file__).resolve().parents[2] / "templates" / "helpers"


@cache
def _text(name: str) -> str:
    return (_TEXTS / name).read_text(encoding="utf-8")


def helper(key: str, name: str, *, exact: bool = False) -> Command:
    """The installed helper where there is one, its text where not."""
    path = f"{_INSTALLED}/{name}"
    run = f"if [ -x {path} ]; then sudo -n {path}; else sudo -n sh -c {shlex.quote(_text(name))}; fi"
    return Command(key=key, argv=(path,), sudo=True, fragment=run, exact=exact)
