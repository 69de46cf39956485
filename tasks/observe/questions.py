"""What each host is asked in one round trip. Light to import: the hosts are asked before their answers can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.observe.leaf_questions import leaf_commands
from tasks.observe.nft_questions import includes_fragment
from tasks.observe.package import SYSTEM_FRAGMENT, VERSION_FRAGMENT
from tasks.observe.probe_questions import probe_commands
from tasks.observe.shell import IPROUTE, NOT_ASKED, iproute
from tasks.render.sysctl import SYSCTL_FILE

__all__ = [
    "CONFIG_PATH",
    "FIREWALL_FILES",
    "NFTABLES_SNIPPET",
    "interfaces_command",
    "leaf_commands",
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
"""What the firewalls load at boot; read as far as they are there."""
# All interfaces, so that the value is known of those too that only our file still names.
_ARP_ANNOUNCE = ("grep", "-H", ".", "/proc/sys/net/ipv4/conf/*/arp_announce")
_UNIT = "keepalived.service"
_TIMES = ("--property=ExecMainStartTimestamp,ExecReload,StateChangeTimestamp", _UNIT)
_MANAGERS = (
    *("firewalld.service", "ufw.service", "nftables.service"),
    # Debian's, and Enterprise Linux's two.
    *("netfilter-persistent.service", "iptables.service", "ip6tables.service"),
)

# Where it runs alone: firewall-cmd takes a quarter of a second, so its questions go side by side.
_FIREWALLD = """
if systemctl is-active --quiet firewalld.service; then
    vipbook_said=$(mktemp -d) || exit 5
    vipbook_ask() {
        vipbook_into=$vipbook_said/$1
        shift
        sudo -n firewall-cmd "$@" > "$vipbook_into" || printf '== status %s\\n' "$?" >> "$vipbook_into"
    }
    vipbook_ask runtime --list-all-zones &
    vipbook_ask permanent --permanent --list-all-zones &
    vipbook_ask default --get-default-zone &
    vipbook_ask version --version &
    vipbook_ask policies --list-all-policies &
    vipbook_ask 'permanent policies' --permanent --list-all-policies &
    vipbook_ask 'direct rules' --direct --get-all-rules &
    vipbook_ask 'direct passthroughs' --direct --get-all-passthroughs &
    # grep's status for no such file: without it nothing of the kind is permanent, and two questions less are asked.
    sudo -n grep -qs . /etc/firewalld/direct.xml
    if [ $? -eq 2 ]; then
        : > "$vipbook_said/permanent direct rules"
        : > "$vipbook_said/permanent direct passthroughs"
    else
        vipbook_ask 'permanent direct rules' --permanent --direct --get-all-rules &
        vipbook_ask 'permanent direct passthroughs' --permanent --direct --get-all-passthroughs &
    fi
    sudo -n grep -s '^IPv6_rpfilter=' /etc/firewalld/firewalld.conf > "$vipbook_said/rpfilter"
    wait
    for vipbook_name in version default runtime permanent rpfilter policies 'permanent policies' 'direct rules' \\
        'direct passthroughs' 'permanent direct rules' 'permanent direct passthroughs'
    do
        printf '== %s\\n' "$vipbook_name"
        cat "$vipbook_said/$vipbook_name"
        rm -f "$vipbook_said/$vipbook_name"
    done
    rmdir "$vipbook_said"
else
    (exit @NOT_ASKED@)
fi
"""
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
    if sudo -n grep -qs '^filter$' "/proc/net/$2" && iptables -V | grep -q nf_tables &&
        command -v "$1-legacy" >/dev/null 2>&1
    then
        sudo -n "$1-legacy" -w -S INPUT
    fi
}
vipbook_legacy iptables ip_tables_names && printf '== ip6\\n' && vipbook_legacy ip6tables ip6_tables_names
"""
# Whether a file is there is no secret, and asking without sudo saves most of the time that this takes. A newline of our
# own in front of each mark, so that a file that ends without one comes out as it is.
_FILES = """
for vipbook_path in @PATHS@; do
    printf '\\n== %s\\n' "$vipbook_path"
    if [ -e "$vipbook_path" ]; then sudo -n cat "$vipbook_path" || exit 1; else echo '== none'; fi
done
"""
# systemd before 247 knows no --timestamp, and prints the local time in whole seconds.
_LOADED = """
systemctl show --timestamp=us+utc @WORDS@ 2>/dev/null || TZ=UTC systemctl show @WORDS@
"""
# keepalived writes its state where its own /tmp is (a unit with PrivateTmp has another one), after the signal whose
# number it tells itself. An old file goes first, so that what is read is never an older state, and ours goes
# afterwards, because the password stands in it.
_JSON = """
vipbook_json() {
    vipbook_pid=$(systemctl show --property=MainPID keepalived.service)
    vipbook_pid=${vipbook_pid#MainPID=}
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
vipbook_first=$(vipbook_json) && vipbook_first_at=$(date +%s.%N) && printf '%s\\n' "$vipbook_first"
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
vipbook_later_at=$(date +%s.%N)
printf '%s\\n' "$vipbook_later"
(exit "$vipbook_result")
"""


def state_commands() -> tuple[Command, ...]:
    """What keepalived itself tells of its instances, and nothing more."""
    return (
        Command(key="json", argv=("keepalived", "--signum=JSON"), fragment=_JSON),
        Command(key="later", argv=("keepalived", "--signum=JSON"), fragment="vipbook_json"),
    )


def interfaces_command() -> Command:
    """Interfaces and their addresses, as JSON where iproute2 knows it: Enterprise Linux 7 has 4.11."""
    asked = iproute("interfaces", "ip", "addr", "show")
    return replace(asked, fragment=f"{IPROUTE}{asked.fragment}")


def server_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """Everything that is asked of a server that is a member of these clusters."""
    longest = max((cluster.advert_int for cluster in clusters), default=1.0)
    turns = str(int((1.2 * longest + 0.5) / 0.25) + 1)
    return (
        Command(key="json", argv=("keepalived", "--signum=JSON"), fragment=_JSON),
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
        Command(key="units", argv=("systemctl", "show", "--property=Id,ActiveState,UnitFileState", *_MANAGERS)),
        Command(key="iptables", argv=("iptables", "-w", "-S"), sudo=True),
        Command(key="ip6tables", argv=("ip6tables", "-w", "-S"), sudo=True),
        Command(key="iptables-legacy", argv=("iptables-legacy", "-w", "-S", "INPUT"), sudo=True, fragment=_LEGACY),
        Command(key="ruleset", argv=("nft", "-j", "list", "ruleset"), sudo=True),
        Command(
            key="firewall files",
            argv=("cat", *FIREWALL_FILES),
            sudo=True,
            fragment=_FILES.replace("@PATHS@", " ".join(FIREWALL_FILES)),
            # They are edited and written back, and others' comments in them may be Latin-1.
            exact=True,
        ),
        Command(
            key="nftables includes",
            argv=("grep", "include", *_NFTABLES_FILES),
            sudo=True,
            fragment=includes_fragment(_NFTABLES_FILES, NFTABLES_SNIPPET),
        ),
        Command(
            key="firewalld",
            argv=("firewall-cmd", "--list-all-zones"),
            sudo=True,
            fragment=_FIREWALLD.replace("@NOT_ASKED@", str(NOT_ASKED)),
        ),
        Command(
            key="ufw",
            argv=("ufw", "--dry-run", "allow", "proto", "vrrp", "from", "192.0.2.1"),
            sudo=True,
            fragment=_UFW.replace("@NOT_ASKED@", str(NOT_ASKED)),
        ),
        # Everybody may read these.
        Command(key="sysctl stat", argv=("stat", "-L", "-c", "%U %G %a %Y", SYSCTL_FILE)),
        Command(key="sysctl file", argv=("cat", SYSCTL_FILE)),
        Command(key="arp_announce", argv=_ARP_ANNOUNCE, fragment=" ".join(_ARP_ANNOUNCE)),
        Command(key="later", argv=("keepalived", "--signum=JSON"), fragment=_LATER.replace("@TURNS@", turns)),
        Command(key="looks", argv=("date", "+%s.%N"), fragment='echo "$vipbook_first_at $vipbook_later_at"'),
        # Behind the second look, so that addresses and states are of one moment.
        interfaces_command(),
    )
