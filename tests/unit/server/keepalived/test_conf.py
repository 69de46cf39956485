"""keepalived.conf as keepalived reads it: what is a statement, what is none, and what can't be told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.model.keepalived import KeepalivedConf, Statement
from tasks.server.keepalived.conf import LINES, read_conf

MAIN = "/etc/keepalived/keepalived.conf"
Shape = list[Any]


def shape(statements: Sequence[Statement]) -> Shape:
    """Words of each statement, and its block where it has one."""
    return [each.text if each.body is None else (each.text, shape(each.body)) for each in statements]


def conf(text: str, config_id: str = "H1", **files: str) -> KeepalivedConf:
    texts = {MAIN: text} | {f"/etc/keepalived/{name}.conf": each for name, each in files.items()}
    resolved = {(path, f"{name}.conf"): (f"/etc/keepalived/{name}.conf",) for path in texts for name in files}
    return read_conf(MAIN, texts, resolved, config_id)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("! one\n# two\n   ! three", [], id="comments alone"),
        pytest.param("a b # c\nd!e", ["a b", "d"], id="comment behind words"),
        pytest.param('a "b # c ! d" e', ["a b # c ! d e"], id="signs within quotes"),
        pytest.param(r"a b\#c d\!e # f", ["a b#c d!e"], id="escaped signs"),
        pytest.param("a {\nb c\n}", [("a", ["b c"])], id="block"),
        pytest.param("a\n{\nb\n}\nc", [("a", ["b"]), "c"], id="brace on the next line"),
        pytest.param("a { b { c } d }", [("a", [("b", ["c"]), "d"])], id="all on one line"),
        pytest.param("a{b}c", [("a", ["b"]), "c"], id="no blanks"),
        pytest.param('a "{ b }"', ["a { b }"], id="braces within quotes"),
        pytest.param('a "b', ["a"], id="a quote that nothing closes"),
        pytest.param("a\r\nb\r\n", ["a", "b"], id="lines of another system"),
        pytest.param("}\na", ["a"], id="one brace too many"),
        pytest.param("$V=192.0.2.1\na $V/24 ${V}x", ["a 192.0.2.1/24 192.0.2.1x"], id="definition"),
        pytest.param("$V=1\n$W=$V$V\na $W", ["a 11"], id="definition of definitions"),
        pytest.param("a $V", ["a $V"], id="no such definition"),
        pytest.param("$V=1\n$V=2\na $V", ["a 2"], id="defined twice"),
        pytest.param("$B=\\\nb { \\\nc \\\n}\na {\n$B\n}\nd", [("a", [("b", ["c"])]), "d"], id="of several lines"),
        pytest.param("$B=b \\\nc\na {\n$B\n}", [("a", ["b", "c"])], id="of several lines, begun on the first"),
        pytest.param("$N=\na $N b", ["a b"], id="an empty one"),
        pytest.param("@H1 a\n@H2 b\n@^H1 c\n@^H2 d\n@ e", ["a", "d"], id="conditions"),
        pytest.param("@H2 $V=1\n@H1 $V=2\na $V", ["a 2"], id="conditional definitions"),
        pytest.param("~SEQ(x, 1, 3) a $x", ["a 1", "a 2", "a 3"], id="sequence"),
        pytest.param("~SEQ(x, 2) a$x", ["a1", "a2"], id="sequence from one"),
        pytest.param("~SEQ(x, 5, -2, 1) a $x", ["a 5", "a 3", "a 1"], id="sequence with a step"),
        pytest.param("~SEQx(x, 10, 11) a $x", ["a a", "a b"], id="sequence in hexadecimal"),
        pytest.param("~LST(x, one, two) a $x", ["a one", "a two"], id="list"),
        pytest.param("~LST({x, y}, {1, 2}, {3}) a $x/$y", ["a 1/2", "a 3/"], id="list of sets"),
        pytest.param("~SEQ(x, 1, 2) a { b $x }", [("a", ["b 1"]), ("a", ["b 2"])], id="sequence of blocks"),
    ],
)
def test_statements(text: str, wanted: Shape) -> None:
    found = conf(text)
    assert shape(found.statements) == wanted
    assert found.problems == ()


def test_includes_are_read_where_they_are() -> None:
    found = conf("a\ninclude x.conf\nc", x="b\ninclude y.conf", y="$V=1\nd $V {")
    assert shape(found.statements) == ["a", "b", ("d 1", ["c"])]
    assert [(each.pattern, each.line, each.file) for each in found.includes] == [
        ("x.conf", 2, MAIN),
        ("y.conf", 2, "/etc/keepalived/x.conf"),
    ]
    assert found.problems == (f"{MAIN}: a block is not closed: d 1 (line 2 of /etc/keepalived/y.conf)",)


@pytest.mark.parametrize("keyword", ["include", "includer", "includem", "includew", "includeb", "includea"])
def test_every_include_there_is(keyword: str) -> None:
    assert shape(conf(f"a {{\n  {keyword}   x.conf  # why\n}}", x="b").statements) == [("a", ["b"])]


@pytest.mark.parametrize(
    ("text", "files", "why"),
    [
        pytest.param("include gone.conf", {}, "include gone.conf (line 1 of", id="an include that was not read"),
        pytest.param("include x.conf", {"x": "include x.conf"}, "leads back to itself", id="a file within itself"),
        pytest.param(
            "include x.conf",
            {"x": "include y.conf", "y": "include x.conf"},
            "leads back to itself",
            id="two in a circle",
        ),
        pytest.param("a {", {}, "a block is not closed: a (line 1", id="an open block"),
        pytest.param("$A=$A\na $A", {}, "a definition that is used within itself", id="a definition within itself"),
        pytest.param("$A=x$A\na $A", {}, "used within itself", id="a definition that grows"),
        pytest.param("~SEQ(x, 1, 100000000) a", {}, "repeated too often", id="a sequence without an end"),
        pytest.param("~SEQ(x, 1, 0, 2) a", {}, "~SEQ is not understood", id="a sequence without a step"),
        pytest.param("~LST(x) a", {}, "~LST is not understood", id="a list of nothing"),
        pytest.param("a $_RANDOM", {}, "$_RANDOM (line 1", id="a definition of keepalived's own"),
        pytest.param("a {\n" * 1000, {}, "blocks within each other", id="blocks without an end"),
    ],
)
def test_what_can_not_be_told_is_said(text: str, files: dict[str, str], why: str) -> None:
    assert any(why in each for each in conf(text, **files).problems)


def test_a_file_that_is_not_there() -> None:
    assert read_conf(MAIN, {}, {}).problems == (f"{MAIN} was not read",)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a b c\n" * 40_000, id="lines"),
        pytest.param("{ " * 200_000, id="braces"),
        pytest.param('"' * 500_001, id="quotes"),
        pytest.param("\\" * 500_000, id="escapes"),
        pytest.param("$A=" + "$A" * 5_000 + "\na $A", id="a definition many times in itself"),
        pytest.param("~SEQ(x, 1, 9) " * 30_000, id="sequences"),
        pytest.param("~LST(" + "{" * 200_000, id="lists"),
        pytest.param("!" * 500_000 + "\n" + "#" * 500_000, id="comments"),
        pytest.param("$A=" + "b \\\n" * 50_000, id="a definition of many lines"),
    ],
)
def test_work_is_bounded(text: str) -> None:
    """Far more time than it takes on the slowest machine; what grows with the square of its input takes minutes."""
    began = time.process_time()
    conf(text)
    assert time.process_time() - began < 20


def test_no_more_lines_than_are_allowed() -> None:
    found = conf("a\n" * (LINES + 10))
    assert len(found.statements) <= LINES
    assert any("more than" in each for each in found.problems)


@given(st.text(alphabet='ab {}"\\!#$@~=,()\n\rSEQLT^', max_size=200))
def test_whatever_there_is_it_never_raises(text: str) -> None:
    assert isinstance(conf(text), KeepalivedConf)


def test_a_password_shows_in_no_repr() -> None:
    assert "hunter22" not in repr(conf("vrrp_instance A {\nauthentication {\nauth_pass hunter22\n}\n}"))
