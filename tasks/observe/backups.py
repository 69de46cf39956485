"""What a server keeps of the changes before. Light to import: servers are asked with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tasks.model.answer import Command
from tasks.observe.readings import Garbled, shortened

_ROOT = "/var/lib/vipbook/backups"
CONFIG = "etc%keepalived%keepalived.conf"
"""The name that a kept keepalived.conf has there."""
# The last one alone is read: it is what a rollback goes back to. One that ran already has a directory `ran`.
_FRAGMENT = f"""
vipbook_names=$(sudo -n ls -1 {_ROOT} 2>/dev/null | sort)
printf '%s\\n' "$vipbook_names"
vipbook_last=$(printf '%s\\n' "$vipbook_names" | tail -n 1)
if [ -n "$vipbook_last" ]; then
    printf '\\n== files\\n'
    sudo -n cat "{_ROOT}/$vipbook_last/files" || exit 1
    if sudo -n test -e "{_ROOT}/$vipbook_last/{CONFIG}"; then
        printf '\\n== config\\n'
        sudo -n cat "{_ROOT}/$vipbook_last/{CONFIG}" || exit 1
    fi
fi
"""
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{6}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """Their names, the oldest first; of the last one the files that it puts back, and its keepalived.conf if any."""

    names: tuple[str, ...]
    files: tuple[str, ...] = ()
    config: str | None = None

    @property
    def last(self) -> str | None:
        """The one that a rollback goes back to."""
        return self.names[-1] if self.names else None


def backup_commands() -> tuple[Command, ...]:
    """The question; it has the key `backups`."""
    return (Command(key="backups", argv=("ls", _ROOT), sudo=True, fragment=_FRAGMENT),)


def parse_backups(text: str) -> Backups:
    """The fragment's answer."""
    head, mark, rest = text.partition("\n== files\n")
    names = tuple(line for line in head.splitlines() if line)
    if any(not _NAME.match(name) for name in names):
        raise Garbled(f"not the name of a backup: {shortened(next(each for each in names if not _NAME.match(each)))}")
    if not names:
        return Backups(names=())
    if not mark:
        raise Garbled("the last backup was not read")
    files, config_mark, config = rest.partition("\n== config\n")
    paths = tuple(line for line in files.splitlines() if line)
    if any(not path.startswith("/") for path in paths):
        raise Garbled(f"not a path: {shortened(next(each for each in paths if not each.startswith('/')))}")
    return Backups(names=names, files=paths, config=config if config_mark else None)
