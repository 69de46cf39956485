"""What each host is asked in one round trip. Light to import: the hosts are asked before their answers can be read."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.observe.config_file import FileQuestion
from tasks.observe.helpers import fed_function, function_name, helper
from tasks.observe.iproute2 import parse_interfaces
from tasks.observe.keepalived_json import BETWEEN, SECOND, first, later
from tasks.observe.package import SYSTEM, VERSION
from tasks.observe.question import Question
from tasks.observe.service import LOADED, STATES
from tasks.observe.shell import NOT_ASKED, iproute, shell
from tasks.observe.sysctl import ARP_ANNOUNCE
from tasks.render.sysctl import SYSCTL_FILE

CONFIG_PATH = "/etc/keepalived/keepalived.conf"
NFTABLES_SNIPPET = "/etc/nftables-vipbook.nft"
_NFTABLES_FILES = ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf")
FIREWALL_FILES = (
    # Debian's and Enterprise Linux's.
    *("/etc/iptables/rules.v4", "/etc/sysconfig/iptables"),
    *("/etc/iptables/rules.v6", "/etc/sysconfig/ip6tables"),
    *_NFTABLES_FILES,
    NFTABLES_SNIPPET,
    *(f"/etc/ufw/{name}.rules" for name in ("user", "user6", "before", "before6")),
    "/etc/default/ufw",
)
"""What the firewalls load at boot, as templates/helpers/firewall-files has them."""
_RULES = "firewall-rules"
_MANAGERS = (
    *("firewalld.service", "ufw.service", "nftables.service"),
    # Debian's, and Enterprise Linux's two.
    *("netfilter-persistent.service", "iptables.service", "ip6tables.service"),
)

_UFW = """
if grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf; then
    sudo -n ufw --dry-run allow proto vrrp from 192.0.2.1 >/dev/null
else
    (exit @NOT_ASKED@)
fi
"""
# The tables of the older kernel interface are beside iptables-nft's, and `iptables -S` does not show them.
_LEGACY = """
vipbook_legacy() {
    if [ -e "/proc/net/$2" ] && sudo -n grep -qs '^filter$' "/proc/net/$2" && iptables -V | grep -q nf_tables &&
        command -v "$1-legacy" >/dev/null 2>&1
    then
        vipbook_firewall_rules "$1-legacy" "$1-legacy" -w -S INPUT
    fi
}
vipbook_legacy iptables ip_tables_names && printf '== ip6\\n' && vipbook_legacy ip6tables ip6_tables_names
"""


def state_commands() -> tuple[Command, ...]:
    """What keepalived itself tells of its instances, and nothing more."""
    return (first().command, SECOND.command)


def _rules(program: str, before: str = "") -> Command:
    """What runs, by a helper: a caller who reads nothing would hold the lock of iptables. `before` defines it."""
    argv = (program, "-w", "-S")
    fragment = f"{before}{function_name(_RULES)} {shlex.join((program, *argv))}"
    return Command(key=program, argv=argv, sudo=True, helper=_RULES, fragment=fragment)


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
        *(_firewall_commands() if firewall else ()),
        *(*SYSCTL.commands, ARP_ANNOUNCE.command, later(longest).command, BETWEEN.command),
        # Behind the second look, so that addresses and states are of one moment.
        INTERFACES.command,
    )


def _firewall_commands() -> tuple[Command, ...]:
    return (
        Command(key="units", argv=("systemctl", "show", "--property=Id,ActiveState,UnitFileState", *_MANAGERS)),
        _rules("iptables", fed_function(_RULES)),
        _rules("ip6tables"),
        Command(
            key="iptables-legacy",
            argv=("iptables-legacy", "-w", "-S", "INPUT"),
            sudo=True,
            helper=_RULES,
            fragment=_LEGACY,
        ),
        Command(key="ruleset", argv=("nft", "-j", "list", "ruleset"), sudo=True),
        # They are edited and written back, and others' comments in them may be Latin-1.
        helper("firewall files", "firewall-files", argv=("cat", *FIREWALL_FILES), exact=True),
        helper(
            "nftables includes",
            "nftables-includes",
            argv=("grep", "include", *_NFTABLES_FILES),
            when=" || ".join(f"[ -e {path} ]" for path in _NFTABLES_FILES),
        ),
        helper(
            "firewalld",
            "firewalld",
            argv=("firewall-cmd", "--list-all-zones"),
            when="systemctl is-active --quiet firewalld.service",
        ),
        Command(
            key="ufw",
            argv=("ufw", "--dry-run", "allow", "proto", "vrrp", "from", "192.0.2.1"),
            sudo=True,
            fragment=_UFW.replace("@NOT_ASKED@", str(NOT_ASKED)),
        ),
    )
