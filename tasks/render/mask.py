"""Text of keepalived's, fit to be shown."""

from __future__ import annotations

import re

from tasks.model.text import readable

_SECRET = re.compile(r"(\bauth_(?:pass|hmac\w*)[ \t]+)(\"[^\"\n]*\"|\S+)")
# keepalived's own state dump holds the password in clear.
_DUMPED = re.compile(r'("auth_(?:data|pass)"\s*:\s*)"(?:[^"\\]|\\.)*"')


def masked(text: str) -> str:
    """The same configuration, or the same JSON of keepalived, with every password as `***`; valid UTF-8."""
    return _DUMPED.sub(r'\1"***"', _SECRET.sub(r"\1***", readable(text)))


def plain(text: str) -> str:
    """Masked, and without control characters: what a host says must not drive the terminal."""
    return masked("".join(sign for sign in text if sign.isprintable() or sign in "\n\t"))
