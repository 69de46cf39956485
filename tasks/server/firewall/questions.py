"""What is asked about the firewall of a server, whichever it turns out to be. Light to import."""

from __future__ import annotations

from functools import cache

from tasks.model.answer import Command
from tasks.observe.helpers import helper
from tasks.server.firewall.backend import Questions
from tasks.server.firewall.backends import parts
from tasks.server.firewall.xtables import tables_commands

KINDS = parts(Questions, "questions")
UNITS = tuple(unit for each in KINDS for unit in each.units)
FILES = tuple(path for each in KINDS for path in each.files)
"""What the firewalls load at boot, as templates/helpers/firewall-files has them."""
BY_STATUS = frozenset(key for each in KINDS for key in each.by_status)


@cache
def firewall_commands() -> tuple[Command, ...]:
    """All questions, in the order in which the first that fails is reported."""
    return (
        Command(key="units", argv=("systemctl", "show", "--property=Id,ActiveState,UnitFileState", *UNITS)),
        *tables_commands(),
        # They are edited and written back, and others' comments in them may be Latin-1.
        helper("firewall files", "firewall-files", argv=("cat", *FILES), exact=True),
        *(command for each in KINDS for command in each.commands()),
    )
