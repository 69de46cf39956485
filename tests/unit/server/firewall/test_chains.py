"""Does a rule of ours open VRRP for a peer before anything can close it?"""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.model.cluster import Opening
from tasks.observe.readings import Garbled
from tasks.server.firewall.chains import is_open, opens, strays
from tasks.server.firewall.model import FirewallRule, InputChain
from tasks.server.firewall.xtables.rules import parse_iptables
from tests.unit.builders import equals, nft_chain, nft_json_rule, nftables

PEER, OTHER = (Opening(address=IPv4Address(f"100.65.0.{last}")) for last in (12, 13))


def rule(verdict: str = "accept", **changed: object) -> FirewallRule:
    fields = {"text": "", "source": None, "protocol": None, "narrow": False, "ours": False}
    return FirewallRule(verdict=verdict, **(fields | changed))  # type: ignore[arg-type]


def ours(peer: Opening = PEER, **changed: object) -> FirewallRule:
    return rule(**({"source": str(peer), "protocol": "vrrp", "ours": True} | changed))  # type: ignore[arg-type]


def chain(*rules: FirewallRule, policy: str = "drop") -> InputChain:
    return InputChain(family="ip", table="filter", name="INPUT", policy=policy, rules=rules)


DROP, REJECT, JUMP, SSH = rule("drop"), rule("reject"), rule("jump"), rule(protocol="tcp", narrow=True)


@pytest.mark.parametrize(
    ("tried", "open_"),
    [
        (ours(), True),
        (ours(OTHER), False),
        (ours(verdict="drop"), False),
        (ours(verdict="jump"), False),
        (ours(protocol="tcp"), False),
        (ours(protocol=None), False),
        (ours(source=None), False),
        (ours(source="100.65.0.0/24"), False),
        (ours(narrow=True), False),
        (ours(ours=False), False),
    ],
)
def test_opens_is_exactly_vrrp_from_exactly_the_peer(tried: FirewallRule, open_: bool) -> None:  # noqa: FBT001
    assert opens(tried, PEER) is open_


@pytest.mark.parametrize(
    ("tried", "blocking"),
    [
        (DROP, True),
        (REJECT, True),
        (JUMP, True),
        (rule("drop", protocol="vrrp"), True),
        (rule("drop", source="10.0.0.0/8"), True),
        (rule("drop", narrow=True), True),
        (rule("reject", protocol="vrrp", source="100.65.0.12"), True),
        (rule("jump", protocol="vrrp"), True),
        (rule("drop", protocol="tcp"), False),
        (rule("jump", protocol="udp"), False),
        (rule("accept"), False),
        (rule("other"), False),
        (SSH, False),
    ],
)
def test_blocks(tried: FirewallRule, blocking: bool) -> None:  # noqa: FBT001
    assert tried.blocks is blocking


@pytest.mark.parametrize(
    ("tried", "block", "open_", "closing"),
    [
        (chain(), None, False, True),
        (chain(policy="accept"), None, False, False),
        (chain(policy="reject"), None, False, True),
        (chain(SSH, DROP, policy="accept"), 1, False, True),
        (chain(SSH, policy="accept"), None, False, False),
        (chain(ours()), None, True, True),
        (chain(ours(), DROP), 1, True, True),
        (chain(SSH, ours(), DROP, DROP), 2, True, True),
        (chain(DROP, ours()), 0, False, True),
        (chain(JUMP, ours()), 0, False, True),
        (chain(REJECT, ours(), policy="accept"), 0, False, True),
        (chain(rule("drop", protocol="tcp"), ours()), None, True, True),
        (chain(ours(OTHER), DROP), 1, False, True),
        (chain(rule(), DROP), 1, False, True),  # not ours, so not ours to rely on
    ],
)
def test_chains(tried: InputChain, block: int | None, open_: bool, closing: bool) -> None:  # noqa: FBT001
    assert tried.first_block == block
    assert is_open(tried, PEER) is open_
    assert tried.closes is closing


@pytest.mark.parametrize(
    ("tried", "peers", "found"),
    [
        (chain(ours(), DROP), {PEER}, []),
        (chain(rule(), SSH, DROP), {PEER}, []),
        (chain(ours(), DROP), set(), [0]),
        (chain(ours(), DROP), {OTHER}, [0]),
        (chain(ours(), ours(OTHER), DROP), {PEER, OTHER}, []),
        (chain(ours(), ours(), DROP), {PEER}, [1]),
        (chain(DROP, ours()), {PEER}, [1]),
        (chain(ours(), DROP, ours()), {PEER}, [2]),
        (chain(ours(verdict="drop")), {PEER}, [0]),
        (chain(ours(narrow=True), ours(), DROP), {PEER}, [0]),
    ],
)
def test_strays_are_ours_and_open_for_nobody(tried: InputChain, peers: set[Opening], found: list[int]) -> None:
    assert [id(each) for each in strays(tried, frozenset(peers))] == [id(tried.rules[index]) for index in found]


RULES = st.sampled_from([DROP, REJECT, JUMP, SSH, rule(), ours(), ours(OTHER), ours(narrow=True), rule("other")])


@given(st.lists(RULES, max_size=6), st.sampled_from(["accept", "drop"]))
@settings(max_examples=80, deadline=None)
def test_without_its_strays_a_chain_is_as_open_as_before(rules: list[FirewallRule], policy: str) -> None:
    whole = chain(*(replace(each, text=str(index)) for index, each in enumerate(rules)), policy=policy)
    gone = strays(whole, frozenset({PEER, OTHER}))
    rest = chain(*(each for each in whole.rules if each not in gone), policy=policy)
    for peer in (PEER, OTHER):
        assert is_open(rest, peer) is is_open(whole, peer)


@pytest.mark.parametrize(
    "line",
    [
        "-A INPUT -j DROP",
        "-A INPUT -p 112 -j DROP",
        "-A INPUT -i eth0 -j DROP",
        "-A INPUT -j my-chain",
        "-A INPUT -g my-chain",
        "-A INPUT -m conntrack --ctstate INVALID -j DROP",
        "-A INPUT ! -p tcp -j DROP",
        "-A INPUT ! -s 10.0.0.0/8 -j REJECT --reject-with icmp-port-unreachable",
        '-A INPUT -m comment --comment "no -p tcp here" -j DROP',
        "-A INPUT -j NFQUEUE --queue-num 1",
        # by hand, as iptables-restore takes them
        "--append INPUT --jump REJECT --reject-with icmp-host-prohibited",
        "--append=INPUT --jump=DROP",
        "-AINPUT -jDROP",
        "  -A INPUT -j DROP",
        "-j DROP -A INPUT",
        "[1:2]-A INPUT -j DROP",
        "-I INPUT -j DROP",
        "-I INPUT 1 -p 112 -j DROP",
        "--insert INPUT 1 --protocol vrrp --jump DROP",
        "-A INPUT -p all -j DROP",
        "-A INPUT -p ALL -j DROP",
        "-A INPUT -p 0 -j DROP",
        "-A INPUT -p VRRP -j DROP",
        "-A INPUT -p 0x70 -j DROP",
        "-A INPUT -p 0160 -j DROP",
        "-A INPUT -p112 -j DROP",
        "-A INPUT -p 51 -j DROP",
        "-A INPUT -p ! tcp -j DROP",
        "-A INPUT --protocol ! tcp --goto my-chain",
        "-A INPUT -j DROP -i eth0",
        "-A INPUT -c 1 2 -j DROP",
        "-A INPUT -m policy --dir in --pol ipsec --proto esp -j DROP",
        '-A INPUT -m string --algo bm --string "-p tcp" -j DROP',
        '-A INPUT -m comment --comment "-p tcp -j ACCEPT" -j DROP',
        "-A INPUT -m comment --comment it's-ssh -j DROP",
        '-A "INPUT" -j "DROP"',
    ],
)
def test_real_lines_of_iptables_that_could_keep_vrrp_out(line: str) -> None:
    (found,) = parse_iptables(f"-P INPUT ACCEPT\n{line}\n")
    assert found.first_block == 0


@pytest.mark.parametrize(
    "line",
    [
        "-A INPUT -p tcp -m tcp --dport 22 -j DROP",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -p icmp -j REJECT --reject-with icmp-host-prohibited",
        '-A INPUT -j LOG --log-prefix "DROP "',
        "-A INPUT -m mark --mark 0x1",
        "-A FORWARD -j DROP",
        "--append FORWARD --jump DROP",
        "-A MYINPUT -j DROP",
        "-F FORWARD",
        "-Z INPUT",
        "# -A INPUT -j DROP",
        "-A INPUT --protocol=tcp --dport 22 --jump DROP",
        "-A INPUT -p 0x6 -j DROP",
        "-A INPUT -p TCP -j DROP",
        '-A INPUT -p tcp -m comment --comment "it\'s ssh" -j DROP',
        '-A INPUT -j LOG --log-prefix "-j DROP"',
    ],
)
def test_real_lines_of_iptables_that_could_not(line: str) -> None:
    (found,) = parse_iptables(f"-P INPUT ACCEPT\n{line}\n")
    assert found.first_block is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("-A INPUT --jum DROP", "abbreviated: write it out"),
        ("-A INPUT --proto tcp -j DROP", "abbreviated: write it out"),
        ("--app INPUT -j DROP", "abbreviated: write it out"),
        ("-D INPUT 1", "takes back rules of its own"),
        ("-R INPUT 1 -j DROP", "takes back rules of its own"),
        ("-F INPUT", "takes back rules of its own"),
        ("-F", "takes back rules of its own"),
        ("--flush", "takes back rules of its own"),
        ("-I INPUT 3 -j DROP", "there is no place 3"),
        ("-I INPUT 0 -j DROP", "no place"),
        ("-I INPUT first -j DROP", "no place"),
        ("-I INPUT 1 2 -j DROP", "no place"),
        ("-I INPUT -s 10.0.0.1,10.0.0.2 -j DROP", "several addresses"),
        ("-I INPUT -s some.host -j DROP", "several addresses"),
        ("-A INPUT -j", "no value"),
        ("-A INPUT -p -j DROP", "no value"),
        ("-A INPUT -j DROP !", "nothing follows"),
        ("-A INPUT -j DROP now", "nothing tells what 'now' is"),
        ("-A INPUT tcp -j DROP", "nothing tells what 'tcp' is"),
        ("-A INPUT -q -j DROP", "is no option"),
        ("-A INPUT -A INPUT -j DROP", "not one command, but 2"),
        ("-t nat -A INPUT -j DROP", "a table or a family"),
        ("-6 -A INPUT -j DROP", "a table or a family"),
        ('-A INPUT -m comment --comment "open -j DROP', "no closing quotation"),
        ("*filter\n*filter\n:INPUT DROP", "*filter comes twice"),
    ],
)
def test_a_line_that_could_mean_something_else_is_refused_with_the_reason(line: str, why: str) -> None:
    with pytest.raises(Garbled, match=re.escape(why)):
        parse_iptables(f"-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n{line}\n")


@pytest.mark.parametrize(
    ("lines", "order"),
    [
        (["-A INPUT -j a", "-I INPUT -j b"], "ba"),
        (["-A INPUT -j a", "-I INPUT 2 -j b"], "ab"),
        (["-A INPUT -j a", "-I INPUT -j b", "-A INPUT -j c", "-I INPUT 2 -j d"], "bdac"),
        (["-I INPUT -j a", "-I FORWARD -j x", "--insert INPUT -j b"], "ba"),
    ],
)
def test_rules_stand_where_insert_puts_them(lines: list[str], order: str) -> None:
    (found,) = parse_iptables("\n".join(["*filter", ":INPUT DROP [0:0]", *lines, "COMMIT"]))
    assert "".join(rule.text[-1] for rule in found.rules) == order


L4 = {"meta": {"key": "l4proto"}}


@pytest.mark.parametrize(
    "expressions",
    [
        [{"drop": None}],
        [{"reject": None}],
        [{"jump": {"target": "other"}}],
        [{"goto": {"target": "other"}}],
        [{"vmap": {"key": L4, "data": {"set": [["tcp", {"accept": None}]]}}}],
        [{"match": {"op": "==", "left": L4, "right": "vrrp"}}, {"counter": {"packets": 0, "bytes": 0}}, {"drop": None}],
        [{"match": {"op": "==", "left": L4, "right": 112}}, {"drop": None}],
        [{"match": {"op": "!=", "left": L4, "right": "tcp"}}, {"drop": None}],
        [equals("protocol", {"set": ["igmp", "vrrp"]}), {"drop": None}],
        [{"match": {"op": "==", "left": L4, "right": {"set": ["tcp", "vrrp"]}}}, {"drop": None}],
        [equals("protocol", {"range": [100, 120]}), {"drop": None}],
        [equals("protocol", "@protocols"), {"drop": None}],
        [{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, {"drop": None}],
        [equals("saddr", {"prefix": {"addr": "100.65.0.0", "len": 24}}), {"drop": None}],
    ],
)  # fmt: skip
def test_real_rules_of_nftables_that_could_keep_vrrp_out(expressions: list[dict[str, object]]) -> None:
    (found,) = nftables(nft_chain(policy="accept"), nft_json_rule(*expressions)).chains
    assert found.first_block == 0


@pytest.mark.parametrize(
    "expressions",
    [
        [equals("protocol", "tcp"), {"drop": None}],
        [{"match": {"op": "==", "left": L4, "right": "udp"}}, {"reject": None}],
        [{"counter": {"packets": 0, "bytes": 0}}],
        [{"log": {"prefix": "in "}}],
        [{"accept": None}],
    ],
)
def test_real_rules_of_nftables_that_could_not(expressions: list[dict[str, object]]) -> None:
    (found,) = nftables(nft_chain(policy="accept"), nft_json_rule(*expressions)).chains
    assert found.first_block is None
