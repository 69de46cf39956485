"""One command that hosts are asked, as those who grant privileges need to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`command` as the user of `privilege` types it. `helper`: of templates/helpers, as in `Command`."""

    command: str
    privilege: Literal["root", "user"]
    hosts: tuple[str, ...] = ()
    helper: str | None
    when: str
