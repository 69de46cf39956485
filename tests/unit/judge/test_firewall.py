"""The way in for VRRP, as rules: exactly which checks go red, and what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.judge.vip import judge_vip
from tasks.model.verdict import VipState
from tasks.server.firewall.backends.nftables.model import NFT_INCLUDE, nft_snippet
from tasks.server.firewall.model import Firewall
from tests.unit.builders import (
    GONE,
    H1_IP,
    IPTABLES,
    OUR_LINE,
    REJECT,
    RULES_V4,
    firewall_of,
    instance,
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
FIREWALLD = "Id=firewalld.service\nActiveState=active\nUnitFileState=enabled\n"
NATIVE = json.dumps({"nftables": [nft_chain(), REJECT]})

REJECT_LINE = "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n"
BARE = IPTABLES.replace(OUR_LINE, "")
OPEN = "-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n"
BEHIND = BARE + OUR_LINE
WITH_STRAY = IPTABLES.replace(OUR_LINE, OUR_LINE + OUR_LINE.replace(".12/", ".99/"))
RULES_BARE = RULES_V4.replace(OUR_LINE, "")
RULES_BEHIND = RULES_BARE.replace(REJECT_LINE, REJECT_LINE + OUR_LINE)
UNHANDLED = Firewall(manager="pf")
SECOND_CHAIN = nft_chain(name="second")
OURS, OURS_IN_SECOND = nft_ours("100.65.0.11"), nft_ours("100.65.0.11", chain="second")
BEHIND_IN_SECOND = (nft_chain(), OURS, SECOND_CHAIN, nft_json_rule({"drop": None}, chain="second"), OURS_IN_SECOND)
TWO_OPEN = (nft_chain(), OURS, SECOND_CHAIN, OURS_IN_SECOND)
OPEN_CHAIN = (nft_chain(policy="accept"), OURS)
FIRST, FIRST_CHAIN = frozenset({"inet filter input"}), nftables().chains

DRIFT = [
    # server, what it says instead, the checks of that server that change, piece of a message; the VIP stays healthy
    ("H2", {"firewall": GONE}, "firewall unknown", GONE.reason),
    ("H2", {"firewall": UNHANDLED}, "firewall unknown", "pf in charge, which this version does not"),
    ("H2", {"firewall": firewall_of("", "-P INPUT ACCEPT\n", "", {}, legacy="-P INPUT DROP\n")}, "firewall unknown",
     "iptables-legacy in charge, which this version does not"),
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
    ("H1", {"firewall": iptables(WITH_STRAY)}, "firewall warn", "a rule managed by vipbook opens for no peer"),
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
    # a chain that no file makes: what is saved for it keeps nft from loading anything
    ("H2", {"firewall": replace(nftables(), made=frozenset({"inet filter input"}))}, "", ""),
    ("H2", {"firewall": replace(nftables(), made=frozenset())}, "firewall fail", "nft would load nothing"),
    ("H2", {"firewall": replace(nftables(*OPEN_CHAIN), made=frozenset())}, "firewall fail", "nft would load nothing"),
    ("H2", {"firewall": replace(nftables(*TWO_OPEN, snippet=nft_snippet((), ())), made=frozenset())}, "firewall warn",
     "inet filter input, inet filter second is not made by /etc/nftables.conf"),
    ("H2", {"firewall": replace(nftables(*TWO_OPEN, snippet=nft_snippet((), ())), made=FIRST)}, "firewall fail",
     "closed after a boot"),
    ("H2", {"firewall": replace(nftables(*TWO_OPEN, snippet=nft_snippet(FIRST_CHAIN, (H1_IP,))), made=FIRST)},
     "firewall warn", "inet filter second is not made by /etc/nftables.conf, and closes when"),
    ("H2", {"firewall": replace(nftables(*TWO_OPEN), made=FIRST)}, "firewall fail", "a rule for inet filter second"),
    ("H2", {"firewall": replace(nftables(conf="", snippet=nft_snippet(FIRST_CHAIN, (H1_IP,))), made=frozenset())},
     "firewall warn", "is not made by"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "values", "changed", "piece"), DRIFT)
def test_exactly_these_checks_of_the_server_change(host: str, values: dict[str, Any], changed: str, piece: str) -> None:
    broken = with_server(subject(), host, **values)
    words = [each.split() for each in changed.split(", ") if each]
    assert changed_by(broken) == {f"{check} {host}": status for check, status in words}
    assert judge_vip(broken).state is HEALTHY
    assert not piece or any(piece in message_of(broken, f"{check} {host}") for check, _ in words)


@pytest.mark.parametrize(
    ("between_s", "heard", "status"),
    [
        (2.0, 2, "pass"),
        (0.0, 1, "pass"),
        (10.0, 10, "pass"),
        (10.0, 7, "pass"),
        (10.0, 5, "warn"),
        (10.0, 1, "warn"),
        (10.0, 0, "fail"),
        (GONE, 2, "unknown"),
    ],
)
def test_adverts_come_at_the_declared_rate(between_s: Any, heard: int, status: str) -> None:  # noqa: ANN401
    """The cluster declares one a second."""
    later = (instance("H2", "backup", adverts_received=10 + heard),)
    broken = with_server(subject(), "H2", between_s=between_s, later=later)
    assert changed_by(broken) == ({} if status == "pass" else {"adverts H2": status})
    assert status != "warn" or "were due: some are lost on the way" in message_of(broken, "adverts H2")


@pytest.mark.parametrize(
    ("files", "path", "path6"),
    [
        ({}, "/etc/iptables/rules.v4", "/etc/iptables/rules.v6"),
        ({"/etc/sysconfig/iptables": RULES_V4}, "/etc/sysconfig/iptables", "/etc/iptables/rules.v6"),
        ({"/etc/sysconfig/ip6tables": "*filter\n"}, "/etc/iptables/rules.v4", "/etc/sysconfig/ip6tables"),
        (
            {"/etc/iptables/rules.v4": RULES_V4, "/etc/sysconfig/iptables": ""},
            "/etc/iptables/rules.v4",
            "/etc/iptables/rules.v6",
        ),
    ],
)
def test_the_saved_file_is_the_one_that_is_there(files: dict[str, str], path: str, path6: str) -> None:
    found = firewall_of("", IPTABLES, "", files)
    assert (found.manager, found.path, found.path6) == ("iptables", path, path6)
    assert found.persistent == files.get(path)


@pytest.mark.parametrize(
    ("units", "v4", "v6", "legacy", "ruleset", "manager"),
    [
        ("", "", "", "", "", "none"),
        ("", OPEN, "", "", "", "iptables"),
        ("", "", "-P INPUT DROP\n", "", "", "iptables"),
        ("", BARE, "", "-P INPUT DROP\n", "", "iptables and iptables-legacy"),
        ("", "-P INPUT ACCEPT\n", "", "-P INPUT DROP\n", "", "iptables-legacy"),
        ("", "-P INPUT ACCEPT\n", "", "-P INPUT ACCEPT\n== ip6\n-P INPUT DROP\n", "", "iptables-legacy"),
        ("", BARE, "", "-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n", "", "iptables"),
        ("", "-P INPUT DROP\n-A INPUT -j ufw-before-input\n", "", "", "", "ufw"),
        (FIREWALLD, "", "", "", "", "firewalld"),
        (FIREWALLD, BARE, "", "", "", "firewalld and iptables"),
        (FIREWALLD, "-P INPUT ACCEPT\n-A INPUT -j INPUT_ZONES\n-A INPUT -j REJECT\n", "", "", "", "firewalld"),
        (FIREWALLD, "", "", "", NATIVE, "firewalld and nftables"),
        ("", "-P INPUT DROP\n-A INPUT -j ufw-before-input\n", "", "", NATIVE, "ufw and nftables"),
        ("", BARE, "", "", NATIVE, "iptables and nftables"),
    ],
)
def test_who_is_in_charge(units: str, v4: str, v6: str, legacy: str, ruleset: str, manager: str) -> None:
    told = "== version\n1.0.0\n== default\npublic\n== runtime\npublic\n== permanent\npublic\n== rpfilter\n\n"
    found = firewall_of(units, v4, ruleset, {}, ip6tables=v6, legacy=legacy, firewalld=told)
    assert found.manager == manager
