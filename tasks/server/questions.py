"""What each host is asked in one round trip. Light to import: the hosts are asked before their answers can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.observe.iproute2 import parse_interfaces
from tasks.observe.question import Question
from tasks.observe.shell import iproute, shell
from tasks.render.sysctl import SYSCTL_FILE
from tasks.server.config_file import FileQuestion
from tasks.server.firewall.questions import firewall_commands
from tasks.server.keepalived.service import LOADED, STATES
from tasks.server.keepalived.state import BETWEEN, SECOND, first, later
from tasks.server.package import SYSTEM, VERSION
from tasks.server.sysctl import ARP_ANNOUNCE

CONFIG_PATH = "/etc/keepalived/keepalived.conf"


def state_commands() -> tuple[Command, ...]:
    """What keepalived itself reports of its instances, and nothing more."""
    return (first().command, SECOND.command)


CONFIG = FileQuestion(CONFIG_PATH, ("stat", "config"), sudo=True)
SYSCTL = FileQuestion(SYSCTL_FILE, ("sysctl stat", "sysctl file"))
"""Everybody may read it."""
_ADDRESSES = iproute("interfaces", "ip", "addr", "show")
INTERFACES = Question(replace(_ADDRESSES, fragment=f"{shell('iproute')}{_ADDRESSES.fragment}"), parse_interfaces)
"""Interfaces and their addresses, as JSON where iproute2 knows it: Enterprise Linux 7 has 4.11."""


def server_commands(clusters: Sequence[Cluster], *, firewall: bool = True) -> tuple[Command, ...]:
    """Everything that is asked of a server that is a member of these clusters.

    `firewall`: it costs a server time, so a poll goes without.
    """
    longest = max((cluster.advert_int for cluster in clusters), default=1.0)
    return (
        *(first().command, SYSTEM.command, VERSION.command, *CONFIG.commands, STATES.command, LOADED.command),
        *(firewall_commands() if firewall else ()),
        *(*SYSCTL.commands, ARP_ANNOUNCE.command, later(longest).command, BETWEEN.command),
        # Behind the second look, so that addresses and states are of one moment.
        INTERFACES.command,
    )
