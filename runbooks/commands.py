"""commands: what every host of an estate is asked, and as which user, for those who grant privileges. Offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runbooks.session import read_intent
from runbooks.verify import questions
from tasks.model.answer import Command
from tasks.model.asked import Asked
from tasks.server.backups import BACKUPS
from tasks.server.keepalived.files import declared_question


def asked(inventory: Path, names: Sequence[str]) -> tuple[Asked, ...]:
    """What the hosts of these clusters are asked, in the order in which they are; IntentError for a wrong intent."""
    clusters = read_intent(inventory, need_secrets=False).select(tuple(names))
    servers = {server.name for cluster in clusters for server in cluster.servers}
    hosts: dict[Asked, list[str]] = {}
    for host, script in questions(clusters, {}).items():
        rows = [_row(each, "every look") for each in script.commands]
        if host in servers:
            rows += [_row(each, "before a change") for each in (declared_question().command, BACKUPS.command)]
        for row in dict.fromkeys(rows):
            hosts.setdefault(row, []).append(host)
    return tuple(replace(row, hosts=tuple(found)) for row, found in hosts.items())


def _row(command: Command, when: str) -> Asked:
    return Asked(
        command=command.title.removeprefix("sudo "),
        privilege="root" if command.sudo else "user",
        helper=command.helper,
        when=when,
    )
