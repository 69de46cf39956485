"""pydantic's errors in plain words: what is wrong, what is given, and the mend."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from tasks.intent.document import Path
from tasks.intent.wording import pattern, printable, shown

_OF_ANOTHER_KIND = {
    "int_type": ("a valid integer", "write a whole number, unquoted"),
    "int_from_float": ("a valid integer", "write a whole number, unquoted"),
    "float_type": ("a valid number", "write a number alone, unquoted"),
    "bool_type": ("a valid boolean", "write true or false"),
    "list_type": ("a valid list", "write it as [A, B]"),
    "dict_type": ("a mapping", "write NAME: with its value for each"),
}
NOT_HERE = "a secret does not stand in this file; give {env: NAME} or {file: PATH}, or {clear: TEXT} if it must"
_SECRET = "auth_pass"  # noqa: S105 - the key, not its value


def secret_at(problem: ErrorDetails, path: Path) -> Path | None:
    """The place to name, without anything below it, when what stands at `path` may be the secret itself."""
    if _SECRET not in path or problem["type"] in {"missing", "value_error"}:
        return None
    if problem["type"] != "extra_forbidden":
        return path
    # {hunter22} is {hunter22: null}: the secret as a key.
    stripped = path[: path.index(_SECRET) + 1]
    return stripped if problem.get("input") is None and stripped != path else None


def in_words(problem: ErrorDetails, accepted: list[str]) -> str:
    """One sentence; `accepted` are the keys of the mapping that should stand there."""
    kind, given = problem["type"], problem.get("input")
    said = shown(given)
    if kind in _OF_ANOTHER_KIND:
        wanted, mend = _OF_ANOTHER_KIND[kind]
        return f"should be {wanted} (given {said}); {mend}"
    if kind == "string_type":
        mend = "write a text" if given is None or isinstance(given, dict | list) else "put it in quotes"
        return f"should be a valid string (given {said}); {mend}"
    if kind == "model_type":
        return f"should be a mapping (given {said}); accepted keys: {', '.join(accepted)}"
    if kind == "invalid_key":
        return f"a key that YAML takes for something else than text (given {said}); put it in quotes"
    if kind == "string_pattern_mismatch":
        return f"should match pattern: {pattern(_bound(problem, 'pattern'))} (given {said})"
    if kind in {"too_short", "too_long"}:
        return _size(problem)
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if kind == "value_error":
        return printable(_cut(message, given, said))
    return printable(f"{message[0].lower()}{message[1:]} (given {said})")


def _size(problem: ErrorDetails) -> str:
    what, has = _bound(problem, "field_type").lower(), _bound(problem, "actual_length")
    if problem["type"] == "too_short":
        least = _bound(problem, "min_length")
        return f"{what} should have at least {least} {_items(least)} (given {has}); add what is missing"
    most = _bound(problem, "max_length")
    return f"{what} should have at most {most} {_items(most)} (given {has}); take some out"


def _items(count: str) -> str:
    return "item" if count == "1" else "items"


def _bound(problem: ErrorDetails, name: str) -> str:
    return str(problem.get("ctx", {}).get(name, "?"))


def _cut(message: str, given: object, said: str) -> str:
    """A validator of ours quotes what it got, however long that is."""
    return message.replace(repr(given), said) if isinstance(given, str) else message
