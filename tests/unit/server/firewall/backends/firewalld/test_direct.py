"""firewalld's direct rules: what packets meet in iptables, whatever firewalld's zones let in."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tasks.observe.readings import Garbled
from tasks.server.firewall.backends.firewalld.model import WayIn
from tasks.server.firewall.backends.firewalld.read.direct import is_known, parse_direct, running_ways
from tasks.server.firewall.path import Packet, first_block
from tests.unit.builders import firewall_of
from tests.unit.server.firewall.backends.firewalld.test_read import ACTIVE, said

FOUR = Packet(source=ip_address("100.65.0.14"), protocol="vrrp", interfaces=("enp0s8",))
SIX = Packet(source=ip_address("fd00:100:65::14"), protocol="vrrp", interfaces=("enp0s8",))


def blocked(ways: tuple[WayIn, ...], packet: Packet = FOUR) -> str:
    mine = [way for way in ways if way.version == packet.source.version]
    return next((found for way in mine if (found := first_block(way.chains, (way.start,), packet))), "")


@pytest.mark.parametrize(
    "rule",
    [
        "ipv4 filter INPUT 0 -p 112 -j DROP",
        "ipv4 filter INPUT 0 -j DROP",
        "ipv4 filter INPUT 0 -p vrrp -s 100.65.0.0/24 -j REJECT --reject-with icmp-port-unreachable",
        "ipv4 filter INPUT 0 -s 10.0.0.1,100.65.0.14 -j DROP",
        "ipv4 filter INPUT 0 --protocol=112 --jump=DROP",
        "ipv4 filter INPUT 0 --source 100.65.0.14 --jump DROP",
        "ipv4 filter INPUT 0 -p 0x70 -j DROP",
        "ipv4 filter INPUT 0 -p all -j DROP",
        "ipv4 filter INPUT 0 '!' -p tcp -j DROP",
        "ipv4 filter INPUT 0 ! -s 10.0.0.0/8 -j DROP",
        "ipv4 filter INPUT 0 -p 112 -m comment --comment 'not this one' -j DROP",
        "ipv4 filter INPUT 0 -p 112 -m comment --comment=-j -j DROP",
        "ipv4 filter INPUT 0 -i enp0s8 -j DROP",
        "ipv4 filter INPUT 0 -m conntrack --ctstate NEW -j DROP",
        "ipv4 filter INPUT -5 -p 112 -j NFQUEUE",
        "ipv4 filter INPUT_direct 0 -p 112 -j DROP",
        "ipv4 raw PREROUTING 0 -p 112 -j DROP",
        "ipv4 mangle PREROUTING 0 -p 112 -j DROP",
        "ipv4 mangle INPUT 0 -p 112 -j DROP",
        "ipv4 security INPUT 0 -p 112 -j DROP",
        "ipv4 filter mine 0 -j DROP\nipv4 filter INPUT 0 -j mine",
        "ipv4 filter my_direct 0 -j DROP\nipv4 filter INPUT 0 -j my_direct",
        "ipv4 filter INPUT 0 -j some-chain-that-nothing-fills",
        # one that lets it in comes too late, or is for somebody else
        "ipv4 filter INPUT 0 -p 112 -j DROP\nipv4 filter INPUT 1 -p 112 -j ACCEPT",
        "ipv4 filter INPUT 0 -p 112 -j DROP\nipv4 filter INPUT 0 -p 112 -j ACCEPT",
        "ipv4 filter INPUT 1 -p 112 -j DROP\nipv4 filter INPUT 0 -p 112 -s 100.65.0.15 -j ACCEPT",
        "ipv4 filter INPUT 1 -p 112 -j DROP\nipv4 filter INPUT 0 -p 112 -m limit --limit 1/s -j ACCEPT",
        "ipv4 filter INPUT 1 -p 112 -j DROP\nipv4 raw PREROUTING 0 -p 112 -j ACCEPT",
    ],
)
@pytest.mark.parametrize("saved", [False, True])
def test_a_direct_rule_that_could_keep_it_out(rule: str, saved: bool) -> None:  # noqa: FBT001
    ways = parse_direct(f"{rule}\n", saved=saved)
    assert blocked(ways).startswith(("-A ", "-t "))
    assert {way.saved for way in ways} == {saved}


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "ipv4 filter INPUT 0 -p tcp --dport 22 -j DROP",
        "ipv4 filter INPUT 0 -p 112 -j ACCEPT",
        "ipv4 filter INPUT 0 -j LOG --log-prefix 'in: '",
        "ipv4 mangle PREROUTING 0 -p 112 -j DSCP --set-dscp 48",
        "ipv4 filter my_direct 0 -j RETURN\nipv4 filter INPUT 0 -j my_direct",
        "ipv4 filter INPUT 0 -s 100.65.0.15 -j DROP",
        "ipv4 filter INPUT 0 -s 10.0.0.1,10.0.0.2 -j DROP",
        "ipv4 filter INPUT 0 -i eth9 -j DROP",
        "ipv4 filter INPUT 0 -m conntrack --ctstate INVALID -j DROP",
        "ipv4 filter INPUT 0 -p 51 -j DROP",
        "ipv4 filter FORWARD 0 -j DROP",
        "ipv4 filter FORWARD 0 --proto tcp -j DROP",
        "ipv4 filter OUTPUT_direct 0 -j DROP",
        "ipv4 nat PREROUTING 0 -j DNAT --to-destination 10.0.0.1",
        "ipv4 filter mine 0 -j DROP",
        "ipv6 filter INPUT 0 -j DROP",
        "eb filter INPUT 0 -j DROP",
        "ipv4 filter mine 0 -j RETURN\nipv4 filter INPUT 0 -j mine",
        "ipv4 filter INPUT 1 -j DROP\nipv4 filter INPUT 0 -p 112 -s 100.65.0.0/24 -j ACCEPT",
        "ipv4 filter INPUT 0 -p 112 -j ACCEPT\nipv4 filter INPUT 0 -j DROP",
        "ipv4 filter INPUT 0 -j DROP\nipv4 filter INPUT -1 -p vrrp -j ACCEPT",
    ],
)
def test_a_direct_rule_that_could_not(rule: str) -> None:
    assert blocked(parse_direct(f"{rule}\n")) == ""


@pytest.mark.parametrize(
    ("rules", "passed", "found"),
    [
        ("", "ipv4 -I INPUT -p 112 -j DROP", "-I INPUT -p 112 -j DROP"),
        ("", "ipv4 -A INPUT -p 112 -j DROP", "-A INPUT -p 112 -j DROP"),
        ("", "ipv4 --table=filter --append INPUT --protocol 112 --jump DROP", "-A INPUT -p 112 -j DROP"),
        ("", "ipv4 -p 112 -j DROP -t raw -I PREROUTING 1", "-t raw -I PREROUTING 1 -p 112 -j DROP"),
        ("", "ipv6 -I INPUT -p 112 -j DROP", ""),
        ("", "eb -I INPUT -j DROP", ""),
        ("", "ipv4 -N mine", ""),
        ("", "ipv4 -I FORWARD -j DROP", ""),
        ("", "ipv4 -I INPUT -p tcp -j DROP", ""),
        # -I comes before, and -A behind, what firewalld has put there
        ("ipv4 filter INPUT 0 -p 112 -j ACCEPT", "ipv4 -I INPUT -p 112 -j DROP", "-I INPUT -p 112 -j DROP"),
        ("ipv4 filter INPUT 0 -p 112 -j ACCEPT", "ipv4 -A INPUT -p 112 -j DROP", ""),
        ("ipv4 filter INPUT 0 -p 112 -j ACCEPT", "ipv4 -I INPUT 2 -p 112 -j DROP", ""),
        ("ipv4 filter INPUT 0 -p 112 -j DROP", "ipv4 -I INPUT -p 112 -j ACCEPT", ""),
    ],
)
def test_what_is_handed_to_iptables_as_it_is(rules: str, passed: str, found: str) -> None:
    assert blocked(parse_direct(rules, f"{passed}\n")) == found


def test_ipv6() -> None:
    ways = parse_direct("ipv6 raw PREROUTING 3 -p 112 -j DROP\n")
    assert (blocked(ways), blocked(ways, SIX)) == ("", "-t raw -A PREROUTING -p 112 -j DROP")


@pytest.mark.parametrize(
    ("rules", "passed", "piece"),
    [
        ("ipv4 filter INPUT -j DROP", "", "not a direct rule"),
        ("something else", "", "not a direct rule"),
        ("ipv4 filter INPUT 0 -m comment --comment 'open", "", "No closing quotation"),
        ("ipv4 filter INPUT 0 --proto tcp -j DROP", "", "abbreviated: write it out"),
        ("", "something else", "not a passthrough"),
        ("", "ipv4 -I INPUT --jum DROP", "abbreviated"),
    ],
)
def test_what_is_not_understood_is_no_answer(rules: str, passed: str, piece: str) -> None:
    with pytest.raises(Garbled, match=piece):
        parse_direct(rules, passed)


RUNS = (
    '-P INPUT ACCEPT\n-N mine\n-A INPUT -p ah -j DROP\n-A INPUT -p vrrp -m comment --comment "a b" -j ACCEPT\n'
    "-A INPUT -s 10.0.0.1/32 -j DROP\n-A INPUT -s 10.0.0.2/32 -j DROP\n-A INPUT -j mine\n"
)
TOLD = (
    "ipv4 filter INPUT 0 -s 10.0.0.1,10.0.0.2 -j DROP\nipv4 filter INPUT 1 -j mine\n"
    "ipv4 filter INPUT -5 -p 112 -m comment --comment 'a b' -j ACCEPT\n"
)
PASSED = "ipv4 -I INPUT -p 51 -j DROP\n"
OLDER = (
    "-P INPUT ACCEPT\n-N INPUT_direct\n-N INPUT_ZONES\n-N IN_public\n"
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT\n-A INPUT -i lo -j ACCEPT\n"
    "-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -j INPUT_direct\n-A INPUT -j INPUT_ZONES\n"
    "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n-A INPUT_ZONES -g IN_public\n-A IN_public -j DROP\n"
)
DROP = "-s 100.65.0.14/32 -p vrrp -j DROP\n"


@pytest.mark.parametrize(
    ("runs", "known"),
    [
        (RUNS, True),
        ("-P INPUT ACCEPT\n", True),
        ("", True),
        (OLDER, True),
        (f"{OLDER}-A INPUT {DROP}", True),
        (f"{RUNS}-A INPUT {DROP}", False),
        (RUNS.replace("10.0.0.2/32", "10.0.0.0/24"), False),
        (RUNS.replace("-p ah", "-p esp"), False),
        (RUNS.replace("-j mine", "-j LIBVIRT_INP"), False),
        (RUNS.replace("-s 10.0.0.1/32", "! -s 10.0.0.1/32"), False),
    ],
)
def test_rules_of_others_beside_direct_ones_are_told_apart(runs: str, known: bool) -> None:  # noqa: FBT001
    assert is_known(runs, parse_direct(TOLD, PASSED), 4) is known


def direct(*, rules: str = "", passed: str = "", permanent: str = "") -> str:
    return (
        f"{said()}== direct rules\n{rules}== direct passthroughs\n{passed}== permanent direct rules\n{permanent}"
        "== permanent direct passthroughs\n"
    )


@pytest.mark.parametrize(
    ("runs", "told", "manager"),
    [
        (RUNS, direct(rules=TOLD, passed=PASSED), "firewalld"),
        (RUNS, direct(rules=TOLD), "firewalld and iptables"),
        (RUNS, direct(permanent=TOLD), "firewalld and iptables"),
        (f"{RUNS}-A INPUT {DROP}", direct(rules=TOLD, passed=PASSED), "firewalld and iptables"),
        (RUNS.replace("INPUT ACCEPT", "INPUT DROP"), direct(rules=TOLD, passed=PASSED), "firewalld and iptables"),
        (OLDER, direct(), "firewalld"),
        (OLDER, direct(permanent=TOLD), "firewalld"),
    ],
)
def test_who_is_in_charge_with_direct_rules(runs: str, told: str, manager: str) -> None:
    assert firewall_of(ACTIVE, runs, "", {}, firewalld=told, interfaces=("enp0s8",)).manager == manager


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        (RUNS, ""),
        (f"-P INPUT ACCEPT\n-A INPUT {DROP}", f"-A INPUT {DROP}".strip()),
        (f"-P INPUT ACCEPT\n-A INPUT -p vrrp -j ACCEPT\n-A INPUT {DROP}", ""),
        (OLDER, ""),
        (f"{OLDER}-A INPUT_direct {DROP}", f"-A INPUT_direct {DROP}".strip()),
        (f"{OLDER}-A INPUT {DROP}", ""),
        (OLDER.replace("-A INPUT -i lo", f"-A INPUT {DROP}-A INPUT -i lo"), f"-A INPUT {DROP}".strip()),
    ],
)
def test_what_runs_is_read_as_it_runs(runs: str, found: str) -> None:
    """The filter table: in its own order, up to where the older backend's zones decide."""
    listed = parse_direct("ipv4 filter INPUT 0 -p 112 -j DROP\nipv4 filter INPUT 0 -p esp -j DROP\n")
    ways = running_ways(listed, {4: runs, 6: ""})
    assert blocked(ways) == found
    assert blocked(running_ways(listed, {4: "", 6: ""})) != ""
    other = parse_direct("ipv4 raw PREROUTING 0 -p 112 -j DROP\n") + parse_direct(TOLD, saved=True)
    assert all(way in running_ways(other, {4: runs, 6: ""}) for way in other)
