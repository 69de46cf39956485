"""Lines of iptables as iptables itself reads them: its quotes, its short and long options, its refusals."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.observe.readings import Garbled, shortened

_COUNTERS = re.compile(r"\A\s*\[[0-9]+:[0-9]+\]\s*")
"""What iptables-save -c puts in front of a rule."""
_LONG = {
    "append": "A",
    "insert": "I",
    "delete": "D",
    "check": "C",
    "replace": "R",
    "policy": "P",
    "flush": "F",
    "zero": "Z",
    "new-chain": "N",
    "delete-chain": "X",
    "rename-chain": "E",
    "source": "s",
    "src": "s",
    "destination": "d",
    "dst": "d",
    "protocol": "p",
    "in-interface": "i",
    "out-interface": "o",
    "jump": "j",
    "goto": "g",
    "match": "m",
    "table": "t",
    "fragments": "f",
    "set-counters": "c",
    "ipv4": "4",
    "ipv6": "6",
    "wait": "w",
    "verbose": "v",
    "numeric": "n",
    "exact": "x",
    # Of modules, but text of any kind: nothing in it is an option.
    "comment": "comment",
    "log-prefix": "text",
    "nflog-prefix": "text",
    "string": "text",
    "hex-string": "text",
}
_WITH_VALUE = set("AIDCRPNEsdpiojgmtc") | {"comment", "text"}
_DECIDE = ("append", "insert", "delete", "replace", "flush", "policy", "source", "protocol", "jump", "goto", "match")
_OF_POLICY = {"proto", "pol"}
"""Options of `-m policy`; without it they are short for iptables' own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: its short name (`comment` or `text` for those of modules), "" when it is a module's own."""

    name: str
    value: str = ""
    negated: bool = False
    more: tuple[str, ...] = ()
    """Words behind the value: the number of -I, the policy of -P."""
    written: str = ""
    """The option as it is written, of those of modules."""


def split(line: str) -> list[str]:
    """Words as iptables-restore parts them: double quotes alone quote, and a backslash means something only in them."""
    words: list[str] = []
    word: list[str] = []
    quoted = escaped = False
    for char in line:
        if quoted and not escaped and char == "\\":
            escaped = True
        elif quoted and (escaped or char != '"'):
            word.append(char)
            escaped = False
        elif quoted or (char in " \t\n" and word):
            words.append("".join(word))
            word, quoted = [], False
        elif char == '"':
            quoted = True
        elif char not in " \t\n":
            word.append(char)
    if quoted:
        raise Garbled(f"not a line of iptables: no closing quotation in {shortened(line)!r}")
    return [*words, "".join(word)] if word else words


def spelled(words: list[str], line: str) -> str:
    """The words as `iptables -S` would spell them: iptables' own options are short, and their values stand apart."""
    found: list[str] = []
    for each in options_of(words, line):
        found += ["!"] if each.negated else []
        found.append(each.written or (f"-{each.name}" if len(each.name) == 1 else f"--{each.name}"))
        found += [each.value] if each.name in _WITH_VALUE and "=" not in each.written else []
        found += each.more
    return shlex.join(found)


def without_counters(line: str) -> str:
    """The line without what -c puts in front of it."""
    return _COUNTERS.sub("", line)


def options(line: str) -> list[Option]:
    """The line's options, in order; Garbled when a word of it could mean something else than it is taken for."""
    return options_of(split(without_counters(line)), line)


def options_of(words: list[str], line: str) -> list[Option]:
    """As `options`, of a line that is in words already."""
    policy = any(words[index : index + 2] == ["-m", "policy"] for index in range(len(words)))
    try:
        return list(_options(words, policy=policy))
    except Garbled as error:
        raise Garbled(f"not a line of iptables that is understood: {error} in {shortened(line)!r}") from error


def _options(words: list[str], *, policy: bool) -> Iterator[Option]:
    index, negated = 0, False
    while index < len(words):
        word = words[index]
        index += 1
        if word == "!":
            negated = True
            continue
        name, value = _named(word, policy=policy)
        if name in _WITH_VALUE and value is None:
            if words[index : index + 1] == ["!"]:
                negated, index = True, index + 1
            value = words[index] if index < len(words) else None
            index += 1
            if value is None or (value.startswith("-") and len(name) == 1):
                raise Garbled(f"{word} has no value")
        end = index
        while end < len(words) and not words[end].startswith("-") and words[end] != "!":
            end += 1
        more = tuple(words[index:end])
        if more and name in set("AsdpiojgmtN") | {"comment", "text"}:
            raise Garbled(f"nothing tells what {more[0]!r} is")
        written = "" if name in _LONG.values() and name != "text" else word
        yield Option(name=name, value=value or "", negated=negated, more=more, written=written)
        index, negated = end, False
    if negated:
        raise Garbled("nothing follows '!'")


def _named(word: str, *, policy: bool) -> tuple[str, str | None]:
    """Short name of the option and the value that is written in the same word."""
    if not word.startswith("-") or word in {"-", "--"}:
        raise Garbled(f"nothing tells what {word!r} is")
    if not word.startswith("--"):
        name, rest = word[1], word[2:]
        if name not in _LONG.values() or (rest and name not in _WITH_VALUE):
            raise Garbled(f"{word!r} is no option")
        return name, rest or None
    long, equal, value = word[2:].partition("=")
    if long in _LONG:
        return _LONG[long], value if equal else None
    if any(each.startswith(long) for each in _DECIDE) and not (policy and long in _OF_POLICY):
        raise Garbled(f"{word!r} is abbreviated: write it out")
    return "", None
