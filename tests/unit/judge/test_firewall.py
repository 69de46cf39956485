"""The way in for VRRP, as rules: exactly which checks go red, and what is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.judge.vip import judge_vip
from tasks.model.server import Firewall
from tasks.model.verdict import VipState
from tasks.render.firewall import NFT_INCLUDE
from tests.unit.builders import (
    GONE,
    IPTABLES,
    OUR_LINE,
    REJECT,
    RULES_V4,
    iptables,
    nft_chain,
    nft_json_rule,
    nft_ours,
    nftables,
    subject,
    with_server,
)
from tests.unit.judge.broken import changed_by, message_of

HEALTHY = VipState.HEALTHY

REJECT_LINE = "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n"
BARE = IPTABLES.replace(OUR_LINE, "")
OPEN = "-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n"
BEHIND = BARE + OUR_LINE
WITH_STRAY = IPTABLES.replace(OUR_LINE, OUR_LINE + OUR_LINE.replace(".12/", ".99/"))
RULES_BARE = RULES_V4.replace(OUR_LINE, "")
RULES_BEHIND = RULES_BARE.replace(REJECT_LINE, REJECT_LINE + OUR_LINE)
UNHANDLED = Firewall(manager="pf", chains=(), persistent=None, saved=(), snippet=None)
SECOND_CHAIN = nft_chain(name="second")
OURS, OURS_IN_SECOND = nft_ours("100.65.0.11"), nft_ours("100.65.0.11", chain="second")
BEHIND_IN_SECOND = (nft_chain(), OURS, SECOND_CHAIN, nft_json_rule({"drop": None}, chain="second"), OURS_IN_SECOND)

DRIFT = [
    # server, what it says instead, the checks of that server that change, piece of a message; the VIP stays healthy
    ("H2", {"firewall": GONE}, "firewall unknown", GONE.reason),
    ("H2", {"firewall": UNHANDLED}, "firewall unknown", "pf in charge, which this version does not"),
    ("H2", {"firewall": replace(UNHANDLED, manager="iptables and nftables")}, "firewall fail", "at once"),
    ("H2", {"firewall": replace(UNHANDLED, manager="none")}, "", ""),
    ("H1", {"firewall": iptables(BARE)}, "firewall fail", "iptables does not open protocol 112 from 100.65.0.12"),
    ("H1", {"firewall": iptables(BEHIND)}, "firewall fail", "does not open protocol 112"),
    ("H1", {"firewall": iptables("-P INPUT DROP\n")}, "firewall fail", "does not open"),
    ("H1", {"firewall": iptables("-P INPUT ACCEPT\n")}, "", ""),
    ("H1", {"firewall": iptables("-P INPUT DROP\n" + OUR_LINE)}, "", ""),
    ("H1", {"firewall": iptables(IPTABLES.replace("0.12/32", "0.13/32"))}, "firewall fail", "does not"),
    ("H1", {"firewall": iptables(IPTABLES.replace("-p vrrp", "-p tcp"))}, "firewall fail", "does not"),
    ("H1", {"firewall": iptables(IPTABLES.replace("vrrp", "vrrp -i eth9"))}, "firewall fail", "does not"),
    ("H1", {"firewall": iptables(IPTABLES.replace("comment vipbook", "comment x"))}, "firewall fail", "does"),
    ("H1", {"firewall": iptables(saved=None)}, "firewall warn", "in no file of its own"),
    ("H1", {"firewall": iptables(saved="")}, "firewall warn", "in no file of its own"),
    ("H1", {"firewall": iptables(saved=RULES_BARE)}, "firewall fail", "closed after a boot"),
    ("H1", {"firewall": iptables(saved=RULES_BEHIND)}, "firewall fail", "closed after a boot"),
    ("H1", {"firewall": iptables(saved=RULES_BARE.replace("*nat", "*nat\n" + OUR_LINE))}, "firewall fail", "boot"),
    ("H1", {"firewall": iptables(WITH_STRAY)}, "firewall warn", "a rule of ours opens for nobody"),
    # nothing is closed now, but the file that the next boot loads closes
    ("H1", {"firewall": iptables(OPEN, saved=RULES_BARE)}, "firewall fail", "closed after a boot"),
    ("H2", {"firewall": nftables(nft_chain(), REJECT)}, "firewall fail", "nftables does not open protocol 112"),
    ("H2", {"firewall": nftables(nft_chain(), REJECT, OURS)}, "firewall fail", "does not"),
    ("H2", {"firewall": nftables(nft_chain())}, "firewall fail", "does not open"),
    ("H2", {"firewall": nftables(nft_chain(policy="accept"))}, "", ""),
    ("H2", {"firewall": nftables(nft_chain(), OURS)}, "", ""),
    # an accept is final for its own chain only: every chain on the hook must let it through
    ("H2", {"firewall": nftables(nft_chain(), OURS, REJECT, SECOND_CHAIN)}, "firewall fail", "does not open"),
    ("H2", {"firewall": nftables(nft_chain(), OURS, SECOND_CHAIN, OURS_IN_SECOND)}, "", ""),
    ("H2", {"firewall": nftables(nft_chain(), OURS, nft_chain(name="second", policy="accept"))}, "", ""),
    ("H2", {"firewall": nftables(*BEHIND_IN_SECOND)}, "firewall fail", "does not open"),
    ("H2", {"firewall": nftables(conf="flush ruleset\n")}, "firewall fail", "closed after a boot for 100.65.0.11"),
    ("H2", {"firewall": nftables(conf=f"# {NFT_INCLUDE}\n")}, "firewall fail", "boot"),
    ("H2", {"firewall": nftables(snippet=None)}, "firewall fail", "closed after a boot"),
    ("H2", {"firewall": nftables(snippet="# emptied\n")}, "firewall fail", "closed after a boot"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "values", "changed", "piece"), DRIFT)
def test_exactly_these_checks_of_the_server_change(host: str, values: dict[str, Any], changed: str, piece: str) -> None:
    broken = with_server(subject(), host, **values)
    words = [each.split() for each in changed.split(", ") if each]
    assert changed_by(broken) == {f"{check} {host}": status for check, status in words}
    assert judge_vip(broken).state is HEALTHY
    assert not piece or any(piece in message_of(broken, f"{check} {host}") for check, _ in words)
