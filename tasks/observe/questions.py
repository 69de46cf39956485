"""What each host is asked in one round trip. Light to import: the hosts are asked before their answers can be read."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.observe.helpers import fed_function, function_name, helper, helper_function
from tasks.observe.iproute2 import parse_interfaces
from tasks.observe.package import SYSTEM_FRAGMENT, VERSION_FRAGMENT
from tasks.observe.probe_questions import probe_commands
from tasks.observe.question import Question
from tasks.observe.shell import IPROUTE, NOT_ASKED, iproute
from tasks.render.sysctl import SYSCTL_FILE

__all__ = [
    "CONFIG_PATH",
    "FIREWALL_FILES",
    "INTERFACES",
    "NFTABLES_SNIPPET",
    "probe_commands",
    "server_commands",
    "state_commands",
]

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
# All interfaces, so that the value is known of those too that only our file still names.
_ARP_ANNOUNCE = ("grep", "-H", ".", "/proc/sys/net/ipv4/conf/*/arp_announce")
_UNIT = "keepalived.service"
_STATE = "keepalived-json"
_RULES = "firewall-rules"
_LOOK = ("keepalived", "--signum=JSON")
_TIMES = ("--property=ExecMainStartTimestamp,ExecReload,StateChangeTimestamp", _UNIT)
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
# systemd before 247 knows no --timestamp, and prints the local time in whole seconds.
_LOADED = """
systemctl show --timestamp=us+utc @WORDS@ 2>/dev/null || TZ=UTC systemctl show @WORDS@
"""
_JSON = """
vipbook_first=$(vipbook_keepalived_json) && vipbook_first_at=$(date +%s.%N) && printf '%s\\n' "$vipbook_first"
"""
# A backup hears an advert each interval. Wait for the next one, so that the counter proves that adverts arrive now;
# every look is a line in keepalived's log, so not too often. Every row is "number state adverts", and a row of a backup
# (state 1) that stands unchanged is still waiting.
_LATER = """
vipbook_rows() {
    printf '%s' "$1" | tr -d ' \\n\\t' | grep -oE '"(state|advert_rcvd)":[0-9]+' |
        awk -F: '/state/ { state = $2 } /advert_rcvd/ { print NR, state, $2 }'
}
vipbook_before=$(vipbook_rows "$vipbook_first")
vipbook_turn=0
while :; do
    vipbook_later=$(vipbook_keepalived_json)
    vipbook_result=$?
    vipbook_waiting=$(vipbook_rows "$vipbook_later" | grep ' 1 ' | grep -Fx "$vipbook_before")
    [ -n "$vipbook_waiting" ] && [ "$vipbook_turn" -lt @TURNS@ ] || break
    vipbook_turn=$((vipbook_turn + 1))
    sleep 0.25
done
vipbook_later_at=$(date +%s.%N)
printf '%s\\n' "$vipbook_later"
(exit "$vipbook_result")
"""


def state_commands() -> tuple[Command, ...]:
    """What keepalived itself tells of its instances, and nothing more."""
    return (_first_look(), Command(key="later", argv=_LOOK, sudo=True, helper=_STATE, fragment=function_name(_STATE)))


def _first_look() -> Command:
    return Command(key="json", argv=_LOOK, sudo=True, helper=_STATE, fragment=f"{helper_function(_STATE)}{_JSON}")


def _rules(program: str, before: str = "") -> Command:
    """What runs, by a helper: a caller who reads nothing would hold the lock of iptables. `before` defines it."""
    argv = (program, "-w", "-S")
    fragment = f"{before}{function_name(_RULES)} {shlex.join((program, *argv))}"
    return Command(key=program, argv=argv, sudo=True, helper=_RULES, fragment=fragment)


_ADDRESSES = iproute("interfaces", "ip", "addr", "show")
INTERFACES = Question(replace(_ADDRESSES, fragment=f"{IPROUTE}{_ADDRESSES.fragment}"), parse_interfaces)
"""Interfaces and their addresses, as JSON where iproute2 knows it: Enterprise Linux 7 has 4.11."""


def server_commands(clusters: Sequence[Cluster], *, firewall: bool = True) -> tuple[Command, ...]:
    """Everything that is asked of a server that is a member of these clusters.

    `firewall`: it costs a server time, so a poll goes without.
    """
    longest = max((cluster.advert_int for cluster in clusters), default=1.0)
    turns = str(int((1.2 * longest + 0.5) / 0.25) + 1)
    return (
        _first_look(),
        Command(key="system", argv=("cat", "/etc/os-release"), fragment=SYSTEM_FRAGMENT),
        Command(key="package", argv=("dpkg-query or rpm", "keepalived"), fragment=VERSION_FRAGMENT),
        Command(key="stat", argv=("stat", "-L", "-c", "%U %G %a %Y", CONFIG_PATH), sudo=True),
        Command(key="config", argv=("cat", CONFIG_PATH), sudo=True),
        Command(
            key="service",
            argv=("systemctl", "show", "--property=ActiveState,UnitFileState,MainPID,LoadState", _UNIT),
        ),
        Command(
            key="loaded",
            argv=("systemctl", "show", "--timestamp=us+utc", *_TIMES),
            fragment=_LOADED.replace("@WORDS@", " ".join(_TIMES)),
        ),
        *(_firewall_commands() if firewall else ()),
        # Everybody may read these.
        Command(key="sysctl stat", argv=("stat", "-L", "-c", "%U %G %a %Y", SYSCTL_FILE)),
        Command(key="sysctl file", argv=("cat", SYSCTL_FILE)),
        Command(key="arp_announce", argv=_ARP_ANNOUNCE, fragment=" ".join(_ARP_ANNOUNCE)),
        Command(key="later", argv=_LOOK, sudo=True, helper=_STATE, fragment=_LATER.replace("@TURNS@", turns)),
        Command(key="looks", argv=("date", "+%s.%N"), fragment='echo "$vipbook_first_at $vipbook_later_at"'),
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
