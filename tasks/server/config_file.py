"""A file of the server's with its owner and mode, or that there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tasks.model.answer import Answer, Command, Reply
from tasks.model.mask import masked
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import ConfigFile
from tasks.observe.question import Question
from tasks.observe.readings import Garbled, seconds, shortened

_MODE = re.compile(r"[0-7]{1,6}\Z")


@dataclass(frozen=True, slots=True)
class FileQuestion:
    """What is asked for a file. `keys` are those of its attributes and of its text."""

    path: str
    keys: tuple[str, str]
    sudo: bool = False

    @property
    def commands(self) -> tuple[Command, Command]:
        """As Question."""
        argvs = (("stat", "-L", "-c", "%U %G %a %Y", self.path), ("cat", self.path))
        stat, text = (Command(key=key, argv=argv, sudo=self.sudo) for key, argv in zip(self.keys, argvs, strict=True))
        return stat, text

    def read(self, reply: Reply) -> Reading[ConfigFile]:
        """Both answers as one. Passwords are masked in the raw text, not in the value."""
        stat, text = self.commands
        facts, content = Question(stat, _stat).read(reply), Question(text, str).read(reply)
        source = content.source
        if source is not None and _absent(source) and facts.source is not None and _absent(facts.source):
            nothing = ConfigFile(text=None, owner=None, group=None, mode=None, modified_at=None)
            return Read(value=nothing, source=source)
        shown = source and replace(source, stdout=masked(source.stdout))
        if isinstance(facts, Unread):
            return replace(facts, source=shown)
        if isinstance(content, Unread):
            return replace(content, source=shown)
        return Read(value=replace(facts.value, text=content.value), source=shown or content.source)


def _absent(answer: Answer) -> bool:
    return answer.status == 1 and "No such file" in answer.stderr


def _stat(text: str) -> ConfigFile:
    owner, group, mode, modified = text.split(maxsplit=3)
    if not _MODE.match(mode):
        raise Garbled(f"not the mode of a file: {shortened(mode)!r}")
    return ConfigFile(text=None, owner=owner, group=group, mode=int(mode, 8), modified_at=seconds(modified.strip()))
