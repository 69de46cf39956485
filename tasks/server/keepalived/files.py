"""What the helper `keepalived-config` prints: what keepalived is told on a server, and by whom."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tasks.model.answer import Command, Reply
from tasks.model.cluster import Cluster
from tasks.model.keepalived import MARK, Declared, KeepalivedConf
from tasks.model.reading import Reading
from tasks.observe.helpers import helper
from tasks.observe.question import Question
from tasks.observe.readings import Garbled, seconds
from tasks.server.keepalived.conf import Budget, read_conf
from tasks.server.questions import CONFIG_PATH, server_commands

_CONFS = 8
"""More configurations than that, each of which a daemon is told by its options, are not read."""
_PROBLEMS = {
    "levels": "{}: included over too many levels",
    "files": "{}: more files than are read",
    "bytes": "{}: larger than is read",
    "unreadable": "{} is not a file that can be read",
    "pattern": "include {}: a variable or a brace in the name is known to keepalived alone",
}
_CONFIG_ID = re.compile(r"^(?:--config-id=|-i)(.+)|^(?:--config-id|-i)\n(.+)", re.MULTILINE)
_FIELDS = {"host": 1, "daemon": 2, "options": 1, "package": 1, "left": 1, "conf": 1, "file": 3, "problem": 2}
"""Words of each record, behind its kind; `include` has two or more."""


@dataclass(slots=True)
class _Told:
    """The records, by kind."""

    host: str = ""
    main: str = ""
    processes: list[str] = field(default_factory=list)
    options: str = ""
    package: str = ""
    left: str = ""
    roots: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    modified: list[float] = field(default_factory=list)
    includes: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def declared_question() -> Question[Declared]:
    """Only what changes a server asks it, since verify needs none of it."""
    return Question(helper("declared", "keepalived-config"), parse_declared)


def change_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """Everything that must be known of a server before it is changed."""
    return (*server_commands(clusters), declared_question().command)


def declared(reply: Reply) -> Reading[Declared]:
    """The answer as a type. The raw text holds passwords: what is shown of it is that it was asked."""
    found = declared_question().read(reply)
    if found.source is None:
        return found
    return replace(found, source=replace(found.source, stdout="(files in base64, not shown)"))


def parse_declared(text: str) -> Declared:
    """All records, up to the last; Garbled when that is missing or one is of no known kind."""
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise Garbled("it does not end as it should")
    told = _Told()
    for line in lines[:-1]:
        kind, *words = line.split(" ")
        if len(words) != _FIELDS.get(kind, len(words)):
            raise Garbled(f"not a record: {kind[:20]}")
        _take(told, kind, words)
    return _declared(told)


def _take(told: _Told, kind: str, words: list[str]) -> None:
    match kind, words:
        case "host" | "options", [coded]:
            setattr(told, kind, _text(coded))
        case "package" | "left", [word]:
            setattr(told, kind, word)
        case "daemon", ["main", coded]:
            told.main = _text(coded)
        case "daemon", ["other", coded]:
            told.processes.append(" ".join(_text(coded).split("\n")).strip())
        case "conf", [coded]:
            told.roots.append(_text(coded))
        case "file", [name, modified, content]:
            told.files[_text(name)] = _bytes(content)
            told.modified.append(seconds(modified))
        case "include", [name, pattern, *matches]:
            told.includes[_text(name), _text(pattern)] = tuple(map(_text, matches))
        case "problem", [word, coded]:
            told.problems.append(_PROBLEMS.get(word, "{}: " + word).format(_text(coded)))
        case _:
            raise Garbled(f"not a record: {kind[:20]}")


def _declared(told: _Told) -> Declared:
    texts = {name: content.decode(errors="replace") for name, content in told.files.items()}
    given = _CONFIG_ID.search(told.main or told.options)
    config_id = next(filter(None, given.groups())) if given else told.host.partition(".")[0]
    roots = sorted(dict.fromkeys(told.roots), key=lambda root: root != CONFIG_PATH)
    if unread := roots[_CONFS:]:
        more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        told.problems.append(f"{unread[0]}{more}: more configurations than are read")
    budget = Budget()
    confs = [_conf(told, texts, root, config_id, budget) for root in roots[:_CONFS]]
    own = told.files.get(CONFIG_PATH)
    return Declared(
        config=next((each for each in confs if each.path == CONFIG_PATH), None),
        marked=own is not None and own.startswith(MARK.encode()),
        untouched=own is not None and hashlib.sha256(own).hexdigest() == told.left,
        example=told.package == "unmodified",
        others=tuple(each for each in confs if each.path != CONFIG_PATH),
        processes=tuple(told.processes),
        modified_at=max(told.modified, default=0.0),
    )


def _conf(told: _Told, texts: dict[str, str], root: str, config_id: str, budget: Budget) -> KeepalivedConf:
    read = read_conf(root, texts, told.includes, config_id, budget)
    # What the server could not read explains what is missing here.
    return replace(read, problems=tuple(dict.fromkeys((*told.problems, *read.problems))))


def _bytes(word: str) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        raise Garbled("not base64 in a record") from None


def _text(word: str) -> str:
    return _bytes(word).decode(errors="replace")
