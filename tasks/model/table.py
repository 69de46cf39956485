"""Rows of a table that many VIPs look into: parsed once, and found by an index that is made once."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Table(tuple[T, ...]):  # noqa: SLOT001 - a tuple subclass with a slot for its indexes is not allowed by Python
    """A tuple of rows that remembers which of them have which value of an attribute, once somebody has asked."""

    def rows_with(self, attribute: str, value: object) -> tuple[T, ...]:
        """The rows whose attribute has this value, in their order."""
        indexes: dict[str, dict[object, tuple[T, ...]]] = self.__dict__.setdefault("indexes", {})
        if attribute not in indexes:
            found: dict[object, list[T]] = {}
            for row in self:
                found.setdefault(getattr(row, attribute), []).append(row)
            indexes[attribute] = {key: tuple(rows) for key, rows in found.items()}
        return indexes[attribute].get(value, ())


def rows_with(rows: tuple[T, ...], attribute: str, value: object) -> tuple[T, ...]:
    """Look rows up by a value: in a Table at the price of one look, in another tuple of each row."""
    if isinstance(rows, Table):
        return rows.rows_with(attribute, value)
    return tuple(row for row in rows if getattr(row, attribute) == value)
