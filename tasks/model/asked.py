"""One command that hosts are asked, as those who grant privileges need to know it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`command` stands in the evidence so. `helper`: of templates/helpers, as in `Command`."""

    command: str
    root: bool
    when: str
    helper: str | None
    hosts: tuple[str, ...] = ()

    def on(self, *hosts: str) -> Asked:
        """The same, asked of these hosts."""
        return replace(self, hosts=hosts)
