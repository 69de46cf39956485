"""Values and patterns as refusals show them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from tasks.intent.schema import ClustersFile
from tasks.intent.wording import clipped, pattern, printable, shown


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "nothing"),
        (True, "True"),
        (7, "7"),
        (1.5, "1.5"),
        ("a\x1b\n", r"'a\x1b\n'"),
        ({"a": 1}, "a mapping"),
        ([16**5000], "a list"),
        ({1}, "a set"),
        (b"a", "binary data"),
        (date(2026, 1, 1), "a date"),
        (datetime(2026, 1, 1), "a date"),  # noqa: DTZ001 - as YAML has it
        (("a", 1), "a value of another kind"),
        (10**400, "a number of about 401 digits"),
        ("a" * 400, "'" + "a" * 39 + "… (402 characters)"),
    ],
)
def test_a_value_is_shown_short_and_harmless(value: object, said: str) -> None:
    assert shown(value) == said


def test_a_number_that_python_will_not_write_out_is_told_by_its_length() -> None:
    assert shown(-(16**5000)) == "a number of about 6021 digits"


def test_text_is_printable_and_short() -> None:
    assert printable("ä b\t\u202e\x9b") == r"ä b\t\u202e\x9b"
    assert clipped("a" * 60) == "a" * 60


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        (r"^[A-Za-z0-9_.\-]{1,15}$", "1 to 15 of letters, digits, _ . -"),
        (r"^[a-z_][a-z0-9_\-]{0,31}$", "first one of small letters, _, then 0 to 31 of small letters, digits, _ -"),
        (r"^/[A-Za-z0-9 ]{1,250}$", "/, then 1 to 250 of letters, digits, spaces"),
        (r"^a|b$", r"^a|b$"),
    ],
)
def test_a_pattern_is_said_in_words(regex: str, said: str) -> None:
    assert pattern(regex) == said


def patterns_in(schema: Any) -> set[str]:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        return {found for each in schema for found in patterns_in(each)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    names = set(schema.get("patternProperties", {}))
    return own | names | {found for each in schema.values() for found in patterns_in(each)}


def test_every_pattern_of_the_schema_has_words() -> None:
    found = patterns_in(ClustersFile.model_json_schema())
    assert len(found) > 4
    assert [each for each in found if pattern(each) == each] == []
