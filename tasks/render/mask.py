"""Configuration text, fit to be shown."""

from __future__ import annotations

import re

_SECRET = re.compile(r"(\bauth_(?:pass|hmac\w*)[ \t]+)(\"[^\"\n]*\"|[^\s}]+)")


def masked(text: str) -> str:
    """The same keepalived configuration with every password as `***`."""
    return _SECRET.sub(r"\1***", text)
