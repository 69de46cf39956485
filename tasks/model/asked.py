"""One command that hosts are asked, as whoever has to allow it wants to know it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`command` stands in the evidence so. `script`: of templates/helpers, which runs it and what belongs to it."""

    command: str
    root: bool
    when: str
    script: str | None
    hosts: tuple[str, ...] = ()

    def on(self, *hosts: str) -> Asked:
        """The same, asked of these hosts."""
        return replace(self, hosts=hosts)
