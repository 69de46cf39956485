"""What YAML can hold that intent can not: each is one sentence with its line and mend, at once."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tasks.intent.document import Document, read_document, read_places
from tasks.model.errors import IntentError

NO_VALUE = "a value looks like a date or number, or has a tag (!!…), but is none; quote what is meant as text"
NO_CHARACTER = r"an escape (\U…) whose number is none; correct it or use single quotes"
OTHER_DIALECT = "a %YAML line for another version than 1.2, which all files here are read as; remove it"
OTHER_KIND = "a value of another kind than its tag (!!…) says; remove the tag"
OPEN_LIST = "a list that is never closed, or lacks a comma; write it as [a, b]"
INDENT = "a second colon, or a key that is indented wrongly; indent it or quote it"


def refused(text: str) -> str:
    with pytest.raises(IntentError) as caught:
        read_document(text, "c.yaml")
    return str(caught.value)


def bomb(begin: str, line: str, *, depth: int = 9) -> str:
    """Nine aliases of the anchor before it, again and again."""
    names = range(1, depth + 1)
    return begin + "".join(line.format(name=f"a{i}", before=", ".join([f"*a{i - 1}"] * 9)) for i in names)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("x: 1\nvrid: !!bool foo\n", 2, NO_VALUE),
        ("x: 1\nvrid: !!timestamp foo\n", 2, "a date (!!timestamp) that is none; remove the tag"),
        ('x: 1\nvrid: !!int ""\n', 2, NO_VALUE),
        ('x: 1\nvrid: !!float ""\n', 2, NO_VALUE),
        ("x: 1\nvrid: !!int 0o8\n", 2, NO_VALUE),
        ("x: 1\nvrid: !!int '1:a'\n", 2, NO_VALUE),
        ("x: 1\ny: [2026-13-45]\n", 2, NO_VALUE),
        ("x: 1\n!!bool foo: 1\n", 2, NO_VALUE),
        ("x: 1\ny: 0x_\n", 2, NO_VALUE),
        ('x: 1\ny: "\\UFFFFFFFF"\n', 2, NO_CHARACTER),
        ("%YAML " + "9" * 5000 + ".1\n---\na: 1\n", 1, OTHER_DIALECT),
        ("# x\n%YAML 1.1\n---\na: yes\n", 2, OTHER_DIALECT),
        ("%YAML 1.3\n---\na: 1\n", 1, OTHER_DIALECT),
        ("%YAML 2.0\n---\na: 1\n", 1, OTHER_DIALECT),
        ("a: 1\nb: !!omap [c: 1, c: 2]\n", 2, NO_VALUE),
        ("a: 1\nb: =\n", 2, "a tag (!name) that means nothing here; remove it or quote the value"),
        ("a: &x 1\n&x b: 2\n", 2, "an anchor (&name) that stands twice; give each its own name"),
        ("a: !!binary ü\n", 1, "binary data (!!binary) that is none; remove the tag"),
        ("a: !!omap foo\n", 1, OTHER_KIND),
        ("a: !!str {a: b}\n", 1, OTHER_KIND),
        ("a: !!set [a]\n", 1, OTHER_KIND),
        ("<<: 5\n", 1, "a merge (<<) of no mapping; merge an alias (*name)"),
        ("a: 1\nb: \x00\n", 2, "the control character U+0000; remove it"),
        ("a: 1\nb: \x1b[31m\n", 2, "the control character U+001B; remove it"),
        ("a: \ud800\n", 1, "the control character U+D800; remove it"),
        ("a:\n\t- b\n", 2, "a tab where only spaces may stand; indent with spaces"),
        ("a: @x\n", 1, "a value begins with a character that YAML keeps for itself (@ ` or %); quote the value"),
        ("a: *it\n", 1, "an alias (*name) without its anchor (&name); write the anchor or quote the value"),
        ("a: &x 1\nb: &x 2\n", 2, "an anchor (&name) that stands twice; give each its own name"),
        ("a: &\n", 1, "an & or * without a name; quote the value"),
        ("a: !secret x\n", 1, "a tag (!name) that means nothing here; remove it or quote the value"),
        ("a: b\n  c: d\n", 2, INDENT),
        ("a:\n  - b\n c\n", 3, "text after the end of a value, or a line whose indentation fits none above it"),
        ("a: - b\n", 1, "a list item (-) where none may stand; give it a line of its own"),
        ("a: 'x\n", 2, "a quote that is never closed; close it"),
        ("a: [b\n", 2, OPEN_LIST),
        ("a: {b\n", 2, "a mapping that is never closed, or lacks a comma; write it as {a: b, c: d}"),
        ('a: "\\q"\n', 1, r"an escape that YAML does not know; write \\ for a backslash, or use single quotes"),
        ('a: "\\xzz"\n', 1, r"an escape (\x… or \u…) without its digits; write them or use single quotes"),
        ("a: 1\n---\nb: 2\n", 2, "a second document (---); keep one"),
        ("a: 1\n? [b]\n: c\n", 2, "a key that is itself a list or mapping; write a plain name"),
        ("!<tag: x\n", 1, "it reads as nothing known; mend the line or quote the value"),
    ],
)
def test_no_yaml_is_said_in_plain_words_with_its_line(text: str, line: int, said: str) -> None:
    assert refused(text).startswith(f"c.yaml:{line}: not valid YAML: {said}")


@pytest.mark.parametrize(
    "text",
    [
        bomb("a0: &a0 [x, x]\n", "{name}: &{name} [{before}]\n"),
        bomb("a0: &a0 {k: 1}\n", "{name}: &{name} {{<<: [{before}]}}\n"),
        bomb("a0: &a0 [x, x]\n", "{name}: &{name} [{before}]\n", depth=30),
        bomb("a0: &a0 [x, x]\n", "{name}: &{name} [{before}]\n") + "? *a9\n: x\n",
    ],
    ids=["lists", "merges", "deep", "key"],
)
def test_aliases_that_unfold_without_end_are_refused_at_once(text: str) -> None:
    began = time.process_time()
    said = refused(text)
    assert time.process_time() - began < 5
    assert said.endswith(
        "its aliases (*name) unfold to more than 50000 values; write fewer of them, or write them out"
    )  # fmt: skip


def test_aliases_that_many_clusters_share_are_fine() -> None:
    text = "base: &base {a: 1, b: [1, 2, 3]}\nall:\n" + "  - *base\n" * 2000
    assert len(read_document(text, "c.yaml").value["all"]) == 2000


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("011", "011 is 11 here (YAML 1.2) and 9 in YAML 1.1; write 11 or 9, or quote what is text"),
        ("-011", "-011 is -11 here (YAML 1.2) and -9 in YAML 1.1; write -11 or -9, or quote what is text"),
        ("+011", "+011 is 11 here (YAML 1.2) and 9 in YAML 1.1; write 11 or 9, or quote what is text"),
        ("-1:30", "-1:30 is a text here (YAML 1.2) and -90 in YAML 1.1; write -90, or quote what is text"),
        ("0_11", "0_11 is 11 here (YAML 1.2) and 9 in YAML 1.1; write 11 or 9, or quote what is text"),
        ("1:30", "1:30 is a text here (YAML 1.2) and 90 in YAML 1.1; write 90, or quote what is text"),
        ("1:30.5", "1:30.5 is a text here (YAML 1.2) and 90.5 in YAML 1.1; write 90.5, or quote what is text"),
        ("08", "08 is 8 here (YAML 1.2) and a text in YAML 1.1; write 8, or quote what is text"),
        ("yes", "yes is a text here (YAML 1.2) and true in YAML 1.1; write true, or quote what is text"),
        ("Off", "Off is a text here (YAML 1.2) and false in YAML 1.1; write false, or quote what is text"),
        ("NO", "NO is a text here (YAML 1.2) and false in YAML 1.1; write false, or quote what is text"),
        ("9" * 41, "a number of 41 characters; no key takes one so long, shorten it or quote what is text"),
        ("9" * 400, "a number of 400 characters; no key takes one so long, shorten it or quote what is text"),
        ("0x" + "f" * 5000, "a number of 5002 characters; no key takes one so long, shorten it or quote what is text"),
    ],
    ids=[
        "octal",
        "negative",
        "plus",
        "past",
        "underscore",
        "sixties",
        "fraction",
        "08",
        "yes",
        "Off",
        "NO",
        "41",
        "long",
        "hexadecimal",
    ],
)
def test_a_value_that_yaml_1_1_and_1_2_read_differently_is_refused(written: str, said: str) -> None:
    assert refused(f"x:\n  - {{vrid: {written}}}\n") == f"c.yaml:2: x.0.vrid: {said}"
    assert refused(f"? {written}\n: x\n").endswith(said)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(
            ("0", 0),
            ("00", 0),
            ("07", 7),
            ("0o17", 15),
            ("-0", 0),
            ("11", 11),
            ("1_100", 1100),
            ("0x0b", 11),
            ("0b11", 3),
            ("9" * 40, 10**40 - 1),
        ),
        *(("0.5", 0.5), ("010.5", 10.5), ("!!float 011", 11.0)),
        *(
            ("'011'", "011"),
            ("!!str 011", "011"),
            ("'1:30'", "1:30"),
            ("yEs", "yEs"),
            ("y", "y"),
            ("'yes'", "yes"),
            ("!!str no", "no"),
            ("[on-1, 1:90]", ["on-1", "1:90"]),
            (f"a{'9' * 41}", f"a{'9' * 41}"),
        ),
    ],
)
def test_a_value_that_is_what_it_looks_like_is_taken(written: str, value: object) -> None:
    assert read_document(f"a: {written}\n", "c.yaml").value == {"a": value}


@pytest.mark.parametrize("written", ["0022", "1:30", "yes"])
def test_what_nornir_takes_is_taken_where_it_reads_the_same_file(written: str) -> None:
    text = f"H1: {{port: {written}}}\n"
    assert read_document(text, "h.yaml", ambiguous=True).value == YAML(typ="safe").load(text)


def test_all_numbers_and_keys_given_twice_are_told_at_once() -> None:
    lines = refused("a: 011\nb: 1:30\na: {c: 012}\n").splitlines()
    assert [each.partition(": ")[0] for each in lines] == ["c.yaml:1", "c.yaml:2", "c.yaml:3"]


@pytest.mark.parametrize("written", ["0112233", "1:30", "9" * 50, "yes"])
def test_a_secret_is_never_quoted_as_a_number(written: str) -> None:
    assert "auth_pass" in read_document(f"auth_pass: {{clear: {written}}}\n", "c.yaml").value


def test_keys_reach_the_terminal_without_their_control_characters() -> None:
    document = read_document('"w\\e[31mX\\nb": {vrid: 1}\n', "c.yaml")
    assert document.place(("w\x1b[31mX\nb", "vrid")) == r"c.yaml:1: w\x1b[31mX\nb.vrid"
    assert refused('"a\\nb": 1\n"a\\nb": 2\n') == r"c.yaml:2: a\nb: stands twice (first in line 1); keep one"


def test_a_long_key_is_shown_by_its_beginning() -> None:
    document = read_document("a" * 300 + ": 1\n", "c.yaml")
    assert document.place(("a" * 300,)) == f"c.yaml:1: {'a' * 40}… (300 characters)"


@pytest.mark.parametrize("text", ["a: [", "a: 011", "a: !!bool foo", "", "a: &x [*x]"])
def test_the_lines_of_a_text_that_somebody_else_reads_are_told_as_far_as_they_go(text: str) -> None:
    assert read_places(text, "h.yaml").place(("b",)) == "h.yaml:1: b"


def test_lines_without_values() -> None:
    document = read_places("H1:\n  port: 022\n", "h.yaml")
    assert (document.place(("H1", "port")), document.value) == ("h.yaml:2: H1.port", None)


TAGS = st.sampled_from(["!!bool", "!!int", "!!float", "!!timestamp", "!!binary", "!!set", "!!omap", "!!pairs", "!!map"])


@given(TAGS, st.text(alphabet="ab=:-[]{}&*'\"0129.\\xU_%<", max_size=20), st.sampled_from(["a: {} {}", "{} {}: 1"]))
@settings(max_examples=150, deadline=None)
def test_any_tagged_value_is_a_document_or_an_intent_error(tag: str, value: str, line: str) -> None:
    try:
        assert isinstance(read_document(line.format(tag, value), "c.yaml"), Document)
    except IntentError as error:
        assert str(error).startswith("c.yaml:1: ")  # noqa: PT017 - an error is allowed here, not demanded
