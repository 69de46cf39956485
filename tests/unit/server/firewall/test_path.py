"""An advert's way through ufw's chains: what stands in front of the rule that lets it in."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from tasks.observe.readings import Garbled
from tasks.server.firewall.path import Packet, first_block
from tasks.server.firewall.xtables.chains import chains_of

DATA = Path(__file__).parents[3] / "data" / "observe" / "firewall"
RULES = (DATA / "iptables_H4.txt").read_text()
V4, _, V6 = RULES.partition("-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N ufw6")
FOUR = Packet(source=ip_address("100.65.0.13"), protocol="vrrp", interfaces=("enp0s8",))
SIX = Packet(source=ip_address("fd00:100:65::13"), protocol="vrrp", interfaces=("enp0s8",))
OURS = "-A ufw-user-input -s 100.65.0.13/32 -p vrrp -j ACCEPT\n"
HOOK = "-A INPUT -j ufw-before-input\n"


def front(rule: str, before: str = OURS) -> str:
    """What the walk finds on the lab's server with this rule in front of another."""
    assert before in V4
    return first_block(chains_of(V4.replace(before, f"{rule}\n{before}")), ("INPUT",), FOUR, own="ufw")


@pytest.mark.parametrize(("text", "packet"), [(V4, FOUR), (V6, SIX)])
def test_nothing_of_ufws_own_stands_in_front(text: str, packet: Packet) -> None:
    assert first_block(chains_of(text), ("INPUT",), packet, own="ufw") == ""


@pytest.mark.parametrize(
    "conditions",
    [
        "-s 100.65.0.13/32",
        "-s 100.65.0.0/24",
        "",
        "-p vrrp",
        "-p 112",
        "-p all",
        "-s 100.65.0.13/32 -p vrrp",
        "-i enp0s8",
        "-i enp+",
        "! -i lo",
        "! -s 10.0.0.0/8",
        "! -p tcp",
        "-d 100.65.0.14/32 -p vrrp",
        "-d 224.0.0.0/8 -p vrrp",
        "-d 224.0.0.18/32",
        "-s nobody",
        "-m conntrack --ctstate NEW",
        "-m conntrack --ctstate INVALID,NEW",
        "-m mac --mac-source 08:00:27:3c:5e:13",
        "-m limit --limit 3/min",
    ],
)
@pytest.mark.parametrize("target", ["DROP", "REJECT --reject-with icmp-port-unreachable", "NFQUEUE --queue-num 1"])
def test_what_could_close_is_named(conditions: str, target: str) -> None:
    rule = " ".join(f"-A ufw-user-input {conditions} -j {target}".split())
    assert front(rule) == rule


@pytest.mark.parametrize(
    "rule",
    [
        "-A ufw-user-input -s 100.65.0.99/32 -j DROP",
        "-A ufw-user-input -s 100.66.0.0/24 -j DROP",
        "-A ufw-user-input ! -s 100.65.0.0/24 -j DROP",
        "-A ufw-user-input -s fd00::/8 -j DROP",
        "-A ufw-user-input -p tcp -m tcp --dport 53 -j DROP",
        "-A ufw-user-input ! -p vrrp -j DROP",
        "-A ufw-user-input -p ah -j DROP",
        "-A ufw-user-input -i lo -j DROP",
        "-A ufw-user-input ! -i enp0s8 -j DROP",
        "-A ufw-user-input -d 239.255.255.250/32 -j DROP",
        "-A ufw-user-input -m conntrack --ctstate INVALID -j DROP",
        "-A ufw-user-input -m conntrack ! --ctstate NEW -j DROP",
        "-A ufw-user-input -m rt --rt-type 0 -j DROP",
        "-A ufw-user-input -s 100.65.0.0/24 -j ufw-user-logging-input",
        '-A ufw-user-input -j LOG --log-prefix "[-j DROP] "',
        "-A ufw-user-input -s 100.65.0.0/24 -j ACCEPT\n-A ufw-user-input -s 100.65.0.13/32 -j DROP",
        "-A ufw-user-input -i enp0s8 -p vrrp -j ACCEPT\n-A ufw-user-input -s 100.65.0.13/32 -j DROP",
        "-A ufw-user-output -j DROP",
        "-A ufw-user-forward -s 100.65.0.13/32 -j DROP",
    ],
)
def test_what_is_for_others_stands_in_nobodys_way(rule: str) -> None:
    assert front(rule) == ""


@pytest.mark.parametrize(
    "accept",
    ["-m limit --limit 1/min -j ACCEPT", "-i eth+ -j ACCEPT", "! -s 10.0.0.0/8 -j ACCEPT", "-s 100.65.0.13/32 -j LOG"],
)
def test_what_lets_in_perhaps_saves_nobody(accept: str) -> None:
    drop = "-A ufw-user-input -s 100.65.0.13/32 -j DROP"
    assert front(f"-A ufw-user-input {accept}\n{drop}") == drop


@pytest.mark.parametrize(
    ("rule", "before"),
    [
        ("-A INPUT -s 100.65.0.0/24 -j DROP", HOOK),
        ("-A ufw-before-input -p vrrp -j DROP", "-A ufw-before-input -j ufw-user-input\n"),
        ("-A ufw-before-logging-input -j DROP", HOOK),
        ("-A ufw-not-local -j DROP", "-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN\n"),
        ("-A blocklist -p vrrp -j DROP\n-A INPUT -j blocklist", HOOK),
        ("-A INPUT -j f2b-all", HOOK),
    ],
)
def test_so_does_a_rule_in_another_chain_of_the_way(rule: str, before: str) -> None:
    assert front(rule, before) == rule.partition("\n")[0]


@pytest.mark.parametrize("name", ["-N f2b-all", ":f2b-all - [0:0]"])
def test_an_empty_chain_closes_nothing(name: str) -> None:
    assert front(f"{name}\n-A INPUT -j f2b-all", HOOK) == ""


def test_a_rule_behind_ours_does_not_matter() -> None:
    after = V4.replace(OURS, f"{OURS}-A ufw-user-input -j DROP\n")
    assert first_block(chains_of(after), ("INPUT",), FOUR, own="ufw") == ""


CIRCLE = "-A INPUT -j ufw-a\n-A ufw-a -j ufw-b\n-A ufw-b -j ufw-a\n-A ufw-b -j DROP\n"
NOWHERE = "-A INPUT -j ufw-nowhere\n-A INPUT -j DROP\n"


@pytest.mark.parametrize(
    ("text", "own", "found"),
    [
        pytest.param(CIRCLE, "ufw", "-A ufw-b -j DROP", id="own chains in a circle go on"),
        pytest.param(CIRCLE, "", "-A ufw-a -j ufw-b", id="others might do anything"),
        pytest.param(NOWHERE, "ufw", "-A INPUT -j DROP", id="own chains that nothing is told of go on"),
        pytest.param(NOWHERE, "", "-A INPUT -j ufw-nowhere", id="others that nothing is told of might do anything"),
    ],
)
def test_chains_that_jump_to_each_other_end(text: str, own: str, found: str) -> None:
    assert first_block(chains_of(text), ("INPUT",), FOUR, own=own) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-A c -s 1.1.1.1 -j ACCEPT\n-I c -j DROP\n", "-I c -j DROP"),
        ("-A c -p vrrp -j ACCEPT\n-I c 2 -j DROP\n", ""),
        ("[3:120] -A c -j DROP\n", "[3:120] -A c -j DROP"),
        ("# -A c -j DROP\n", ""),
        ("-A d -j DROP\n", ""),
    ],
)
def test_the_order_of_a_file(text: str, expected: str) -> None:
    assert first_block(chains_of(text), ("c",), FOUR) == expected


def test_a_quote_that_never_ends_is_no_line() -> None:
    with pytest.raises(Garbled, match="not a line of iptables"):
        chains_of('-A c -m comment --comment "x -j DROP\n')
