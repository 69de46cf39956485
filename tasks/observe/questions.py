"""What each host is asked in one round trip. Light to import: the hosts are asked before their answers can be read."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.observe.leaf_questions import leaf_commands
from tasks.observe.probe_questions import probe_commands
from tasks.render.sysctl import SYSCTL_FILE

__all__ = [
    "CONFIG_PATH",
    "IPTABLES_FILE",
    "NFTABLES_FILE",
    "NFTABLES_SNIPPET",
    "leaf_commands",
    "probe_commands",
    "server_commands",
]

CONFIG_PATH = "/etc/keepalived/keepalived.conf"
IPTABLES_FILE = "/etc/iptables/rules.v4"
NFTABLES_FILE = "/etc/nftables.conf"
NFTABLES_SNIPPET = "/etc/nftables-vipbook.nft"
# All interfaces, so that the value is known of those too that only our file still names.
_ARP_ANNOUNCE = ("grep", "-H", ".", "/proc/sys/net/ipv4/conf/*/arp_announce")
_UNIT = "keepalived.service"
_MANAGERS = ("firewalld.service", "ufw.service", "nftables.service", "netfilter-persistent.service", "iptables.service")

# keepalived writes its state where its own /tmp is (a unit with PrivateTmp has another one), after the signal whose
# number it tells itself. An old file goes first, so that what is read is never an older state, and ours goes
# afterwards, because the password stands in it.
_JSON = """
vipbook_json() {
    vipbook_pid=$(systemctl show --property=MainPID --value keepalived.service)
    [ "${vipbook_pid:-0}" -gt 0 ] || { echo 'keepalived is not running' >&2; return 3; }
    vipbook_signal=$(keepalived --signum=JSON 2>/dev/null) || { echo 'keepalived is built without JSON' >&2; return 4; }
    vipbook_file=/proc/$vipbook_pid/root/tmp/keepalived.json
    [ -n "$vipbook_swept" ] || sudo -n rm -f "$vipbook_file" || return 5
    vipbook_swept=yes
    sudo -n systemctl kill --kill-who=main "--signal=$vipbook_signal" keepalived.service || return 5
    vipbook_try=0
    while [ "$vipbook_try" -lt 60 ]; do
        sleep 0.02
        vipbook_text=$(sudo -n cat "$vipbook_file" 2>/dev/null)
        case $vipbook_text in *]|*\\})
            printf '%s\\n' "$vipbook_text"
            sudo -n rm -f "$vipbook_file"
            return 0 ;;
        esac
        vipbook_try=$((vipbook_try + 1))
    done
    echo 'keepalived wrote no JSON within 2 s' >&2
    return 6
}
vipbook_first=$(vipbook_json) && printf '%s\\n' "$vipbook_first"
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
    vipbook_later=$(vipbook_json)
    vipbook_result=$?
    vipbook_waiting=$(vipbook_rows "$vipbook_later" | grep ' 1 ' | grep -Fx "$vipbook_before")
    [ -n "$vipbook_waiting" ] && [ "$vipbook_turn" -lt @TURNS@ ] || break
    vipbook_turn=$((vipbook_turn + 1))
    sleep 0.25
done
printf '%s\\n' "$vipbook_later"
(exit "$vipbook_result")
"""


def server_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """Everything that is asked of a server that is a member of these clusters."""
    longest = max((cluster.advert_int for cluster in clusters), default=1.0)
    turns = str(int((1.2 * longest + 0.5) / 0.25) + 1)
    return (
        Command(key="json", argv=("keepalived", "--signum=JSON"), fragment=_JSON),
        Command(key="package", argv=("dpkg-query", "-W", "-f=${Version} ${db:Status-Status}\\n", "keepalived")),
        Command(key="stat", argv=("stat", "-c", "%U %G %a %Y", CONFIG_PATH), sudo=True),
        Command(key="config", argv=("cat", CONFIG_PATH), sudo=True),
        Command(
            key="service",
            argv=("systemctl", "show", "--property=ActiveState,UnitFileState,MainPID,LoadState", _UNIT),
        ),
        Command(
            key="loaded",
            argv=("systemctl", "show", "--timestamp=us+utc", "--property=ExecMainStartTimestamp,ExecReload", _UNIT),
        ),
        Command(key="units", argv=("systemctl", "show", "--property=Id,ActiveState,UnitFileState", *_MANAGERS)),
        Command(key="iptables", argv=("iptables", "-w", "-S", "INPUT"), sudo=True),
        Command(key="ruleset", argv=("nft", "-j", "list", "ruleset"), sudo=True),
        Command(key="rules.v4", argv=("cat", IPTABLES_FILE), sudo=True),
        Command(key="nftables.conf", argv=("cat", NFTABLES_FILE), sudo=True),
        Command(key="snippet", argv=("cat", NFTABLES_SNIPPET), sudo=True),
        # Everybody may read these.
        Command(key="sysctl stat", argv=("stat", "-c", "%U %G %a %Y", SYSCTL_FILE)),
        Command(key="sysctl file", argv=("cat", SYSCTL_FILE)),
        Command(key="arp_announce", argv=_ARP_ANNOUNCE, fragment=" ".join(_ARP_ANNOUNCE)),
        Command(key="later", argv=("keepalived", "--signum=JSON"), fragment=_LATER.replace("@TURNS@", turns)),
        # Behind the second look, so that addresses and states are of one moment.
        Command(key="interfaces", argv=("ip", "-j", "addr", "show")),
    )
