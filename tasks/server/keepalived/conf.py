"""keepalived.conf as keepalived's own parser reads it: comments, quotes, definitions, sequences, conditions, includes.

Nothing here asks a server: the files are there already. Time grows with the lines that come out, and those are bounded:
a definition may be used within itself, or a sequence may count to any number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from tasks.model.keepalived import Included, KeepalivedConf, Statement
from tasks.server.keepalived.repeats import repeated_values

LINES = 100_000
"""More than that a configuration is not read: 80 characters are one."""
_LONG = 80
_LINE = 20_000
"""Characters of a line with its definitions put in; keepalived itself takes 1,024."""
_DEPTH = 32
_SIGN = re.compile(r'[!#"\\]')
_TOKEN = re.compile(r'"([^"]*)"|([{}])|([^\s"{}]+)|"')
_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)[ \t]*=[ \t]*(.*)\Z", re.ASCII | re.DOTALL)
_USE = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)
_INCLUDE = re.compile(r"include[rmwba]?[ \t]+(.*)\Z", re.DOTALL)
_CONDITION = re.compile(r"@(\^?)(\S*)(?:[ \t]+(.*))?\Z", re.DOTALL)

Resolved = Mapping[tuple[str, str], tuple[str, ...]]
"""File and pattern of an include: the files that it brings in."""
Place = tuple[str, int]


class _Unclear(Exception):  # noqa: N818 - it names what was found, and ends the reading
    """The configuration can't be told to its end; the text says why."""


@dataclass(slots=True)
class Budget:
    """So many lines may still be read; several configurations may share it."""

    left: int = LINES


def read_conf(
    path: str, files: Mapping[str, str], resolved: Resolved, config_id: str = "", budget: Budget | None = None
) -> KeepalivedConf:
    """The configuration that begins in `path`; `files` are texts by path. Never raises."""
    reader = _Reader(files=files, resolved=resolved, config_id=config_id, budget=budget or Budget())
    problems = reader.problems
    tree = _Tree()
    try:
        for words, place in reader.tokens(path):
            tree.take(words, place)
    except _Unclear as why:
        problems.append(str(why))
    if tree.stack:
        problems.append(f"{path}: a block is not closed: {tree.stack[-1].text()}")
    return KeepalivedConf(
        path=path,
        statements=tree.close_all(),
        includes=tuple(reader.includes),
        problems=tuple(dict.fromkeys(problems)),
        conditional=reader.conditional,
    )


@dataclass(slots=True)
class _Open:
    """A block that is not closed yet."""

    words: tuple[str, ...]
    place: Place
    inner: list[Statement] = field(default_factory=list)

    def text(self) -> str:
        return f"{' '.join(self.words[:2])} (line {self.place[1]} of {self.place[0]})"

    def closed(self) -> Statement:
        return Statement(words=self.words, body=tuple(self.inner), file=self.place[0], line=self.place[1])


@dataclass(slots=True)
class _Tree:
    """Statements in the order in which they come; `{` makes a block of the one before it."""

    top: list[Statement] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    fresh: bool = False
    """Was the last thing a statement, that a brace could belong to?"""

    def take(self, words: tuple[str, ...] | str, place: Place) -> None:
        level = self.stack[-1].inner if self.stack else self.top
        if words == "{":
            if len(self.stack) >= _DEPTH:
                raise _Unclear(f"line {place[1]} of {place[0]}: more than {_DEPTH} blocks within each other")
            head = level.pop() if self.fresh else None
            self.stack.append(_Open(head.words, (head.file, head.line)) if head else _Open((), place))
            self.fresh = False
        elif words == "}":
            if self.stack:  # keepalived goes on behind one too many
                closed = self.stack.pop().closed()
                (self.stack[-1].inner if self.stack else self.top).append(closed)
            self.fresh = False
        elif isinstance(words, tuple):
            level.append(Statement(words=words, file=place[0], line=place[1]))
            self.fresh = True

    def close_all(self) -> tuple[Statement, ...]:
        while self.stack:
            self.take("}", ("", 0))
        return tuple(self.top)


@dataclass(slots=True)
class _Reader:
    files: Mapping[str, str]
    resolved: Resolved
    config_id: str
    budget: Budget
    includes: list[Included] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    defined: dict[str, list[str]] = field(default_factory=dict)
    """Definitions, a line each of those of several lines."""
    conditional: bool = False
    defining: list[str] | None = None
    """The definition that the next line continues."""

    def tokens(self, path: str) -> Iterator[tuple[tuple[str, ...] | str, Place]]:
        """Words of a statement, or a brace."""
        for line, place in self._lines(path):
            words: list[str] = []
            for found in _TOKEN.finditer(line):
                quoted, brace, bare = found.groups()
                if brace:
                    if words:
                        yield tuple(words), place
                    words = []
                    yield brace, place
                elif found[0] == '"':
                    break  # a quote that nothing closes: keepalived leaves the rest of the line out
                else:
                    words.append(bare if bare is not None else quoted)
            if words:
                yield tuple(words), place

    def _lines(self, path: str) -> Iterator[tuple[str, Place]]:
        """Lines with conditions, definitions, sequences and includes done, from an explicit stack of what is left."""
        stack: list[tuple[str, Iterator[tuple[str, int]]]] = [(path, self._file(path))]
        while stack:
            file, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                self.defining = None
                continue
            line, number = following
            self.budget.left -= 1 + len(line) // _LONG
            if self.budget.left < 0:
                raise _Unclear(f"{path}: more than {LINES} lines in all, or a definition that is used within itself")
            found = self._line(line, (file, number))
            if isinstance(found, list):
                # What a definition or a sequence makes comes before the rest of the file.
                stack.append((file, iter([(each, number) for each in found])))
            elif found is not None and (included := _INCLUDE.match(found)):
                below = self._include(included[1], (file, number), [name for name, _ in stack])
                stack += [(each, self._file(each)) for each in reversed(below)]
            elif found:
                yield found, (file, number)

    def _file(self, path: str) -> Iterator[tuple[str, int]]:
        text = self.files.get(path)
        if text is None:
            self.problems.append(f"{path} was not read")
            return iter(())
        return ((_uncommented(line.rstrip("\r")), number) for number, line in enumerate(text.split("\n"), 1))

    def _include(self, pattern: str, place: Place, above: list[str]) -> list[str]:
        files = self.resolved.get((place[0], pattern))
        if files is None:
            self.problems.append(f"include {pattern} (line {place[1]} of {place[0]}) was not read")
            files = ()
        self.includes.append(Included(pattern=pattern, file=place[0], line=place[1], files=files))
        loops = [each for each in files if each in above]
        if loops or len(above) > _DEPTH:
            self.problems.append(f"include {pattern} (line {place[1]} of {place[0]}) leads back to itself")
            return []
        return list(files)

    def _line(self, line: str, place: Place) -> str | list[str] | None:
        """The line as it counts; None when it says nothing, a list of lines that come in its place."""
        if self.defining is not None:
            if line:
                self.defining.append(line.removesuffix("\\").rstrip(" \t"))
            if not line.endswith("\\"):
                self.defining = None
            return None
        while line.startswith("@"):
            self.conditional = True
            found = _CONDITION.match(line)
            if found is None or not found[3] or (found[2] == self.config_id) == bool(found[1]):
                return None
            line = found[3]
        if made := _DEFINITION.match(line):
            self._define(made[1], made[2])
            return None
        if line.startswith(("~SEQ", "~LST")):
            return self._repeated(line, place)
        return self._expanded(line, place) if "$" in line else line

    def _define(self, name: str, value: str) -> None:
        lines = [value.removesuffix("\\").rstrip(" \t")]
        self.defined[name] = lines
        self.defining = lines if value.endswith("\\") else None

    def _expanded(self, line: str, place: Place) -> str | list[str]:
        """The first definition in the line put in; lines that come out of it are looked at again."""
        for found in _USE.finditer(line):
            name = found[1] or found[2]
            if name in {"_HASH", "_BANG"} and name not in self.defined:
                continue  # a sign that is no comment: it stays
            lines = self.defined.get(name)
            if lines is None:
                if not name.startswith("_"):
                    continue
                self.problems.append(f"${name} (line {place[1]} of {place[0]}) is known to keepalived alone")
                continue
            first, *rest = [each for each in lines if each] or [""]
            whole = f"{line[: found.start()]}{first}{line[found.end() :]}"
            if len(whole) > _LINE:
                raise _Unclear(f"line {place[1]} of {place[0]}: longer than {_LINE} characters with its definitions")
            return [_uncommented(whole), *rest]
        return line

    def _repeated(self, line: str, place: Place) -> list[str] | None:
        sets, text = repeated_values(line)
        if sets is None:
            self.problems.append(f"line {place[1]} of {place[0]}: {line.split('(', maxsplit=1)[0]} is not understood")
            return None
        lines: list[str] = []
        for values in islice(sets, LINES):
            lines += [f"${name}={value}" for name, value in values.items()]
            lines.append(text)
            if len(lines) > self.budget.left:
                raise _Unclear(f"line {place[1]} of {place[0]}: repeated too often")
        return lines


def _uncommented(line: str) -> str:
    r"""Without comment and without blanks around; a `\` at the end stays, for it continues a definition."""
    line = line.strip(" \t")
    parts: list[str] = []
    quoted, done = False, 0
    for found in _SIGN.finditer(line):
        at = found.start()
        if at < done:
            continue
        if found[0] == '"':
            quoted = not quoted
        elif found[0] == "\\":
            if at + 1 == len(line):
                break
            if not quoted and line[at + 1] in "!#":
                parts.append(line[done:at])
                parts.append(line[at + 1])
            else:
                parts.append(line[done : at + 2])
            done = at + 2
        elif not quoted:
            return "".join([*parts, line[done:at]]).rstrip(" \t")
    text = "".join([*parts, line[done:]]).rstrip(" \t")
    return text[:-1].rstrip(" \t") + "\\" if text.endswith("\\") else text
