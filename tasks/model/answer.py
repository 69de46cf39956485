"""What is asked of a host, and what came back, untouched."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One question or step: an argv, or a shell fragment that the product itself holds as a constant.

    `feed` goes to the command's standard input and never into its arguments, so that a secret shows in no process
    list. `title` is what reports name it by.
    """

    key: str
    argv: tuple[str, ...]
    sudo: bool = False
    feed: bytes | None = field(default=None, repr=False)
    fragment: str | None = None
    helper: str | None = None
    """The script of templates/helpers that runs it as root where it is installed, with what belongs to it."""
    exact: bool = False
    """Its stdout may be written back: a byte that is no UTF-8 stays, as a surrogate (PEP 383), and is no `\ufffd`."""

    @property
    def title(self) -> str:
        """The command as an operator would type it."""
        words = " ".join(f"'{word}'" if " " in word else word for word in self.argv)
        return f"sudo {words}" if self.sudo else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one command said on one host. `status` is its exit status; `at` is UTC on the machine that asked."""

    host: str
    command: str
    status: int
    stdout: str
    stderr: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All answers of one round trip to one host, by the key of their command."""

    host: str
    by_key: dict[str, Answer]
    clock_offset_s: float
    """Clock of the host minus clock of the machine that asked, in seconds, as good as half a round trip."""

    def __getitem__(self, key: str) -> Answer:
        return self.by_key[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """The host could not be asked. Never the same as an answer that holds nothing."""

    host: str
    reason: str
    at: datetime
    refused: bool = False
    """It refused the login: asking again at once does no good."""


Reply = Answers | NoAnswer
