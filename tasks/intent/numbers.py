"""Plain values that YAML 1.1 and YAML 1.2 read differently: what one reader takes, the next one would not."""

from __future__ import annotations

import re

from ruamel.yaml.nodes import ScalarNode

_INT, _FLOAT, _TEXT = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "str"))
_LONGEST = 40
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_SIXTIES = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def surprise(node: ScalarNode) -> str | None:
    """What is wrong with how a value is written, and the fix."""
    text = str(node.value)
    if node.tag in {_INT, _FLOAT} and len(text) > _LONGEST:
        return f"a number of {len(text)} characters; no key takes one so long, shorten it or quote what is text"
    if node.tag == _INT and _LEADING_ZERO.fullmatch(text):
        return _leading_zero(text)
    plain = node.tag == _TEXT and not node.style and node.ctag.handle is None
    if plain and (older := _older(text)):
        return f"{text} is a text here (YAML 1.2) and {older} in YAML 1.1; write {older}, or quote what is text"
    return None


def _leading_zero(text: str) -> str | None:
    digits, sign = text.replace("_", "").lstrip("+-").lstrip("0"), "-" if text.startswith("-") else ""
    octal = f"{int(digits, 8)}" if digits and not set(digits) & {"8", "9"} else ""
    if octal == digits:  # zero, and 01 to 07
        return None
    here, older = sign + digits, sign + octal if octal else "a text"
    choices = f"{here} or {older}" if octal else here
    return f"{text} is {here} here (YAML 1.2) and {older} in YAML 1.1; write {choices}, or quote what is text"


def _older(text: str) -> str | None:
    """What YAML 1.1 takes a text for, if for something else; `Yes` and `YES` are its words, `yEs` is not."""
    if text in {text.lower(), text.capitalize(), text.upper()} and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if len(text) <= _LONGEST and _SIXTIES.fullmatch(text):
        total = 0.0
        for part in text.replace("_", "").lstrip("+-").split(":"):
            total = total * 60 + float(part)
        return f"{'-' if text.startswith('-') else ''}{total:g}"
    return None
