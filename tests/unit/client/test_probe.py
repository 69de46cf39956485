"""What a probe host is asked and what it means: the way it sends, the neighbor it holds, and its echoes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Interface
from pathlib import Path

import pytest

from tasks.client.facts import parse_route, parse_timers
from tasks.client.probe import probe_commands, probe_facts, stream_command
from tasks.model.answer import NoAnswer
from tasks.model.probe import ClientTimers, Route
from tasks.model.reading import Read, Unread
from tasks.observe.readings import Garbled
from tests.unit.builders import AT, VIP, cluster
from tests.unit.builders import answers as no_answers
from tests.unit.observe.scripts import ask

V6 = IPv6Interface("2001:db8::10/64")
BOTH = cluster(vips=(VIP, V6))
IP = """case $* in
    '-j route get'*) echo '[{"dst":"x","dev":"lo","flags":[]}]' ;;
    'route get'*) echo "$3 dev lo src 127.0.0.1 uid 0" ; echo '    cache' ;;
    '-j neigh'*) echo '[{"dst":"'"$5"'","dev":"lo","lladdr":"48:b0:2d:00:00:01","state":["STALE"]}]' ;;
esac"""
PING = "echo '3 packets transmitted, 3 received, 0% packet loss, time 402ms'"
TIMERS = """interface eth1
base_reachable_time_ms 30000
delay_first_probe_time 5
ucast_solicit 3
retrans_time_ms 1000
"""


def test_looks_come_before_echoes() -> None:
    keys = [command.key for command in probe_commands([BOTH, cluster()])]
    assert len(keys) == len(set(keys)) == 1 + 2 * 4
    first_ping = keys.index(f"ping {VIP.ip}")
    assert first_ping > max(keys.index(f"{look} {V6.ip}") for look in ("route", "neighbor", "timers"))
    assert probe_commands([]) == ()


def test_both_families(tmp_path: Path) -> None:
    facts = probe_facts("I1", ask(tmp_path, probe_commands([BOTH]), {"ip": IP, "ping": PING}), [BOTH])
    for vip in (VIP.ip, V6.ip):
        route, neighbors, timers, ping = (
            facts.routes[vip],
            facts.neighbors[vip],
            facts.timers[vip],
            facts.pings[vip],
        )
        assert isinstance(route, Read)
        assert route.value == Route(interface="lo", gateway=None)
        assert isinstance(neighbors, Read)
        assert [row.address for row in neighbors.value] == [vip]
        assert isinstance(timers, Read), timers
        assert timers.value.interface == "lo"
        assert isinstance(ping, Read)
        assert ping.value.received == 3


def test_without_a_route_the_reason_is_the_hosts_own(tmp_path: Path) -> None:
    no_route = "echo 'RTNETLINK answers: Network is unreachable' >&2; exit 2"
    answers = ask(tmp_path, probe_commands([cluster()]), {"ip": no_route, "ping": "exit 2"})
    facts = probe_facts("I1", answers, [cluster()])
    for found in (facts.routes[VIP.ip], facts.neighbors[VIP.ip]):
        assert isinstance(found, Unread)
        assert "Network is unreachable" in found.reason
    timers = facts.timers[VIP.ip]
    assert isinstance(timers, Unread)
    assert "no route tells an interface" in timers.reason
    assert isinstance(facts.pings[VIP.ip], Unread)


def test_a_silent_host_and_a_script_cut_short() -> None:
    for reply, reason in [
        (NoAnswer(host="I1", reason="no connection", at=AT), "no connection"),
        (None, "was not asked"),
    ]:
        answers = reply or no_answers("I1")
        facts = probe_facts("I1", answers, [cluster()])
        for readings in (facts.pings, facts.routes, facts.neighbors, facts.timers):
            found = readings[VIP.ip]
            assert isinstance(found, Unread)
            assert reason in found.reason


FAR = Route(interface="eth1", gateway=IPv4Address("203.0.113.1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"dst":"100.65.0.10","gateway":"203.0.113.1","dev":"eth1","prefsrc":"203.0.113.10","uid":0}]', FAR),
        ('[{},{"dst":"100.65.0.10","gateway":"203.0.113.1","dev":"eth1"}]\n', FAR),
        ("100.65.0.10 via 203.0.113.1 dev eth1 src 203.0.113.10 uid 0 \n    cache \n", FAR),
        ('[{"dst":"100.65.0.10","dev":"eth1","prefsrc":"100.65.0.5"}]', Route(interface="eth1", gateway=None)),
        ("100.65.0.10 dev eth1 src 100.65.0.5 uid 0", Route(interface="eth1", gateway=None)),
        ('[{"type":"local","dst":"127.0.0.1","dev":"lo"}]', Route(interface="lo", gateway=None)),
        ("local 127.0.0.1 dev lo table local src 127.0.0.1 uid 0", Route(interface="lo", gateway=None)),
        (
            '[{"dst":"2001:db8::10","from":"::","gateway":"fe80::1","dev":"eth1","metric":1024,"pref":"medium"}]',
            Route(interface="eth1", gateway=IPv6Address("fe80::1")),
        ),
        (
            "2001:db8::10 from :: via fe80::1 dev eth1 proto ra src 2001:db8:1::5 metric 1024 pref medium",
            Route(interface="eth1", gateway=IPv6Address("fe80::1")),
        ),
        (
            '[{"dst":"100.65.0.10","via":{"family":"inet6","host":"fe80::1"},"dev":"swp51"}]',
            Route(interface="swp51", gateway=IPv6Address("fe80::1")),
        ),
        (
            "100.65.0.10 via inet6 fe80::1 dev swp51 src 10.0.0.1",
            Route(interface="swp51", gateway=IPv6Address("fe80::1")),
        ),
    ],
)
def test_route(text: str, expected: Route) -> None:
    assert parse_route(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing was printed"),
        ("\n", "nothing was printed"),
        ("[]", "0 routes"),
        ("[{}]", "0 routes"),
        ('[{"dev":"eth1"},{"dev":"eth2"}]', "2 routes"),
        ('{"dev":"eth1"}', "the table is not an array"),
        ('["eth1"]', "a route is not an object"),
        ('[{"type":"unreachable","dst":"100.65.0.10","dev":""}]', "'dev' is missing"),
        ('[{"dst":"100.65.0.10","dev":7}]', "'dev' is not text"),
        ('[{"dst":"100.65.0.10","dev":"eth1","gateway":"203.0.113"}]', "203.0.113"),
        ('[{"dst":"100.65.0.10","dev":"eth1","via":"fe80::1"}]', "'via' is not an object"),
        ('[{"dst":"100.65.0.10","dev":"eth1","via":{}}]', "'host' is missing"),
        ('[{"dst":"100.65.0.10","dev":"eth1"', "not JSON"),
        ("unreachable 100.65.0.10", "unreachable"),
        ("local", "nothing was printed"),
        ("100.65.0.10 dev", "no interface"),
        ("100.65.0.10 via 203.0.113.1", "no interface"),
        ("100.65.0.10 via nowhere dev eth1", "nowhere"),
        ("RTNETLINK answers: Network is unreachable", "RTNETLINK"),
    ],
)
def test_garbled_route(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_route(text)


def test_timers() -> None:
    assert parse_timers(TIMERS) == ClientTimers(
        interface="eth1", base_reachable_s=30.0, delay_first_probe_s=5.0, unicast_probes=3, retransmit_s=1.0
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'interface' is missing"),
        (TIMERS.replace("interface eth1\n", ""), "'interface' is missing"),
        (TIMERS.replace("30000", "long"), "'base_reachable_time_ms' is not a number"),
        (TIMERS.replace("30000", "-1"), "'base_reachable_time_ms' is not a number"),
        (TIMERS.replace("30000", "9" * 20), "'base_reachable_time_ms' is not a number"),
        (TIMERS.replace("ucast_solicit 3\n", ""), "'ucast_solicit' is missing"),
        (TIMERS.replace("delay_first_probe_time 5", "delay_first_probe_time"), "not a name and a value"),
        (TIMERS + "cat: No such file or directory\n", "not a name and a value"),
        (TIMERS.partition("retrans")[0], "'retrans_time_ms' is missing"),
    ],
)
def test_garbled_timers(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_timers(text)


def test_a_stream_is_ping_by_root_wherever_it_comes_from() -> None:
    command = stream_command(VIP.ip, 500, 0.01)
    assert command.title == f"sudo ping -D -O -n -i 0.01 -c 500 {VIP.ip}"
    assert (command.fragment or "").endswith(f"vipbook_probe_ping '500 {VIP.ip}' ping -D -O -n -i 0.01 -c 500 {VIP.ip}")
