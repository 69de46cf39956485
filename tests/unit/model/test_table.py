"""Rows by a value: the same in a table with indexes as in any tuple, and each row is looked at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tasks.model.table import Table, rows_with


@dataclass(frozen=True)
class Row:
    """A row with a key that may come twice."""

    key: str | None
    value: int


ROWS = (Row("a", 1), Row("b", 2), Row("a", 3), Row(None, 4))


@pytest.mark.parametrize("rows", [ROWS, Table(ROWS)], ids=["tuple", "table"])
@pytest.mark.parametrize(
    ("attribute", "value", "found"),
    [
        pytest.param("key", "a", [1, 3], id="in their order"),
        pytest.param("key", "b", [2], id="one"),
        pytest.param("key", None, [4], id="none is a value"),
        pytest.param("key", "c", [], id="no row"),
        pytest.param("value", 3, [3], id="another attribute"),
    ],
)
def test_rows(rows: tuple[Row, ...], attribute: str, value: object, found: list[int]) -> None:
    assert [row.value for row in rows_with(rows, attribute, value)] == found


def test_a_table_is_the_tuple_of_its_rows() -> None:
    assert Table(ROWS) == ROWS
    assert Table(()) == ()


def test_an_attribute_that_no_row_has_is_a_mistake() -> None:
    with pytest.raises(AttributeError):
        rows_with(Table(ROWS), "colour", "red")


def test_each_row_is_looked_at_once() -> None:
    looks = []

    class Watched:
        @property
        def key(self) -> str:
            looks.append(1)
            return "a"

    table = Table((Watched(), Watched()))
    for _ in range(5):
        assert len(rows_with(table, "key", "a")) == 2
    assert len(looks) == 2
