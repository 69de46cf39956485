"""A MAC address that is normalised once."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEPARATORS = re.compile(r"[:.\-]")
_SHAPE = re.compile(
    r"(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{12})\Z"
)


@dataclass(frozen=True, slots=True, order=True)
class MacAddress:
    """Six octets in lower case with colons, as the kernel and FRR print them."""

    text: str

    def __post_init__(self) -> None:
        """Normalise, or raise ValueError for anything that is not a MAC address."""
        lowered = self.text.strip().lower()
        if not _SHAPE.match(lowered):
            msg = f"not a MAC address: {self.text!r}"
            raise ValueError(msg)
        digits = _SEPARATORS.sub("", lowered)
        object.__setattr__(self, "text", ":".join(digits[i : i + 2] for i in range(0, 12, 2)))

    @property
    def is_group(self) -> bool:
        """Multicast or broadcast: no host has it."""
        return bool(int(self.text[:2], 16) & 1)

    def __str__(self) -> str:
        return self.text
