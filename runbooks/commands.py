"""commands: what every host of an estate is asked, and as whom, for whoever has to allow it. Contacts nobody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runbooks.session import read_intent
from runbooks.verify import questions
from tasks.model.answer import Command
from tasks.model.asked import Asked
from tasks.observe.backups import backup_commands
from tasks.observe.helpers import function_name, helper_names
from tasks.observe.keepalived_files import declared_command

_CALLS = {function_name(name): name for name in helper_names()} | {
    "vipbook_vtysh": "frr-show",
    "vipbook_bridge": "bridge-fdb",
}
"""Shell functions that hosts are asked by, and the helper that each of them calls."""


def asked(inventory: Path, names: Sequence[str]) -> tuple[Asked, ...]:
    """What the hosts of these clusters are asked, in the order in which they are; IntentError for a wrong intent."""
    clusters = read_intent(inventory, need_secrets=False).select(tuple(names))
    servers = {server.name for cluster in clusters for server in cluster.servers}
    hosts: dict[Asked, list[str]] = {}
    for host, script in questions(clusters, {}).items():
        rows = [_row(each, "every look") for each in script.commands]
        if host in servers:
            rows += [_row(each, "before a change") for each in (declared_command(), *backup_commands())]
        for row in dict.fromkeys(rows):
            hosts.setdefault(row, []).append(host)
    return tuple(row.on(*found) for row, found in hosts.items())


def _row(command: Command, when: str) -> Asked:
    called = [name for call, name in _CALLS.items() if command.sudo and call in (command.fragment or "")]
    return Asked(command=command.title, root=command.sudo, when=when, script=called[0] if called else None)
