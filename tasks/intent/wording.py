"""What a refusal shows of the file: fit for a terminal, short, and in words that need no manual of a library."""

from __future__ import annotations

import re
from datetime import date

_LONGEST = 60
_KEPT = 40
_WIDEST_NUMBER = 128
"""Bits; Python itself refuses to write out a number of more than 4300 digits."""
_DIGITS_PER_BIT = 0.30103

_CHARACTERS = r"\[(?P<{name}>(?:\\.|[^\]\\])+)\]"
_PATTERN = re.compile(
    rf"\^(?:{_CHARACTERS.format(name='first')}|(?P<literal>/))?"
    rf"{_CHARACTERS.format(name='rest')}\{{(?P<least>\d+),(?P<most>\d+)\}}\$"
)


def printable(text: str) -> str:
    """The text with control characters, line ends among them, written as escapes."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def clipped(text: str) -> str:
    """The text, or its beginning when it is long."""
    return text if len(text) <= _LONGEST else f"{text[:_KEPT]}… ({len(text)} characters)"


def shown(value: object) -> str:
    """A value of the file as a refusal quotes it."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > _WIDEST_NUMBER:
        return f"a number of about {int(value.bit_length() * _DIGITS_PER_BIT) + 1} digits"
    if isinstance(value, str | int | float):
        return clipped(repr(value))
    kinds = {dict: "a mapping", list: "a list", set: "a set", bytes: "binary data", date: "a date"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "a value of another kind")


def pattern(regex: str) -> str:
    """A pattern of this house, first character and rest, in words; any other as it is."""
    found = _PATTERN.fullmatch(regex)
    if found is None:
        return regex
    rest = f"{found['least']} to {found['most']} of {_characters(found['rest'])}"
    if found["literal"]:
        return f"{found['literal']}, then {rest}"
    return f"first one of {_characters(found['first'])}, then {rest}" if found["first"] else rest


def _characters(inside: str) -> str:
    r"""`A-Za-z0-9_.\-` as letters, digits, _ . -."""
    left = inside
    named: list[str] = []
    for piece, name in (("A-Za-z", "letters"), ("a-z", "small letters"), ("0-9", "digits")):
        if piece in left:
            left = left.replace(piece, "", 1)
            named.append(name)
    signs = [" ".join(each for each in left.replace("\\", "") if each != " ")]
    if " " in left:
        signs.append("spaces")
    return ", ".join([*named, *(each for each in signs if each)])
