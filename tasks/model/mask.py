"""Text of keepalived's, fit to be shown."""

from __future__ import annotations

import re

from tasks.model.bounds import MIB, SAID_MOST
from tasks.model.text import clipped, readable, visible

_SHOWN_MOST = MIB // 4
"""Characters of one text on a screen; a whole keepalived.conf is shorter."""

# Sentences of our own name the keyword too; what follows it there is no password.
_PROSE = r"(?!changes, and while one |changes \(both shown as |differs \(shown as )"
_SECRET = re.compile(rf"(\bauth_(?:pass|hmac\w*)[ \t]+){_PROSE}(\"[^\"\n]*\"|\S+)")
# A definition may hold the password, or a whole block with it, over several lines; which one does, an included file may
# tell alone. In a comment and in a diff as well, and behind the condition that keepalived allows in front of a line.
_DEFINED = re.compile(r"^([-+ \t#!]*(?:@\S+[ \t]+)?\$\w+[ \t]*=[ \t]*)((?:\\\r?\n|[^\n])*)", re.MULTILINE)
# keepalived's own state dump holds the password in clear; a text may be cut within it.
_DUMPED = re.compile(r'("auth_(?:data|pass)"\s*:\s*)"(?:[^"\\]|\\.)*(?:"|\\?\Z)')


def masked(text: str) -> str:
    """The same configuration, or the same JSON of keepalived, with every password as `***`; valid UTF-8."""
    text = _DEFINED.sub(_undefined, readable(text))
    return _DUMPED.sub(r'\1"***"', _SECRET.sub(r"\1***", text))


def _undefined(found: re.Match[str]) -> str:
    """The definition without its value; what ends the line stays, a carriage return too."""
    value = found[2]
    return f"{found[1]}***{value[len(value.rstrip()) :]}" if value.strip() else found[0]


def said(text: str) -> str:
    """One sentence of a report: masked, and no longer than one."""
    return clipped(masked(text), SAID_MOST)


def plain(text: str) -> str:
    """The gate to everything that people see: masked, nothing in it drives a terminal, and no text without an end."""
    shown = masked(text)
    bare = "".join(sign for sign in shown if sign.isprintable() or sign in "\n\t")
    if bare != shown and (hidden := masked(bare)) != bare:
        # A sign that nobody sees, within the keyword, must not uncover the password behind it.
        shown = hidden
    return visible(clipped(shown, _SHOWN_MOST))
