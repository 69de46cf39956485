"""JSON with several documents in a row, and fields of the wrong type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.observe import json_text
from tasks.observe.readings import Garbled

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", [{}]),
        (' {"a": 1}\n{"b": [2]}\n{ }\n', [{"a": 1}, {"b": [2]}, {}]),
        ("[1][2]", [[1], [2]]),
        ("{\n}\n", [{}]),
        ('"x" 1 null', ["x", 1, None]),
    ],
)
def test_documents(text: str, expected: list[Any]) -> None:
    assert json_text.documents(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing was printed"),
        (" \r\n\t", "nothing was printed"),
        ("{", "not JSON"),
        ('{"a": 1', "not JSON"),
        ('{"a": 1} trailing', "not JSON"),
        ('{"a": 1},', "not JSON"),
        ("% VNI 99 does not exist", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ("[-Infinity]", "-Infinity is no JSON value"),
        ("[" * 200_000, "nested too deep"),
        ("9" * 5000, "not JSON"),
        ("\ufeff{}", "not JSON"),
        ("{}\x00", "not JSON"),
    ],
)
def test_anything_else_is_garbled(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        json_text.documents(text)


@pytest.mark.parametrize(
    ("take", "row", "expected"),
    [
        (json_text.word, {"k": "x"}, "x"),
        (json_text.optional_word, {}, None),
        (json_text.optional_word, {"k": None}, None),
        (json_text.optional_word, {"k": ""}, None),
        (json_text.whole, {"k": 5}, 5),
        (json_text.whole, {"k": "5"}, 5),
        (json_text.whole, {"k": 5.0}, 5),
        (json_text.optional_whole, {"k": None}, None),
        (json_text.number, {"k": 0.5}, 0.5),
        (json_text.flag, {}, False),
        (json_text.flag, {"k": None}, False),
        (json_text.flag, {"k": 0}, False),
        (json_text.flag, {"k": 1}, True),
        (json_text.flag, {"k": "true"}, True),
        (json_text.flag, {"k": "false"}, False),
    ],
)
def test_fields(take: Callable[[dict[str, Any], str], Any], row: dict[str, Any], expected: object) -> None:
    assert take(row, "k") == expected


@pytest.mark.parametrize(
    ("take", "row", "reason"),
    [
        (json_text.word, {}, "'k' is missing"),
        (json_text.word, {"k": ""}, "'k' is missing"),
        (json_text.word, {"k": 5}, "'k' is not text but int 5"),
        (json_text.optional_word, {"k": ["x"]}, "'k' is not text"),
        (json_text.optional_word, {"k": False}, "'k' is not text"),
        (json_text.whole, {}, "'k' is missing"),
        (json_text.whole, {"k": 5.5}, "'k' is not a whole number"),
        (json_text.whole, {"k": "n/a"}, "'k' is not a number"),
        (json_text.whole, {"k": True}, "'k' is not a number"),
        (json_text.whole, {"k": float("inf")}, "'k' is not a number"),
        (json_text.whole, {"k": 10**400}, "'k' is not a number"),
        (json_text.number, {"k": None}, "'k' is missing"),
        (json_text.number, {"k": {}}, "'k' is not a number"),
        (json_text.flag, {"k": "maybe"}, "'k' is not a boolean"),
        (json_text.flag, {"k": 2}, "'k' is not a boolean"),
        (json_text.flag, {"k": {}}, "'k' is not a boolean"),
        (json_text.mapping, [], "k is not an object but list"),
        (json_text.mapping, None, "k is not an object but NoneType"),
        (json_text.sequence, {}, "k is not an array but dict"),
        (json_text.sequence, "text", "k is not an array but str"),
    ],
)
def test_a_wrong_type_is_garbled(take: Callable[[Any, str], Any], row: object, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        take(row, "k")


def test_the_first_key_that_holds_text_counts() -> None:
    assert json_text.optional_word({"a": "", "b": "x", "c": "y"}, "a", "b", "c") == "x"
