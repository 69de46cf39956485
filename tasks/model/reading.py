"""What was read: "could not look" (Unread) is another type than "looked and found nothing"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from tasks.model.answer import Answer

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T]):
    """Something that was read, with the answer it was read from."""

    value: T
    source: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Something that could not be read; `source` is None when the host did not answer at all."""

    reason: str
    source: Answer | None


Reading = Read[T] | Unread
