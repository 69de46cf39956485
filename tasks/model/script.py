"""Many commands in one shell script, and its output apart again: one round trip whatever is asked.

Each command runs with its own standard input and is followed, on stdout and on stderr, by a line that holds a word
nobody can know before (the nonce), the command's key and its exit status. What is between two such lines is that
command's output, byte for byte.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from tasks.model.answer import Answer, Command
from tasks.model.bounds import TIME_MOST
from tasks.model.text import clipped, readable

CLOCK = "clock"
_CLOCK = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?\Z")
_STATUS = re.compile(r"[0-9]{1,3}\Z")
_LINE_MOST = 1024
_WORD_SHOWN = 40
_SECTIONS_MOST = 100_000
"""More than any script has commands."""
_HEADER = "export LC_ALL=C LANG=C PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_PAGER= VTYSH_PAGER=\n"
"""The C locale, because the parsers read English; a full PATH, because /usr/sbin is not in every user's."""


def write_script(commands: Sequence[Command], nonce: str, *, stop_on_failure: bool = False) -> str:
    """The script for `/bin/sh -s`. With `stop_on_failure` nothing runs after the first command that fails."""
    parts = [_HEADER, f"printf '\\n{nonce} %s %s\\n' {CLOCK} \"$(date +%s.%N)\"\n"]
    for command in commands:
        parts.append(f"{{ {_line(command)}\n}} {_feed(command, nonce)}\nvipbook_status=$?\n")
        parts.append(f"printf '\\n{nonce} %s %s\\n' {shlex.quote(command.key)} \"$vipbook_status\"\n")
        parts.append(f"printf '\\n{nonce} %s -\\n' {shlex.quote(command.key)} >&2\n")
        if stop_on_failure:
            parts.append('[ "$vipbook_status" -eq 0 ] || exit 0\n')
    return "".join(parts)


def _line(command: Command) -> str:
    if command.fragment is not None:
        return command.fragment
    words = shlex.join(command.argv)
    line = f"sudo -n {words}" if command.sudo else words
    return line if command.feed is None else f"base64 -d | {line}"


def _feed(command: Command, nonce: str) -> str:
    """Standard input: nothing, or the bytes as base64 in a here-document, which no process list shows."""
    if command.feed is None:
        return "</dev/null"
    encoded = base64.encodebytes(command.feed).decode()
    return f"<<'{nonce}'\n{encoded}{nonce}"


class ClockError(ValueError):
    """The host's clock tells no time; the text says what it told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The output of one command."""

    status: int
    stdout: str
    stderr: str


def split_output(stdout: str, stderr: str, nonce: str) -> tuple[float | None, dict[str, Section]]:
    """The host's clock at the beginning, and a section a command that ended. A command cut short has none.

    ClockError when the clock is none. The first section of a key counts, and one whose status is none does not.
    """
    errors: dict[str, str] = {}
    for key, _, text in islice(_sections(stderr, nonce), _SECTIONS_MOST):
        errors.setdefault(key, text)
    clock: float | None = None
    found: dict[str, Section] = {}
    for key, word, text in islice(_sections(stdout, nonce), _SECTIONS_MOST):
        if key == CLOCK and clock is None:
            clock = _time(word)
        elif key not in found and _STATUS.match(word):
            found[key] = Section(status=int(word), stdout=text, stderr=errors.get(key, ""))
    return clock, found


def _time(word: str) -> float:
    if not _CLOCK.match(word) or float(word) > TIME_MOST:
        raise ClockError(f"its clock tells no time: {clipped(word, _WORD_SHOWN)!r}")
    return float(word)


def _sections(text: str, nonce: str) -> Iterator[tuple[str, str, str]]:
    """Key, closing word and text of each section; the newline that the closing line brought along is not output."""
    mark = f"\n{nonce} "
    begin = 0
    while (end := text.find(mark, begin)) >= 0:
        line = end + len(mark)
        after = text.find("\n", line)
        if after < 0:
            return
        # What is longer than any closing line is none, and is not copied.
        key, _, word = text[line : min(after, line + _LINE_MOST)].rpartition(" ")
        yield key, word, text[begin:end]
        begin = after + 1


def answers_of(host: str, commands: Sequence[Command], sections: dict[str, Section], at: datetime) -> dict[str, Answer]:
    """Typed answers by key; a command that never ended is left out.

    Surrogates stay in the output of an `exact` command alone: nothing that prints or stores text can take them.
    """
    return {
        command.key: Answer(
            host=host,
            command=command.title,
            status=sections[command.key].status,
            stdout=sections[command.key].stdout if command.exact else readable(sections[command.key].stdout),
            stderr=readable(sections[command.key].stderr),
            at=at,
        )
        for command in commands
        if command.key in sections
    }
