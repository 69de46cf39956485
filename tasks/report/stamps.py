"""Times in reports."""

from __future__ import annotations

from datetime import datetime


def stamp(at: datetime) -> str:
    """UTC with milliseconds, as `2026-01-01T00:00:00.000Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
