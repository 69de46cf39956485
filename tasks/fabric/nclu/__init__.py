"""NCLU (Cumulus Linux 3 and 4): `net` passes FRR's words on, and its `json` is FRR's own."""

from __future__ import annotations

from tasks.fabric.system import LeafSystem, instead
from tasks.model.answer import Command


def _command(key: str, words: str) -> Command:
    return instead(f"{key} nclu", "net", *words.split())


SYSTEM = LeafSystem(program="net", ask=lambda show, values: show.passed_on(_command, values))
