"""firewalld's policies and direct rules: what of them keeps VRRP out in front of ours, and what does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric
from tests.lab.test_front_rules import check, firewall_cmd, refusal

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
DROP = "rule protocol value=vrrp drop"
POLICY = ("--new-policy vb", "--policy vb --add-ingress-zone ANY", "--policy vb --add-egress-zone HOST")
DIRECT = "--direct --{verb}-rule ipv4 filter INPUT {priority} -p 112 -s 100.65.0.0/24 -j {target}"


def permanently(fabric: Fabric, *lines: str) -> None:
    firewall_cmd(fabric, *(f"--permanent {line}" for line in lines))


@pytest.fixture
def bare_front(db: Fabric) -> Iterator[Fabric]:
    """Without policies and direct rules of anybody's, and with nothing to change again when they are gone."""
    yield db
    permanently(db, "--delete-policy vb")
    db.shell("H3", "rm", "-f", "/etc/firewalld/direct.xml")
    firewall_cmd(db, "--reload")
    problem = db.proof.problem(["db"], wait_s=30)
    assert not problem, problem


def is_named_and_refused(fabric: Fabric, rule: str, place: str, mend: str) -> None:
    status, message = check(fabric.vipbook("verify", "db", "--json"), "firewall/H3")
    assert status == "fail"
    assert rule in message
    reason = refusal(fabric, "H3")
    assert rule in reason
    assert place in reason
    assert mend in reason


def is_nothing_to_vrrp(fabric: Fabric) -> None:
    assert check(fabric.vipbook("verify", "db", "--json"), "firewall/H3")[0] == "pass"
    assert fabric.vipbook("plan", "db", "--check").code == 0


def test_a_policy_that_runs_and_that_no_file_has(bare_front: Fabric) -> None:
    permanently(bare_front, *POLICY, f"--policy vb --add-rich-rule '{DROP}'")
    firewall_cmd(bare_front, "--reload")
    permanently(bare_front, "--delete-policy vb")
    rule = 'rule protocol value="vrrp" drop'
    is_named_and_refused(bare_front, rule, "in policy vb, runtime,", "give the policy a priority above 0")


def test_a_policy_that_comes_with_a_reload(bare_front: Fabric) -> None:
    permanently(bare_front, *POLICY, "--policy vb --set-target REJECT")
    mend = "give the policy a priority above 0"
    is_named_and_refused(bare_front, "target: REJECT", "in policy vb, permanent,", mend)
    # for a zone that no interface and no peer is in, behind the zones, or not for this server, it is nothing
    permanently(bare_front, "--policy vb --remove-ingress-zone ANY", "--policy vb --add-ingress-zone dmz")
    is_nothing_to_vrrp(bare_front)
    permanently(bare_front, "--policy vb --remove-ingress-zone dmz", "--policy vb --add-ingress-zone public")
    assert check(bare_front.vipbook("verify", "db", "--json"), "firewall/H3")[0] == "fail"
    permanently(bare_front, "--policy vb --remove-egress-zone HOST", "--policy vb --add-egress-zone ANY")
    is_nothing_to_vrrp(bare_front)


def test_a_policy_behind_the_zones_is_not_reported(bare_front: Fabric) -> None:
    permanently(bare_front, *POLICY, "--policy vb --set-target DROP", "--policy vb --set-priority 10")
    firewall_cmd(bare_front, "--reload")
    is_nothing_to_vrrp(bare_front)


@pytest.mark.parametrize("saved", ["", "--permanent "])
def test_a_direct_rule_that_drops(bare_front: Fabric, saved: str) -> None:
    firewall_cmd(bare_front, saved + DIRECT.format(verb="add", priority=0, target="DROP"))
    place = f"in its direct rules, {'permanent' if saved else 'runtime'},"
    is_named_and_refused(bare_front, "-j DROP", place, "let a direct rule before it accept that")
    firewall_cmd(bare_front, saved + DIRECT.format(verb="add", priority=-1, target="ACCEPT"))
    is_nothing_to_vrrp(bare_front)


def test_what_goes_to_iptables_as_it_is(bare_front: Fabric) -> None:
    passed = "--direct --{verb}-passthrough ipv4 -t raw -I PREROUTING -p 112 -s 100.65.0.14 -j DROP"
    firewall_cmd(bare_front, passed.format(verb="add"))
    try:
        rule = "-t raw -I PREROUTING -p 112 -s 100.65.0.14 -j DROP"
        is_named_and_refused(bare_front, rule, "in its direct rules, runtime,", "remove it")
    finally:
        firewall_cmd(bare_front, passed.format(verb="remove"))


def test_a_rule_that_is_none_of_firewallds_is_a_second_firewall(bare_front: Fabric) -> None:
    """And direct rules alone are none."""
    firewall_cmd(bare_front, "--direct --add-rule ipv4 filter INPUT 0 -p tcp --dport 9 -s 10.0.0.1,10.0.0.2 -j DROP")
    is_nothing_to_vrrp(bare_front)
    bare_front.shell("H3", "iptables", "-I", "INPUT", "-p", "udp", "-j", "ACCEPT")
    status, message = check(bare_front.vipbook("verify", "db", "--json"), "firewall/H3")
    assert (status, "firewalld and iptables are in charge at once" in message) == ("fail", True)
    bare_front.shell("H3", "iptables", "-D", "INPUT", "-p", "udp", "-j", "ACCEPT")
    is_nothing_to_vrrp(bare_front)


def test_a_change_and_its_way_back_leave_direct_rules_alone(bare_front: Fabric) -> None:
    both = ("", "--permanent ")
    rule = "--direct --add-rule ipv4 filter INPUT 0 -p tcp --dport 9 -m comment --comment 'not ours' -j DROP"
    firewall_cmd(bare_front, *(saved + rule for saved in both))

    def seen() -> str:
        words = "iptables -S; cat /etc/firewalld/direct.xml; firewall-cmd --direct --get-all-rules"
        return bare_front.shell("H3", "sh", "-c", words)

    before = seen()
    assert "not ours" in before
    ours = 'rule priority="-112" family="ipv4" source address="100.65.0.14" protocol value="vrrp" accept'
    firewall_cmd(bare_front, *(f"{saved}--zone=public --remove-rich-rule='{ours}'" for saved in both))
    ran = bare_front.vipbook("apply", "--yes", "db", "--json")
    assert ran.code == 0, ran.problems()
    assert seen() == before
    assert bare_front.vipbook("rollback", "db", "--yes").code == 0
    assert seen() == before
    assert bare_front.vipbook("apply", "--yes", "db").code == 0
    assert seen() == before
