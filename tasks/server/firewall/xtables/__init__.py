"""What iptables prints and iptables-restore takes: more than one firewall fills its tables."""

from __future__ import annotations

import shlex

from tasks.model.answer import Command
from tasks.observe.helpers import fed_function, function_name

PROGRAMS = {4: "iptables", 6: "ip6tables"}
"""By IP version; each is the key of its answer, too."""
RULES = "firewall-rules"
"""The helper: a caller who reads nothing would hold the lock of iptables."""


def tables_commands() -> tuple[Command, ...]:
    """All rules of each family. The first defines the function that others may call."""
    return tuple(
        Command(
            key=program,
            argv=(program, "-w", "-S"),
            sudo=True,
            helper=RULES,
            fragment=f"{before}{function_name(RULES)} {shlex.join((program, program, '-w', '-S'))}",
        )
        for program, before in zip(PROGRAMS.values(), (fed_function(RULES), ""), strict=True)
    )
