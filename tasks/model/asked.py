"""One command that hosts are asked, as those who grant privileges need to know it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`command` stands in the evidence so. `helper`: of templates/helpers, as in `Command`."""

    command: str
    root: bool
    when: str
    helper: str | None
    hosts: tuple[str, ...] = ()
