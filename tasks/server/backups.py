"""What a server keeps of the changes before. Light to import: servers are asked with it."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from dataclasses import dataclass, field

from tasks.model.answer import Command
from tasks.observe.question import Question
from tasks.observe.readings import Garbled, shortened
from tasks.observe.shell import shell
from tasks.server.questions import CONFIG_PATH

_ROOT = "/var/lib/vipbook/backups"
LEFT = "left"
"""Name of the file in a backup that lists the checksums of what the change left."""
NONE = "none"
"""In the place of a checksum: there was no file."""
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


_KEPT_FILES = shlex.quote(shell("kept-files", LEFT=LEFT))
_FRAGMENT = shell("backups", ROOT=_ROOT, KEPT_FILES=_KEPT_FILES)
BACKUPS = Question(Command(key="backups", argv=("ls", _ROOT), sudo=True, fragment=_FRAGMENT), parse_backups)


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
