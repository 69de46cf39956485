"""What each host is asked in one round trip. Light to import: the hosts are asked before their answers can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.observe.helpers import function_name, helper_function
from tasks.observe.leaf_questions import leaf_commands
from tasks.observe.package import SYSTEM_FRAGMENT, VERSION_FRAGMENT
from tasks.observe.probe_questions import probe_commands
from tasks.observe.shell import IPROUTE, iproute
from tasks.render.sysctl import SYSCTL_FILE
from tasks.server.firewall.questions import firewall_commands

__all__ = [
    "CONFIG_PATH",
    "interfaces_command",
    "leaf_commands",
    "probe_commands",
    "server_commands",
    "state_commands",
]

CONFIG_PATH = "/etc/keepalived/keepalived.conf"
# All interfaces, so that the value is known of those too that only our file still names.
_ARP_ANNOUNCE = ("grep", "-H", ".", "/proc/sys/net/ipv4/conf/*/arp_announce")
_UNIT = "keepalived.service"
_STATE = "keepalived-json"
_LOOK = ("keepalived", "--signum=JSON")
_TIMES = ("--property=ExecMainStartTimestamp,ExecReload,StateChangeTimestamp", _UNIT)
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


def interfaces_command() -> Command:
    """Interfaces and their addresses, as JSON where iproute2 knows it: Enterprise Linux 7 has 4.11."""
    asked = iproute("interfaces", "ip", "addr", "show")
    return replace(asked, fragment=f"{IPROUTE}{asked.fragment}")


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
        *(firewall_commands() if firewall else ()),
        # Everybody may read these.
        Command(key="sysctl stat", argv=("stat", "-L", "-c", "%U %G %a %Y", SYSCTL_FILE)),
        Command(key="sysctl file", argv=("cat", SYSCTL_FILE)),
        Command(key="arp_announce", argv=_ARP_ANNOUNCE, fragment=" ".join(_ARP_ANNOUNCE)),
        Command(key="later", argv=_LOOK, sudo=True, helper=_STATE, fragment=_LATER.replace("@TURNS@", turns)),
        Command(key="looks", argv=("date", "+%s.%N"), fragment='echo "$vipbook_first_at $vipbook_later_at"'),
        # Behind the second look, so that addresses and states are of one moment.
        interfaces_command(),
    )
