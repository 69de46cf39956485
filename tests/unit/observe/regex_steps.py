"""How many steps a backtracking matcher takes: Python's own patterns, run by a matcher that counts."""

# ruff: noqa: ANN401, C901 - the library's own parse tree has no types
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from re import _constants as op  # type: ignore[attr-defined]  # isort: skip
from re import _parser as parser  # type: ignore[attr-defined]  # isort: skip

_STEPS_MOST = 100_000
_SINGLE = {op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY}
_CLASSES = {
    op.CATEGORY_DIGIT: str.isdigit,
    op.CATEGORY_NOT_DIGIT: lambda sign: not sign.isdigit(),
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda sign: not sign.isspace(),
    op.CATEGORY_WORD: lambda sign: sign.isalnum() or sign == "_",
    op.CATEGORY_NOT_WORD: lambda sign: not (sign.isalnum() or sign == "_"),
}


class Counted:
    """One pattern on one text."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self.tree = parser.parse(pattern.pattern, pattern.flags)
        self.flags = pattern.flags
        self.text = text
        self.steps = 0

    def once(self, begin: int) -> int | None:
        """Where the first match that begins there ends."""
        return next(self._row(list(self.tree), 0, begin), None)

    def everywhere(self) -> None:
        """As finditer and sub do."""
        at = 0
        while at <= len(self.text):
            end = self.once(at)
            at = max(at + 1, end if end is not None else 0)

    def _row(self, nodes: list[Any], index: int, at: int) -> Iterator[int]:
        if index == len(nodes):
            yield at
            return
        for after in self._node(*nodes[index], at):
            yield from self._row(nodes, index + 1, after)

    def _node(self, kind: Any, argument: Any, at: int) -> Iterator[int]:
        self.steps += 1
        assert self.steps < _STEPS_MOST, "no end in sight"
        if kind in _SINGLE:
            if self._is(kind, argument, at):
                yield at + 1
        elif kind in {op.MAX_REPEAT, op.MIN_REPEAT}:
            yield from self._repeat(kind, *argument, at)
        elif kind is op.SUBPATTERN:
            yield from self._row(list(argument[-1]), 0, at)
        elif kind is op.BRANCH:
            for each in argument[1]:
                yield from self._row(list(each), 0, at)
        elif kind is op.AT:
            if self._stands(argument, at):
                yield at
        elif kind in {op.ASSERT, op.ASSERT_NOT}:
            direction, inner = argument
            begin = at if direction > 0 else at - inner.getwidth()[0]
            found = begin >= 0 and next(self._row(list(inner), 0, begin), None) is not None
            if found is (kind is op.ASSERT):
                yield at
        else:
            raise NotImplementedError(kind)

    def _repeat(self, kind: Any, least: int, most: Any, inner: Any, at: int) -> Iterator[int]:
        nodes = list(inner)
        limit = len(self.text) if most is op.MAXREPEAT else int(most)
        if len(nodes) == 1 and nodes[0][0] in _SINGLE:
            ends = [at]
            while len(ends) <= limit and self._is(*nodes[0], ends[-1]):
                self.steps += 1
                ends.append(ends[-1] + 1)
            for end in reversed(ends[least:]) if kind is op.MAX_REPEAT else ends[least:]:
                self.steps += 1
                yield end
            return
        yield from self._repeated(kind, least, limit, nodes, at)

    def _repeated(self, kind: Any, least: int, limit: int, nodes: list[Any], at: int) -> Iterator[int]:
        self.steps += 1
        if kind is op.MIN_REPEAT and least <= 0:
            yield at
        if limit > 0:
            for after in self._row(nodes, 0, at):
                if after > at or least > 0:
                    yield from self._repeated(kind, least - 1, limit - 1, nodes, after)
        if kind is op.MAX_REPEAT and least <= 0:
            yield at

    def _is(self, kind: Any, argument: Any, at: int) -> bool:
        if at >= len(self.text):
            return False
        sign = self.text[at]
        if kind is op.ANY:
            return sign != "\n" or bool(self.flags & re.DOTALL)
        if kind is op.IN:
            return self._among(argument, sign)
        same = ord(sign) == argument or (self.flags & re.IGNORECASE and sign.lower() == chr(argument).lower())
        return bool(same) is (kind is op.LITERAL)

    @staticmethod
    def _among(argument: Any, sign: str) -> bool:
        negated = argument[0][0] is op.NEGATE
        for kind, value in argument[negated:]:
            if (
                (kind is op.LITERAL and ord(sign) == value)
                or (kind is op.RANGE and value[0] <= ord(sign) <= value[1])
                or (kind is op.CATEGORY and _CLASSES[value](sign))
            ):
                return not negated
        return bool(negated)

    def _stands(self, where: Any, at: int) -> bool:
        before, after = self.text[at - 1 : at], self.text[at : at + 1]
        many = self.flags & re.MULTILINE
        if where is op.AT_BEGINNING:
            return at == 0 or bool(many and before == "\n")
        if where is op.AT_BEGINNING_STRING:
            return at == 0
        if where is op.AT_END:
            return not after or self.text[at:] == "\n" or bool(many and after == "\n")
        if where is op.AT_END_STRING:
            return not after
        words = [bool(each) and (each.isalnum() or each == "_") for each in (before, after)]
        return (words[0] != words[1]) is (where is op.AT_BOUNDARY)


def example(pattern: re.Pattern[str]) -> list[str]:
    """The parts of a short text that it matches: words, and what may be repeated, each a place to be pumped at."""
    parts = [""]
    for kind, argument in parser.parse(pattern.pattern, pattern.flags):
        text = _example(kind, argument)
        if kind is op.LITERAL:
            parts[-1] += text
        elif text:
            parts += [text, ""]
    return [part for part in parts if part]


def _example(kind: Any, argument: Any) -> str:
    if kind is op.LITERAL:
        return chr(argument)
    if kind in {op.NOT_LITERAL, op.ANY}:
        return "a" if kind is op.ANY or argument != ord("a") else "b"
    if kind is op.IN:
        return next((sign for sign in 'a018 -"[:@\n\\$#*/.;=A\x01\ud800' if Counted._among(argument, sign)), "a")
    if kind in {op.MAX_REPEAT, op.MIN_REPEAT}:
        return "".join(_example(*each) for each in argument[2]) * max(1, argument[0])
    if kind is op.SUBPATTERN:
        return "".join(_example(*each) for each in argument[-1])
    if kind is op.BRANCH:
        return "".join(_example(*each) for each in argument[1][0])
    return ""
