"""Numbers that YAML 1.1 reads otherwise than they look."""

from __future__ import annotations

import yaml

_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_LONGEST = 40


def surprise(node: yaml.ScalarNode) -> str | None:
    """What is wrong with how a number is written, and the mend."""
    text = str(node.value)
    if node.tag not in {_INT, _FLOAT}:
        return None
    if len(text) > _LONGEST:
        return f"a number of {len(text)} characters; no key takes one so long, shorten it or quote what is text"
    digits = text.replace("_", "").lstrip("+-")
    sign = "-" if text.startswith("-") else ""
    try:
        if ":" in digits:
            means = f"{sign}{_of_sixties(digits):g}"
            return f"{text} counts in sixties in YAML and means {means}; write {means}, or quote what is text"
        if node.tag == _INT and digits.startswith("0") and digits.isdigit() and digits.strip("0"):
            means, plain = f"{sign}{int(digits, 8)}", sign + digits.lstrip("0")
            return f"{text} is written as octal and means {means}; write {plain} or {means}, or quote what is text"
    except ValueError:
        return None  # a tag that does not fit, which is refused where values are made
    return None


def _of_sixties(digits: str) -> float:
    total = 0.0
    for part in digits.split(":"):
        total = total * 60 + float(part)
    return total
