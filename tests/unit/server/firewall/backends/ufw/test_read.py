"""ufw's files and what it has loaded."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from tasks.model.cluster import Opening
from tasks.server.firewall.backends.ufw.judge import is_open
from tasks.server.firewall.backends.ufw.model import Ufw, UfwRule, ufw_block
from tasks.server.firewall.backends.ufw.read import our_block, parse_ufw
from tests.unit.builders import firewall_of

DATA = Path(__file__).parents[5] / "data" / "observe" / "firewall"
RULES = (DATA / "iptables_H4.txt").read_text()
PARTS = (DATA / "files_H4.txt").read_text().split("\n== ")
FILES = {part.partition("\n")[0]: part.partition("\n")[2] for part in PARTS if part.startswith("/etc")}
FOUR, SIX = (Opening(address=ip_address(each)) for each in ("100.65.0.13", "fd00:100:65::13"))
ENABLED = "Id=ufw.service\nActiveState=active\nUnitFileState=enabled\n"
TUPLE = "### tuple ### allow vrrp any 0.0.0.0/0 any 100.65.0.13 in comment=766970626f6f6b\n"
RUNNING = "-A ufw-user-input -s 100.65.0.13/32 -p vrrp -j ACCEPT\n"


def firewall(rules: str = RULES, files: dict[str, str] | None = None) -> Ufw:
    v4, _, v6 = rules.partition("-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N ufw6")
    found: Ufw = firewall_of(ENABLED, v4, "", files or FILES, ip6tables=f"-P INPUT DROP\n-N ufw6{v6}")
    return found


def ufw(rules: tuple[UfwRule, ...]) -> Ufw:
    return Ufw(rules=rules, before=None, before6=None, knows_vrrp=True, default="default policy DROP for what comes in")


def test_the_labs_server() -> None:
    found = firewall()
    assert (found.manager, found.at_boot, found.knows_vrrp) == ("ufw", True, True)
    assert found.default == "default policy DROP for what comes in"
    for opening in (FOUR, SIX):
        assert is_open(found, opening, saved=True)
        assert is_open(found, opening, saved=False)
    assert not is_open(found, Opening(address=ip_address("100.65.0.99")), saved=False)
    assert not is_open(found, Opening(address=FOUR.address, protocol="ah"), saved=True)
    assert [rule.ours for rule in found.rules if rule.saved] == [True, True]


@pytest.mark.parametrize(
    ("files", "running", "saved", "now"),
    [
        ({"user.rules": TUPLE}, RUNNING, True, True),
        ({"user.rules": TUPLE}, "", True, False),
        ({}, RUNNING, False, True),
        ({"user.rules": TUPLE.replace(" comment=766970626f6f6b", "")}, RUNNING, True, True),
        ({"user.rules": TUPLE.replace("allow", "deny")}, RUNNING.replace("ACCEPT", "DROP"), False, False),
        ({"user.rules": TUPLE.replace("100.65.0.13", "100.65.0.0/24")}, RUNNING.replace("13/32", "0/24"), False, False),
        ({"user.rules": TUPLE.replace("vrrp", "tcp")}, RUNNING.replace("vrrp", "tcp"), False, False),
        ({"user.rules": TUPLE.replace(" in ", " out ")}, RUNNING.replace("-p", "-i eth0 -p"), False, False),
        ({"user.rules": TUPLE.replace("100.65.0.13", "nobody")}, "", False, False),
        ({"before.rules": ufw_block([FOUR], 4)}, RUNNING.replace("user", "before"), True, True),
        ({"before.rules": ufw_block([FOUR], 4).partition("-A")[2]}, "", False, False),
    ],
)
def test_what_opens_now_and_after_a_boot(files: dict[str, str], running: str, saved: bool, now: bool) -> None:  # noqa: FBT001
    rules, _ = parse_ufw(running, files)
    found = ufw(rules)
    assert is_open(found, FOUR, saved=True) is saved
    assert is_open(found, FOUR, saved=False) is now


DENY = "### tuple ### deny any any 0.0.0.0/0 any 100.65.0.13 in\n-A ufw-user-input -s 100.65.0.13 -j DROP\n"
LINE = "-A ufw-user-input -p vrrp -s 100.65.0.13 -j ACCEPT\n"
BLOCK = ufw_block([FOUR], 4)


@pytest.mark.parametrize(
    ("files", "running", "behind_saved", "behind_now"),
    [
        ({"user.rules": TUPLE + LINE + DENY}, RUNNING + "-A ufw-user-input -j DROP\n", "", ""),
        ({"user.rules": DENY + TUPLE + LINE}, RUNNING, "-s 100.65.0.13 -j DROP", ""),
        ({"user.rules": TUPLE + LINE}, "-A ufw-user-input -j DROP\n" + RUNNING, "", "-A ufw-user-input -j DROP"),
        ({"user.rules": TUPLE + LINE, "before.rules": "-A ufw-before-input -j DROP\n"}, RUNNING, "before-input", ""),
        ({"user.rules": DENY, "before.rules": BLOCK}, RUNNING.replace("user", "before"), "", ""),
        ({"before.rules": f"-A ufw-before-input -j DROP\n{BLOCK}"}, RUNNING.replace("user", "before"), "DROP", ""),
    ],
)
def test_what_stands_in_front_now_and_after_a_boot(
    files: dict[str, str], running: str, behind_saved: str, behind_now: str
) -> None:
    jump = "-A INPUT -j ufw-before-input\n-A ufw-before-input -j ufw-user-input\n"
    rules, _ = parse_ufw(jump + running, files)
    found = ufw(rules)
    assert {rule.saved for rule in rules} == {True, False}
    for rule, piece in ((rule, behind_saved if rule.saved else behind_now) for rule in rules):
        assert piece in rule.behind
        assert bool(piece) is bool(rule.behind)
        assert is_open(found, FOUR, saved=rule.saved) is not bool(piece)


def test_what_stands_in_front_in_ipv6() -> None:
    found = firewall(
        RULES.replace("-A ufw6-user-input -s", "-A ufw6-user-input -i enp0s8 -j DROP\n-A ufw6-user-input -s")
    )
    assert [is_open(found, each, saved=False) for each in (FOUR, SIX)] == [True, False]
    assert is_open(found, SIX, saved=True)


@pytest.mark.parametrize(
    ("text", "policy"),
    [('DEFAULT_INPUT_POLICY="DROP"\n', "DROP"), ('DEFAULT_INPUT_POLICY="REJECT"\n', "REJECT"), ("", "DROP")],
)
def test_the_default_policy(text: str, policy: str) -> None:
    assert policy in parse_ufw("", {"default": text, "ufw": text})[1] or not text


def test_our_block_has_both_its_ends() -> None:
    block = ufw_block([FOUR], 4)
    assert our_block(f"*filter\n{block}COMMIT\n") == "-A ufw-before-input -p 112 -s 100.65.0.13 -j ACCEPT\n"
    assert our_block(block.replace("end", "no")) == ""
    assert ufw_block([FOUR], 6) == ""
    assert "-A ufw6-before-input -p 112 -s fd00:100:65::13" in ufw_block([FOUR, SIX], 6)
