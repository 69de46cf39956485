"""YAML with the line of every path; whatever the text is, the only exception is IntentError."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.intent.document import Document, read_document
from tasks.model.errors import IntentError

TEXT = "clusters:\n  web:\n    vips:\n      - 100.65.0.10/24\n      - 100.65.0.20/24\n    fabric: {vni: 100}\n"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), "c.yaml:1: (top level)"),
        (("clusters",), "c.yaml:1: clusters"),
        (("clusters", "web"), "c.yaml:2: clusters.web"),
        (("clusters", "web", "vips"), "c.yaml:3: clusters.web.vips"),
        (("clusters", "web", "vips", 1), "c.yaml:5: clusters.web.vips.1"),
        (("clusters", "web", "fabric", "vni"), "c.yaml:6: clusters.web.fabric.vni"),
        (("clusters", "web", "fabric", "svi"), "c.yaml:6: clusters.web.fabric.svi"),
        (("clusters", "web", "vrid"), "c.yaml:2: clusters.web.vrid"),
        (("elsewhere", "x"), "c.yaml:1: elsewhere.x"),
    ],
)
def test_a_path_is_placed_where_it_or_its_nearest_parent_stands(path: tuple[str | int, ...], place: str) -> None:
    assert read_document(TEXT, "c.yaml").place(path) == place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "c.yaml:3: a: stands twice (first in line 1); keep one"),
        ("x:\n  a: 1\n  a: 1\n", "c.yaml:3: x.a: stands twice (first in line 2); keep one"),
        ("x:\n  - {a: 1,\n     a: 1}\n", "c.yaml:3: x.0.a: stands twice (first in line 2); keep one"),
        ("1: a\n'1': b\n", "c.yaml:2: 1: stands twice (first in line 1); keep one"),
        ("a: [b\n", "c.yaml:2: not valid YAML: "),
        ("a: b\n  c: d\n", "c.yaml:2: not valid YAML: "),
        ("a:\n\t- b\n", "c.yaml:2: not valid YAML: "),
        ("a: *nowhere\n", "c.yaml:1: not valid YAML: "),
        ("a: !!python/object:os.system x\n", "c.yaml:1: not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "c.yaml:2: not valid YAML: "),
        ("? [a]\n: b\n", "c.yaml:1: not valid YAML: "),
        ("a: \x00\n", "c.yaml:1: not valid YAML: "),
    ],
)
def test_broken_yaml_and_keys_given_twice_are_named_with_their_line(text: str, said: str) -> None:
    with pytest.raises(IntentError) as caught:
        read_document(text, "c.yaml")
    assert str(caught.value).startswith(said)
    assert ";" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["a: 2026-13-45\n", "a: 2026-01-01T25:00:00Z\n", "a: &here [*here]\n", "a: " + "[" * 2000, "a: 0x_\n"],
    ids=["date", "time", "alias of itself", "deep", "number"],
)
def test_what_the_library_itself_stumbles_over_is_an_intent_error(text: str) -> None:
    with pytest.raises(IntentError):
        read_document(text, "c.yaml")


@given(st.text(alphabet="ab:-[]{}&*!?'\"#|>%@\n\t 0129.", max_size=40))
@settings(max_examples=120, deadline=None)
def test_any_text_is_a_document_or_an_intent_error(text: str) -> None:
    try:
        assert isinstance(read_document(text, "c.yaml"), Document)
    except IntentError as error:
        assert str(error).startswith("c.yaml:")  # noqa: PT017 - an error is allowed here, not demanded
