"""Bytes that are no UTF-8: the same again when written back, and never a surrogate where text is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.model.answer import Command
from tasks.model.script import Section, answers_of
from tasks.model.text import from_bytes, readable, to_bytes
from tests.unit.builders import AT


@given(st.binary())
def test_whatever_the_bytes_they_come_back_and_are_shown(raw: bytes) -> None:
    assert to_bytes(from_bytes(raw)) == raw
    shown = readable(from_bytes(raw))
    assert json.loads(json.dumps(shown, ensure_ascii=False).encode()) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"# f\xfcr\n", "# f\N{REPLACEMENT CHARACTER}r\n"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"\xed\xa0\x80", "\N{REPLACEMENT CHARACTER}" * 3),
        (b"\xc3", "\N{REPLACEMENT CHARACTER}"),
        (b"# f\xc3\xbcr\n", "# f\N{LATIN SMALL LETTER U WITH DIAERESIS}r\n"),
        (b"", ""),
    ],
)
def test_shown(raw: bytes, shown: str) -> None:
    assert readable(from_bytes(raw)) == shown


@pytest.mark.parametrize(("exact", "kept"), [(True, b"f\xfcr"), (False, "f\N{REPLACEMENT CHARACTER}r".encode())])
def test_surrogates_are_in_the_output_of_exact_commands_alone(exact: bool, kept: bytes) -> None:  # noqa: FBT001
    command = Command(key="k", argv=("cat",), exact=exact)
    said = {"k": Section(status=0, stdout=from_bytes(b"f\xfcr"), stderr=from_bytes(b"\xfc"))}
    answer = answers_of("H1", [command], said, AT)["k"]
    assert to_bytes(answer.stdout) == kept
    assert answer.stderr == "\N{REPLACEMENT CHARACTER}"
