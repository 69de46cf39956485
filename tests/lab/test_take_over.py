"""Servers that others configured: what would be lost is said, nothing is replaced unasked, and never two masters."""

from __future__ import annotations

import signal
import subprocess
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.conftest import NAME, VIPBOOK, Fabric, eventually
from tests.lab.test_apply import leftovers, snapshot

pytestmark = pytest.mark.lab
OWN = {"H1": ("100.65.0.11", "100.65.0.12", 100), "H2": ("100.65.0.12", "100.65.0.11", 1)}
SECOND = """\
vrrp_instance VI_2 {
    state BACKUP
    interface enp0s8
    virtual_router_id 52
    priority PRIORITY
    virtual_ipaddress {
        100.65.0.99/32 dev enp0s8
    }
}
"""
FIRST = """\
! by hand
global_defs {
    router_id LVS_OWN
    smtp_server 127.0.0.1
}
$ADDRESS=100.65.0.10/PREFIX
vrrp_script chk_app {
    script "/usr/bin/true"
    interval 2
}
include conf.d/*.conf
vrrp_instance VI_1 {
    state BACKUP
    interface enp0s8
    virtual_router_id VRID
    priority PRIORITY
    advert_int 1
    CAST
    authentication {
        auth_type PASS
        auth_pass AUTH
    }
    track_script {
        chk_app
    }
    virtual_ipaddress {
        $ADDRESS dev enp0s8
    }
}
virtual_server 100.65.0.10 80 {
    delay_loop 6
    protocol TCP
    real_server 100.65.0.31 80 {
        weight 1
    }
}
static_routes {
    198.51.100.0/24 via 100.65.0.1 dev enp0s8
}
"""
# This kernel has no IPVS, and keepalived ends without it: its VRRP alone runs, and the file has the virtual server.
START = """
mkdir -p /etc/keepalived/conf.d
command -v keepalived >/dev/null || apt-get install -y keepalived >/dev/null 2>&1
[ -e /root/default ] || cp -a /etc/default/keepalived /root/default
echo 'DAEMON_ARGS="--vrrp MORE"' > /etc/default/keepalived
if [ -e /etc/iptables/rules.v4 ] && iptables -S INPUT | grep -q REJECT; then
    iptables -C INPUT -p vrrp -j ACCEPT 2>/dev/null || iptables -I INPUT -p vrrp -j ACCEPT
else
    nft list chain inet filter input | grep -q 'by hand' ||
        nft insert rule inet filter input ip protocol vrrp accept comment '"by hand"'
fi
systemctl enable keepalived 2>/dev/null
systemctl reset-failed keepalived
systemctl restart keepalived
"""
# How often a server is looked at is what the machine allows: some ten milliseconds.
SAMPLE = """
rm -f /tmp/enough
while [ ! -e /tmp/enough ]; do
    began=$(date +%s.%N)
    held=$(ip -4 -o addr show | grep -c ' 100.65.0.10/')
    echo "$began $held $(date +%s.%N)"
done
"""


def write(fabric: Fabric, host: str, path: str, text: str) -> None:
    fabric.shell(host, "sh", "-c", f"mkdir -p $(dirname {path}); cat > {path} <<'END'\n{text}END\n")


def by_hand(
    fabric: Fabric, *, vrid: int = 11, auth: str = "", unicast: bool = False, prefix: int = 32, args: str = ""
) -> None:
    """Both servers as somebody configured them who knows nothing of vipbook; H1 is master at the end."""
    for host, (own, peer, priority) in OWN.items():
        cast = f"unicast_src_ip {own}\n    unicast_peer {{\n        {peer}\n    }}" if unicast else ""
        words = {"OWN": own, "PREFIX": str(prefix), "VRID": str(vrid), "AUTH": auth or fabric.secret, "CAST": cast}
        text = FIRST.replace("PRIORITY", str(priority))
        for mark, word in words.items():
            text = text.replace(mark, word)
        write(fabric, host, "/etc/keepalived/keepalived.conf", text)
        write(fabric, host, "/etc/keepalived/conf.d/second.conf", SECOND.replace("PRIORITY", str(priority)))
        fabric.shell(host, "sh", "-c", START.replace("MORE", args))
    for vip in ("100.65.0.10", "100.65.0.99"):
        eventually(lambda vip=vip: held(fabric, vip=vip), lambda now: now == ["H1"], 30)


def held(fabric: Fabric, hosts: Iterable[str] = tuple(OWN), vip: str = "100.65.0.10") -> list[str]:
    return [host for host in hosts if f" {vip}/" in fabric.shell(host, "ip", "-4", "-o", "addr", "show")]


def everything(fabric: Fabric) -> dict[str, object]:
    """What nobody may touch: files, what runs, since when, and what it holds."""
    run = "cd /etc/keepalived && find . -type f | sort | xargs sha256sum; ip -4 -o addr show | cut -d ' ' -f 2-7"
    since = ("systemctl", "show", "-p", "MainPID,ExecMainStartTimestamp,ExecReload,UnitFileState", "keepalived")
    return {
        host: (snapshot(fabric, host), fabric.shell(host, "sh", "-c", run), fabric.shell(host, *since)) for host in OWN
    }


def settled(fabric: Fabric) -> dict[str, object]:
    """The same, when keepalived has come to rest: two looks as one."""
    looks = [everything(fabric)]

    def again() -> bool:
        looks.append(everything(fabric))
        return looks[-1] == looks[-2]

    eventually(again, bool, timeout=60, interval=1.0)
    return looks[-1]


class Look(NamedTuple):
    """One look at a server, in seconds of its clock, and whether it held the VIP (1)."""

    began: float
    ended: float
    held: int


@dataclass(slots=True)
class Seen:
    """The states that the servers were in together, in their order: 1 for who holds the VIP.

    Servers are looked at one by one: None where one changed while another one was looked at, so that nobody knows.
    """

    states: list[tuple[int | None, ...]]

    @property
    def split(self) -> bool:
        return any(sum(part or 0 for part in each) > 1 for each in self.states)

    @property
    def gap(self) -> bool:
        return any(all(part == 0 for part in each) for each in self.states)


def together(looks: Mapping[str, Sequence[Look]]) -> Iterator[tuple[int | None, ...]]:
    """What all of them held during each look at one of them, in the order of the looks."""
    ends = {host: [each.ended for each in found] for host, found in looks.items()}
    begins = {host: [each.began for each in found] for host, found in looks.items()}

    def held_during(look: Look, host: str) -> int | None:
        """What all looks at that server agree on: the last one before, those meanwhile and the first one behind."""
        first = bisect_right(ends[host], look.began) - 1
        last = bisect_left(begins[host], look.ended)
        if first < 0 or last >= len(looks[host]):
            return None
        found = {each.held for each in looks[host][first : last + 1]}
        return found.pop() if len(found) == 1 else None

    for look, own in sorted((each, host) for host, found in looks.items() for each in found):
        yield tuple(look.held if host == own else held_during(look, host) for host in looks)


@contextmanager
def watched(fabric: Fabric, hosts: tuple[str, ...] = ("H1", "H2"), vip: str = "100.65.0.10") -> Generator[Seen]:
    """Look at the servers as often as the machine allows."""
    seen = Seen([])
    look = SAMPLE.replace("100.65.0.10", vip)
    lookers = {
        host: subprocess.Popen(
            [VIPBOOK, "lab", "shell", "--name", NAME, host, "--", "sh", "-c", look], stdout=subprocess.PIPE, text=True
        )
        for host in hosts
    }
    try:
        yield seen
    finally:
        for host in hosts:
            fabric.shell(host, "touch", "/tmp/enough")
        texts = {host: looker.communicate(timeout=30)[0] for host, looker in lookers.items()}
    looks = {
        host: [Look(float(began), float(ended), int(held)) for began, held, ended in map(str.split, text.splitlines())]
        for host, text in texts.items()
    }
    for state in together(looks):
        if not seen.states or seen.states[-1] != state:
            seen.states.append(state)
    assert sum(map(len, looks.values())) > 100, "nobody looked"


@pytest.fixture
def hand(fabric: Fabric) -> Iterator[Callable[..., None]]:
    """Makes both servers somebody else's; afterwards they are vipbook's, and healthy."""
    yield lambda **how: by_hand(fabric, **how)
    for host in OWN:
        rules = "iptables -D INPUT -p vrrp -j ACCEPT" if host == "H1" else "systemctl restart nftables"
        files = "cd /etc/keepalived; rm -rf conf.d other.conf; sed -i /SOMEWHERE/d keepalived.conf"
        # What reads another file is stopped: the change starts it.
        args = "[ ! -e /root/default ] || { mv /root/default /etc/default/keepalived; systemctl stop keepalived; }"
        fabric.shell(host, "sh", "-c", f"{rules} 2>/dev/null; {files}; {args}")
    ran = fabric.vipbook("apply", "--yes", "--take-over", "--allow-gap", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    for host in OWN:
        assert leftovers(fabric, host) == ""


def test_what_others_configured_is_listed_and_left(fabric: Fabric, hand: Callable[..., None]) -> None:
    hand(unicast=True)
    before = everything(fabric)
    planned = fabric.vipbook("plan", "--json")
    assert planned.code == 1
    for server in planned.report["servers"]:
        assert server["outcome"] == "refused"
        assert "--take-over" in server["reason"]
        for lost in (
            "include conf.d/*.conf (/etc/keepalived/conf.d/second.conf): not read any more",
            "vrrp_instance VI_2 (VRID 52, IPv4, enp0s8) with 100.65.0.99/32",
            "VIP 100.65.0.10/32 of VI_1 becomes 100.65.0.10/24",
            "unicast of VI_1 becomes multicast 224.0.0.18",
            "track_script of VI_1: chk_app",
            "vrrp_script chk_app (/usr/bin/true)",
            "virtual_server 100.65.0.10 80 with real_server 100.65.0.31 80",
            "static_routes: 198.51.100.0/24 via 100.65.0.1 dev enp0s8",
            "global_defs: smtp_server 127.0.0.1",
        ):
            assert lost in server["losses"], server["losses"]
    refused = fabric.vipbook("apply", "--yes", "--json")
    assert refused.code == 1
    assert refused.report["reason"] == "nothing was changed"
    assert [each["losses"] for each in refused.report["servers"]] == [
        each["losses"] for each in planned.report["servers"]
    ]
    assert "lost: vrrp_instance VI_2" in fabric.vipbook("apply", "--yes").out
    assert everything(fabric) == before


def test_the_virtual_router_is_found_whatever_its_name_is(fabric: Fabric, hand: Callable[..., None]) -> None:
    hand(prefix=24)
    ran = fabric.vipbook("verify", "--wait", "20", "--json")
    checks = ran.checks()
    for right in ("master/web", "vip-address/H1", "vip-address/H2", "adverts/H2", "running-config/H1"):
        assert checks[right]["status"] == "pass", ran.problems()
    # The rule by hand lets in what vipbook's would, and more; it is not the one that is declared.
    wrong = {key for key, each in checks.items() if each["status"] == "fail"} - {"firewall/H1", "firewall/H2"}
    assert wrong == {"config/H1", "config/H2"}
    assert "vipbook did not write it" in checks["config/H1"]["message"]
    assert (ran.state(), ran.vip()["owner"]) == ("healthy", "H1")


@pytest.mark.parametrize(
    ("how", "gap"),
    [
        pytest.param({}, False, id="the same on the wire"),
        pytest.param({"auth": "another1"}, False, id="another password"),
        pytest.param({"unicast": True}, True, id="unicast"),
        pytest.param({"vrid": 51}, True, id="another VRID"),
    ],
)
def test_never_two_masters_neither_there_nor_back(
    fabric: Fabric,
    hand: Callable[..., None],
    how: dict[str, object],
    gap: bool,  # noqa: FBT001
) -> None:
    hand(**how)
    before = {host: snapshot(fabric, host) for host in OWN}
    if gap:
        refused = fabric.vipbook("apply", "--yes", "--take-over")
        assert refused.code == 1
        assert "keepalived on H1 does not go on as master over that; apply with --allow-gap" in refused.err
        assert {host: snapshot(fabric, host) for host in OWN} == before
    with watched(fabric) as there:
        ran = fabric.vipbook("apply", "--yes", "--take-over", *(["--allow-gap"] if gap else []), "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert (there.split, there.gap) == (False, gap), there.states
    assert fabric.vipbook("plan", "--check").code == 0
    with watched(fabric) as back:
        ran = fabric.vipbook("rollback", "web", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.out + ran.err
    assert (back.split, back.gap) == (False, gap), back.states
    assert {host: snapshot(fabric, host) for host in OWN} == before
    assert held(fabric) == ["H1"]
    assert "100.65.0.99/32" in fabric.shell("H1", "ip", "-4", "addr", "show")
    for host in OWN:
        assert leftovers(fabric, host) == ""


def test_a_backup_that_can_not_be_changed_is_no_second_master(
    fabric: Fabric, hand: Callable[..., None], tmp_path: Path
) -> None:
    hand(auth="another1")
    wrong = fabric.variant(tmp_path, ("H2: {interface: enp0s8", "H2: {interface: enp0s9"))
    with watched(fabric) as seen:
        ran = wrong.vipbook("apply", "--yes", "--take-over", "--json", timeout=300)
    assert ran.code == 5, ran.problems()
    assert (seen.split, seen.gap) == (False, False), seen.states
    outcomes = {each["host"]: each for each in ran.report["servers"]}
    assert (outcomes["H1"]["outcome"], outcomes["H2"]["outcome"]) == ("applied", "not-rolled-back")
    assert "keepalived is stopped and disabled on H2" in outcomes["H2"]["reason"]
    state = "systemctl is-active keepalived; systemctl is-enabled keepalived; true"
    assert fabric.shell("H2", "sh", "-c", state).split() == ["inactive", "disabled"]
    assert held(fabric) == ["H1"]


def test_a_master_that_can_not_be_changed_has_its_backup_again(
    fabric: Fabric, hand: Callable[..., None], tmp_path: Path
) -> None:
    hand(auth="another1")
    before = {host: snapshot(fabric, host) for host in OWN}
    # Valid, but never well: H1 goes into FAULT, which is no proof.
    wrong = fabric.variant(tmp_path, ("H1: {interface: enp0s8", "H1: {interface: enp0s9"))
    with watched(fabric) as seen:
        ran = wrong.vipbook("apply", "--yes", "--take-over", "--allow-gap", "--json", timeout=300)
    assert ran.code == 4, ran.problems()
    assert not seen.split, seen.states
    assert {host: snapshot(fabric, host) for host in OWN} == before
    assert held(fabric) == ["H1"]


def test_whoever_ran_it_dies_and_the_servers_come_back_one_after_the_other(
    fabric: Fabric, hand: Callable[..., None]
) -> None:
    hand(auth="another1")
    before = {host: snapshot(fabric, host) for host in OWN}
    running = fabric.start("apply", "--yes", "--take-over", "--confirm-timeout", "30")
    assert running.stderr is not None
    with watched(fabric) as seen:
        for line in running.stderr:
            if "reading back" in line:
                running.send_signal(signal.SIGKILL)
                break
        running.communicate(timeout=30)
        assert fabric.shell("H2", "systemctl", "is-active", "keepalived", check=False).strip() == "inactive"
        eventually(lambda: snapshot(fabric, "H1"), lambda now: now == before["H1"], 60)
        # H2's own timer comes minutes later: what it runs is run now.
        timer = fabric.shell("H2", "sh", "-c", "systemctl list-units --plain --no-legend 'vipbook-undo-*-parked.timer'")
        fabric.shell("H2", "systemctl", "start", timer.split()[0].replace(".timer", ".service"))
        eventually(lambda: snapshot(fabric, "H2"), lambda now: now == before["H2"], 20)
    assert (seen.split, seen.gap) == (False, False), seen.states
    fabric.shell("H2", "sh", "-c", "systemctl stop 'vipbook-undo-*-parked.timer'; rm -rf /var/lib/vipbook/undo-*")
    for host in OWN:
        fabric.shell(host, "rm", "-rf", "/run/vipbook")


def test_a_daemon_that_reads_another_file(fabric: Fabric, hand: Callable[..., None]) -> None:
    hand()
    for host in OWN:
        fabric.shell(host, "cp", "/etc/keepalived/keepalived.conf", "/etc/keepalived/other.conf")
    hand(args="--use-file=/etc/keepalived/other.conf")
    before = settled(fabric)
    ran = fabric.vipbook("apply", "--yes", "--take-over", "--json")
    assert ran.code == 1
    server = ran.report["servers"][0]
    assert "keepalived.service reads /etc/keepalived/other.conf (--use-file) instead of" in server["reason"]
    assert "vrrp_instance VI_2 (VRID 52, IPv4, enp0s8) with 100.65.0.99/32" in server["losses"]
    assert everything(fabric) == before


def test_an_include_that_can_not_be_read_is_no_empty_one(fabric: Fabric, hand: Callable[..., None]) -> None:
    hand()
    for host in OWN:
        fabric.shell(host, "sh", "-c", "echo 'include $SOMEWHERE/x.conf' >> /etc/keepalived/keepalived.conf")
    ran = fabric.vipbook("apply", "--yes", "--take-over", "--json")
    assert ran.code == 3
    assert "would be lost can't be told: include $SOMEWHERE/x.conf" in ran.report["servers"][0]["reason"]


def test_a_line_by_hand_is_drift_and_a_block_by_hand_is_not(fabric: Fabric, hand: Callable[..., None]) -> None:
    ran = fabric.vipbook("apply", "--yes", "--take-over", "--allow-gap", timeout=300)
    assert ran.code == 0, ran.out + ran.err
    fabric.shell("H2", "sed", "-i", "s/priority 1$/priority 2/", "/etc/keepalived/keepalived.conf")
    assert fabric.vipbook("apply", "--yes").code == 0
    write(fabric, "H2", "/tmp/more", SECOND.replace("PRIORITY", "1"))
    fabric.shell("H2", "sh", "-c", "cat /tmp/more >> /etc/keepalived/keepalived.conf")
    refused = fabric.vipbook("apply", "--yes", "--json")
    assert refused.code == 1
    server = next(each for each in refused.report["servers"] if each["host"] == "H2")
    assert "was edited since vipbook wrote it" in server["reason"]
    assert server["losses"] == ["vrrp_instance VI_2 (VRID 52, IPv4, enp0s8) with 100.65.0.99/32"]
    assert fabric.vipbook("apply", "--yes", "--take-over").code == 0
