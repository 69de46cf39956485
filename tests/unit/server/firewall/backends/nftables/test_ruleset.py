"""What a rule of native nftables can drop, from what nft 1.0.6 prints of it."""

from __future__ import annotations

import json

import pytest

from tasks.observe.readings import Garbled
from tasks.server.firewall.backends.nftables.read.ruleset import parse_nft


def match(left: object, right: object, op: str = "==") -> dict[str, object]:
    return {"match": {"op": op, "left": left, "right": right}}


def header(protocol: str, field: str) -> dict[str, object]:
    return {"payload": {"protocol": protocol, "field": field}}


L4, SADDR, DPORT = {"meta": {"key": "l4proto"}}, header("ip", "saddr"), header("tcp", "dport")
FLAGS = {"&": [header("tcp", "flags"), ["syn", "ack"]]}
VMAP = {"set": [[22, {"accept": None}], [23, {"drop": None}]]}
FRAGMENT = {"exthdr": {"name": "frag", "field": "id"}}
TABLE = ["inet", "f2b-table", "f2b-chain"]


def ruleset(expressions: list[dict[str, object]]) -> str:
    family, table, name = TABLE
    chain = {"family": family, "table": table, "name": name, "hook": "input", "policy": "accept"}
    rule = {"family": family, "table": table, "chain": name, "handle": 4, "expr": expressions}
    return json.dumps({"nftables": [{"chain": chain}, {"rule": rule}]})


@pytest.mark.parametrize(
    ("expressions", "protocol", "blocking"),
    [
        # a look into a header is a demand that there is one
        ([match(DPORT, 22), match(SADDR, "@s"), {"reject": None}], "tcp", False),
        ([match(SADDR, "@s"), match(DPORT, 22), {"reject": None}], "tcp", False),
        ([match(DPORT, 22, "!="), {"drop": None}], "tcp", False),
        ([match(DPORT, {"set": [22, 80]}), {"drop": None}], "tcp", False),
        ([match(FLAGS, "syn"), {"drop": None}], "tcp", False),
        ([match({"concat": [SADDR, DPORT]}, {"set": [{"concat": ["1.2.3.4", 22]}]}), {"drop": None}], "tcp", False),
        ([match({"tcp option": {"name": "maxseg", "field": "size"}}, 500), {"drop": None}], "tcp", False),
        ([match({"sctp chunk": {"name": "data", "field": "flags"}}, 2), {"drop": None}], "sctp", False),
        ([match({"dccp option": {"type": 1}}, 2), {"drop": None}], "dccp", False),
        ([match(header("udp", "length"), 8), {"drop": None}], "udp", False),
        ([match(header("icmp", "type"), "echo-request"), {"drop": None}], "icmp", False),
        ([match(header("icmpv6", "type"), "echo-request"), {"drop": None}], "icmpv6", False),
        ([{"limit": {"rate": 5, "per": "second", "inv": True}}, match(DPORT, 22), {"drop": None}], "tcp", False),
        ([match(DPORT, 22), {"jump": {"target": "other"}}], "tcp", False),
        ([{"vmap": {"key": DPORT, "data": VMAP}}], "tcp", False),
        ([match(L4, {"set": ["tcp", "udp"]}), match(header("th", "dport"), 53), {"drop": None}], "tcp,udp", False),
        ([match(L4, {"set": [6, 17]}), {"drop": None}], "6,17", False),
        # AH carries VRRP's adverts where it is used
        ([match(header("ah", "spi"), 5), {"drop": None}], "ah", True),
        # every protocol has a transport header, VRRP's priority stands where a port would
        ([match(header("th", "dport"), 53), {"drop": None}], None, True),
        ([match({"payload": {"base": "th", "offset": 16, "len": 16}}, 22), {"drop": None}], None, True),
        ([match(SADDR, "@s"), {"reject": None}], None, True),
        ([match(SADDR, "@s"), {"reject": {"type": "tcp reset"}}], None, True),
        ([match(header("ip6", "hoplimit"), 1), {"drop": None}], None, True),
        ([match(FRAGMENT, 5), {"drop": None}], None, True),
        ([match({"ct": {"key": "l4proto"}}, "tcp"), {"drop": None}], None, True),
        ([match({"concat": [SADDR, {"meta": {"key": "iif"}}]}, "@x"), {"drop": None}], None, True),
        ([match(L4, {"set": ["tcp", "vrrp"]}), {"drop": None}], None, True),
        ([match(L4, {"set": ["tcp", 112]}), {"drop": None}], None, True),
        ([match(L4, {"set": ["tcp", "ah"]}), {"drop": None}], None, True),
        ([match(L4, {"set": [{"range": [6, 17]}, "esp"]}), {"drop": None}], None, True),
        ([match(L4, {"set": ["tcp", "udp"]}, "!="), {"drop": None}], None, True),
        ([match(L4, {"set": []}), {"drop": None}], None, True),
        ([match(L4, "@p"), {"drop": None}], None, True),
        ([match(L4, "tcp", "!="), {"drop": None}], None, True),
        ([match({"concat": [L4, SADDR]}, {"set": [{"concat": ["tcp", "1.2.3.4"]}]}), {"drop": None}], None, True),
        ([{"vmap": {"key": L4, "data": VMAP}}], None, True),
        ([match("word", 1), {"drop": None}], None, True),
        ([match({"payload": "word"}, 1, "in"), {"drop": None}], None, True),
    ],
)  # fmt: skip
def test_what_a_rule_demands_of_the_protocol(
    expressions: list[dict[str, object]],
    protocol: str | None,
    blocking: bool,  # noqa: FBT001
) -> None:
    (found,) = parse_nft(ruleset(expressions))
    assert [(each.protocol, each.blocks) for each in found.rules] == [(protocol, blocking)]


@pytest.mark.parametrize("wrong", [{"protocol": ["ip"], "field": "saddr"}, {"protocol": "ip", "field": ["saddr"]}])
def test_a_header_that_is_no_text_is_not_guessed(wrong: dict[str, object]) -> None:
    with pytest.raises(Garbled, match="is not text but"):
        parse_nft(ruleset([match({"payload": wrong}, 1), {"drop": None}]))
