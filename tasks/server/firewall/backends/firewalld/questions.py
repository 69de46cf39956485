"""firewalld reports everything itself, while it runs."""

from __future__ import annotations

from tasks.model.answer import Command
from tasks.observe.helpers import helper
from tasks.server.firewall.backend import Questions

UNIT = "firewalld.service"
KEY = "firewalld"


def _commands() -> tuple[Command, ...]:
    argv = ("firewall-cmd", "--list-all-zones")
    return (helper(KEY, "firewalld", argv=argv, when=f"systemctl is-active --quiet {UNIT}"),)


QUESTIONS = Questions(units=(UNIT,), commands=_commands)
