"""What a server keeps of the changes before. Light to import: servers are asked with it."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from dataclasses import dataclass, field

from tasks.model.answer import Command
from tasks.observe.questions import CONFIG_PATH
from tasks.observe.readings import Garbled, shortened

_ROOT = "/var/lib/vipbook/backups"
LEFT = "left"
"""Name of the file in a backup that lists the checksums of what the change left."""
NONE = "none"
"""In the place of a checksum: there was no file."""
# A backup from before there were checksums still tells when it was finished: what was touched later may be changed.
_LOOK = rf"""
while IFS= read -r path; do
    now=- was=- left=unknown
    if [ -e "$path" ]; then now="=$(base64 -w0 < "$path")" || exit 1; fi
    old="$1/$(printf %s "${{path#/}}" | tr / %)"
    if [ -e "$old" ]; then was="=$(base64 -w0 < "$old")" || exit 1; fi
    if [ -e "$1/{LEFT}" ]; then
        while read -r sum name; do
            if [ "$name" = "$path" ]; then left=$sum; fi
        done < "$1/{LEFT}"
    elif [ "$now" = - ] || [ "$(stat -c %Z "$path")" -le "$(stat -c %Z "$1")" ]; then
        left=same
    fi
    printf "%s %s %s %s\n" "$left" "$now" "$was" "$path"
done < "$1/files"
"""
# The last one alone is read: it is what a rollback goes back to. One that ran already has a directory `ran`.
_FRAGMENT = f"""
vipbook_names=$(sudo -n ls -1 {_ROOT} 2>/dev/null | sort)
printf '%s\\n' "$vipbook_names"
vipbook_last=$(printf '%s\\n' "$vipbook_names" | tail -n 1)
if [ -n "$vipbook_last" ]; then
    printf '\\n== files\\n'
    sudo -n sh -c {shlex.quote(_LOOK)} sh "{_ROOT}/$vipbook_last" || exit 1
fi
"""
NAME = r"[0-9]{8}T[0-9]{6}-[0-9a-f]{6}"
"""Pattern of the name of a backup."""
_NAME = re.compile(rf"{NAME}\Z")
_LINE = re.compile(r"([0-9a-f]{64}|none|same|unknown) (-|=[A-Za-z0-9+/=]*) (-|=[A-Za-z0-9+/=]*) (/.*)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file that a rollback puts back: as it was before the change, as it is now, and as the change left it."""

    path: str
    before: bytes | None = field(repr=False)
    now: bytes | None = field(repr=False)
    left: str
    """Its checksum after the change, or NONE; `same` or `unknown` as far as an older backup tells."""

    @property
    def checksum(self) -> str:
        """Of what stands there now; NONE when nothing does."""
        return NONE if self.now is None else hashlib.sha256(self.now).hexdigest()

    @property
    def touched(self) -> bool:
        """Is it not, or not surely, what the change left there?"""
        return self.left not in {"same", self.checksum}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """Their names, the oldest first, and the files that the last one puts back."""

    names: tuple[str, ...]
    files: tuple[KeptFile, ...] = ()

    @property
    def last(self) -> str | None:
        """The one that a rollback goes back to."""
        return self.names[-1] if self.names else None

    @property
    def brings_config(self) -> bool:
        """Does it put back keepalived.conf, or that there was none?"""
        return any(each.path == CONFIG_PATH for each in self.files)

    @property
    def config(self) -> str | None:
        """The keepalived.conf that comes back, if one does."""
        return next((text_of(each.before) for each in self.files if each.path == CONFIG_PATH), None)


def text_of(content: bytes | None) -> str | None:
    """For people and for comparisons, whatever bytes there are."""
    return None if content is None else content.decode(errors="replace")


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
    return Backups(names=names, files=tuple(_kept(line) for line in rest.split("\n") if line))


def _kept(line: str) -> KeptFile:
    found = _LINE.match(line)
    if found is None:
        # What it holds may be a password.
        raise Garbled("not the line of a file in a backup")
    left, now, before, path = found.groups()
    return KeptFile(path=path, before=_content(before), now=_content(now), left=left)


def _content(word: str) -> bytes | None:
    if word == "-":
        return None
    try:
        return base64.b64decode(word[1:], validate=True)
    except ValueError:
        raise Garbled("not base64 in the line of a file in a backup") from None
