"""The firewall rules' spelling: one for each manager, as it prints them itself."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from tasks.model.cluster import Opening
from tasks.server.firewall.backends.firewalld.model import rich_rule
from tasks.server.firewall.backends.iptables.plan import iptables_rule
from tasks.server.firewall.backends.nftables.model import nft_inserts, nft_rule, nft_snippet
from tasks.server.firewall.backends.ufw.model import ufw_block, ufw_rule
from tasks.server.firewall.xtables.rules import parse_iptables
from tests.unit.builders import OUR_LINE, nft_chain, nftables


def test_our_iptables_rule_is_spelled_as_iptables_prints_it() -> None:
    rule = iptables_rule(Opening(address=IPv4Address("100.65.0.12")))
    assert f"-A INPUT {' '.join(rule)}\n" == OUR_LINE
    (chain,) = parse_iptables(f"-P INPUT DROP\n-A INPUT {' '.join(rule)}\n")
    (read,) = chain.rules
    assert (read.ours, read.verdict, read.source, read.protocol, read.narrow) == (
        True,
        "accept",
        "100.65.0.12",
        "vrrp",
        False,
    )


def test_our_nftables_rule_and_file() -> None:
    chains = nftables(nft_chain(), nft_chain(name="second")).chains
    peers = [Opening(address=IPv4Address(f"100.65.0.{last}")) for last in (12, 13)]
    assert nft_rule(peers[0]) == 'ip saddr 100.65.0.12 ip protocol vrrp accept comment "vipbook"'
    lines = [f"insert rule inet filter {chain} {nft_rule(peer)}" for chain in ("input", "second") for peer in peers]
    assert nft_inserts(chains, peers) == lines
    head, *rest = nft_snippet(chains, peers).splitlines()
    assert head.startswith("# Managed by vipbook")
    assert rest == lines


FOUR, SIX = (Opening(address=address) for address in (IPv4Address("100.65.0.12"), IPv6Address("fe80::12")))
AH = replace(FOUR, protocol="ah")


@pytest.mark.parametrize(
    ("opening", "iptables", "nft", "rich", "ufw"),
    [
        (
            FOUR,
            "-s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT",
            'ip saddr 100.65.0.12 ip protocol vrrp accept comment "vipbook"',
            'family="ipv4" source address="100.65.0.12" protocol value="vrrp" accept',
            "proto vrrp from 100.65.0.12 to any",
        ),
        (
            SIX,
            "-s fe80::12/128 -p vrrp -m comment --comment vipbook -j ACCEPT",
            'ip6 saddr fe80::12 meta l4proto vrrp accept comment "vipbook"',
            'family="ipv6" source address="fe80::12" protocol value="vrrp" accept',
            "proto vrrp from fe80::12 to any",
        ),
        (
            AH,
            "-s 100.65.0.12/32 -p ah -m comment --comment vipbook -j ACCEPT",
            'ip saddr 100.65.0.12 ip protocol ah accept comment "vipbook"',
            'family="ipv4" source address="100.65.0.12" protocol value="ah" accept',
            "proto ah from 100.65.0.12 to any",
        ),
    ],
)
def test_each_rule_in_each_spelling(opening: Opening, iptables: str, nft: str, rich: str, ufw: str) -> None:
    assert " ".join(iptables_rule(opening)) == iptables
    assert nft_rule(opening) == nft
    assert rich_rule(opening) == f'rule priority="-112" {rich}'
    assert " ".join(ufw_rule(opening)) == ufw


@pytest.mark.parametrize(
    ("version", "chain", "rules"),
    [
        (4, "ufw-before-input", ["-p 112 -s 100.65.0.12", "-p 51 -s 100.65.0.12"]),
        (6, "ufw6-before-input", ["-p 112 -s fe80::12"]),
    ],
)
def test_a_block_of_ufw_has_the_rules_of_its_family(version: int, chain: str, rules: list[str]) -> None:
    lines = [f"-A {chain} {rule} -j ACCEPT" for rule in rules]
    wanted = ["# vipbook: VRRP from the peers of this server", *lines, "# vipbook: end"]
    assert ufw_block([FOUR, SIX, AH], version).splitlines() == wanted
    assert ufw_block([each for each in (FOUR, SIX) if each.address.version != version], version) == ""


@pytest.mark.parametrize(("family", "passing"), [("ip", [FOUR]), ("ip6", [SIX]), ("inet", [FOUR, SIX]), ("arp", [])])
def test_a_chain_gets_the_rules_of_what_passes_it(family: str, passing: list[Opening]) -> None:
    chains = [replace(each, family=family) for each in nftables(nft_chain()).chains]
    wanted = [f"insert rule {family} filter input {nft_rule(each)}" for each in passing]
    assert nft_inserts(chains, [FOUR, SIX]) == wanted
