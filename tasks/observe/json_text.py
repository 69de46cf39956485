"""JSON as devices print it, and typed access to its fields: a wrong type is Garbled and never a wrong value."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from tasks.model.bounds import JSON_PARTS_MOST
from tasks.observe.readings import Garbled, sample, shortened

_BLANK = re.compile(r"[ \t\r\n]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_SHOWN = 100
_WHOLE = re.compile(r"-?[0-9]{1,18}\Z")


def documents(text: str) -> list[Any]:
    """Every JSON document in the text: FRR up to 7.2 prints several in a row and an empty `{}` last.

    At least one; no text, trailing text that is no JSON, NaN and Infinity are Garbled. So is what has more values than
    any table, or halves of characters, which nothing can store.
    """
    if text.count(",") + text.count("[") + text.count("{") > JSON_PARTS_MOST:
        raise Garbled(f"JSON of more than {JSON_PARTS_MOST:,} values")
    decoder = json.JSONDecoder(parse_constant=_refuse)
    found: list[Any] = []
    at = _skip_blank(text, 0)
    if at == len(text):
        raise Garbled("nothing was printed")
    while at < len(text):
        try:
            document, end = decoder.raw_decode(text, at)
        except RecursionError as error:
            raise Garbled("JSON nested too deep") from error
        except ValueError as error:
            raise Garbled(f"not JSON: {shortened(str(error))} in {text[at : at + _SHOWN]!r}") from error
        found.append(document)
        at = _skip_blank(text, end)
    if _HALF.search(text):
        _refuse_halves(found)
    return found


def _refuse_halves(found: list[Any]) -> None:
    r"""JSON may escape half of a pair of surrogates (`\ud83d`), which is no character."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Garbled("JSON with half of a character") from None


def _skip_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _refuse(constant: str) -> NoReturn:
    raise Garbled(f"{constant} is no JSON value")


def mapping(value: object, what: str) -> dict[str, Any]:
    """Take the value as a JSON object."""
    if not isinstance(value, dict):
        raise Garbled(f"{what} is not an object but {_kind(value)}")
    return value


def sequence(value: object, what: str) -> list[Any]:
    """Take the value as a JSON array."""
    if not isinstance(value, list):
        raise Garbled(f"{what} is not an array but {_kind(value)}")
    return value


def optional_word(row: dict[str, Any], *keys: str) -> str | None:
    """Take the text under the first of the keys that holds any; None when absent, null or empty."""
    for key in keys:
        value = row.get(key)
        if value is not None and not isinstance(value, str):
            raise Garbled(f"{key!r} is not text but {_kind(value)}")
        if value:
            return value
    return None


def word(row: dict[str, Any], key: str) -> str:
    """Take the text under a key that must hold some."""
    value = optional_word(row, key)
    if value is None:
        raise Garbled(f"{key!r} is missing")
    return value


def optional_number(row: dict[str, Any], key: str) -> float | None:
    """Take the number under a key, also when it is printed as text; None when absent or null."""
    value = row.get(key)
    if isinstance(value, str) and _WHOLE.match(value):
        value = int(value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise Garbled(f"{key!r} is not a number but {_kind(value)}")
    return value


def number(row: dict[str, Any], key: str) -> float:
    """Take the number under a key that must hold one."""
    value = optional_number(row, key)
    if value is None:
        raise Garbled(f"{key!r} is missing")
    return value


def optional_whole(row: dict[str, Any], key: str) -> int | None:
    """Take the whole number under a key; None when absent or null."""
    value = optional_number(row, key)
    if value is None:
        return None
    if value != int(value):
        raise Garbled(f"{key!r} is not a whole number but {value}")
    return int(value)


def whole(row: dict[str, Any], key: str) -> int:
    """Take the whole number under a key that must hold one."""
    value = optional_whole(row, key)
    if value is None:
        raise Garbled(f"{key!r} is missing")
    return value


def flag(row: dict[str, Any], key: str) -> bool:
    """Take the boolean under a key, also when it is printed as 0/1 or as text; absent or null is False."""
    value = row.get(key)
    if value is None or value in (False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise Garbled(f"{key!r} is not a boolean but {_kind(value)}")


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _kind(value: object) -> str:
    return f"{type(value).__name__} {sample(value)}"
