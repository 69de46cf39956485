"""firewalld's policies and direct rules in front of ours: what is said of them, by the check and by the plan."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tasks.model.cluster import Opening
from tasks.server.firewall.backends.firewalld.judge import in_front
from tasks.server.firewall.backends.firewalld.model import Firewalld, rich_rule
from tasks.server.firewall.plan import notes_on, plan_firewall, refusal_of
from tests.unit.builders import firewall_of, open_after_boot, open_now

FOUR, SIX = (Opening(address=ip_address(each)) for each in ("100.65.0.14", "fd00:100:65::14"))
ACTIVE = "Id=firewalld.service\nActiveState=active\nUnitFileState=enabled\n"
ZONE = "public\n  target: default\n  interfaces: \n  sources: \n  rich rules: \n"
OURS = "".join(f"\t{rich_rule(each)}\n" for each in (FOUR, SIX))


def found(where: str = "", told: str = "", *, rich: str = "", runs: str = "", ours: str = OURS) -> Firewalld:
    """A server that opens for both peers, with this in one answer of firewall-cmd (`where`), or in both zone lists."""
    sections = {
        "version": "1.3.3\n",
        "default": "public\n",
        "runtime": f"{ZONE}{rich}{ours}",
        "permanent": f"{ZONE}{rich}{ours}",
        "rpfilter": "IPv6_rpfilter=no\n",
    }
    text = "".join(f"== {name}\n{each}" for name, each in (sections | ({where: told} if where else {})).items())
    told: Firewalld = firewall_of(ACTIVE, runs, "", {}, firewalld=text, interfaces=("enp0s8",))
    return told


def policy(target: str = "DROP", priority: int = -1, ingress: str = "ANY", rich: str = "", name: str = "p") -> str:
    lines = f"  priority: {priority}\n  target: {target}\n  ingress-zones: {ingress}\n  egress-zones: HOST\n"
    return f"{name} (active)\n{lines}  rich rules: \n{rich}\n"


VRRP_IN = '\trule protocol value="vrrp" accept\n'
NOT_FOUR = '\trule family="ipv4" source NOT address="100.65.0.14" protocol value="vrrp" drop\n'
HALF = '\trule family="ipv4" source address="100.65.0.0/24" protocol value="vrrp" accept\n'


@pytest.mark.parametrize(
    ("policies", "four", "six"),
    [
        (policy(), "'target: DROP' in policy p", "'target: DROP' in policy p"),
        (policy("REJECT"), "'target: REJECT' in policy p", "'target: REJECT' in policy p"),
        (policy("CONTINUE", rich=VRRP_IN.replace("accept", "drop")), "'rule protocol", "'rule protocol"),
        (policy("CONTINUE", rich=HALF.replace("accept", "reject")), "'rule family", None),
        (policy("CONTINUE", rich=NOT_FOUR), None, None),
        (policy(rich=HALF), None, "'target: DROP' in policy p"),
        (policy(rich=HALF.replace("/24", "/32").replace("0.0/", "0.15/")), "'target: DROP'", "'target: DROP'"),
        (policy(rich='\trule source ipset="peers" accept\n'), "'target: DROP'", "'target: DROP'"),
        (policy(ingress="public"), "'target: DROP'", "'target: DROP'"),
        (policy(ingress="dmz"), None, None),
        (policy(rich=VRRP_IN), None, None),
        (policy("CONTINUE"), None, None),
        (policy("ACCEPT"), None, None),
        (policy(priority=1), None, None),
        # the first that decides
        (policy("ACCEPT", -2, name="a") + policy(), None, None),
        (policy("ACCEPT", name="a") + policy(priority=-2), "in policy p", "in policy p"),
        (policy("ACCEPT", -2, ingress="dmz", name="a") + policy(), "in policy p", "in policy p"),
    ],
)
@pytest.mark.parametrize("saved", [False, True])
def test_policies(policies: str, four: str | None, six: str | None, saved: bool) -> None:  # noqa: FBT001
    firewall = found("permanent policies" if saved else "policies", policies)
    for opening, expected in ((FOUR, four), (SIX, six)):
        said = in_front(firewall, opening, saved=saved)
        assert (said is None) is (expected is None), said
        assert expected is None or (expected in str(said) and f"comes before the rule for {opening}" in str(said))
        assert in_front(firewall, opening, saved=not saved) is None
        assert open_now(firewall, opening) is (expected is None or saved)
        assert open_after_boot(firewall, opening) is (expected is None or not saved)
        refusal = refusal_of(firewall, (), [opening])
        assert (refusal is None) is (expected is None)
        kind = "permanent" if saved else "runtime"
        assert refusal is None or f"in policy p, {kind}, precedes all rules managed by vipbook" in refusal
        assert refusal is None or "remove it, or give the policy a priority above 0" in refusal
    assert plan_firewall(firewall, [FOUR, SIX]) == ()


DROP4 = "ipv4 filter INPUT 0 -p 112 -s 100.65.0.14 -j DROP\n"
RUNS4 = "-P INPUT ACCEPT\n-A INPUT -s 100.65.0.14/32 -p vrrp -j DROP\n"


@pytest.mark.parametrize(
    ("where", "told", "runs", "now", "later"),
    [
        ("direct rules", DROP4, RUNS4, "-A INPUT -s 100.65.0.14/32 -p vrrp -j DROP", None),
        ("direct rules", DROP4, "", "-A INPUT -p 112 -s 100.65.0.14 -j DROP", None),
        ("permanent direct rules", DROP4, "", None, "-A INPUT -p 112 -s 100.65.0.14 -j DROP"),
        ("direct rules", DROP4.replace("filter INPUT", "raw PREROUTING"), "", "-t raw -A PREROUTING", None),
        ("permanent direct passthroughs", "ipv4 -I INPUT -p 112 -j DROP\n", "", None, "-I INPUT -p 112 -j DROP"),
        ("direct rules", DROP4.replace("DROP", "ACCEPT"), RUNS4.replace("DROP", "ACCEPT"), None, None),
        ("permanent direct rules", DROP4.replace(".14", ".15"), "", None, None),
        ("permanent direct rules", DROP4.replace("ipv4", "ipv6").replace("-s 100.65.0.14", "-i eth9"), "", None, None),
    ],
)
def test_direct_rules(where: str, told: str, runs: str, now: str | None, later: str | None) -> None:
    firewall = found(where, told, runs=runs)
    assert firewall.manager == "firewalld"
    for saved, expected in ((False, now), (True, later)):
        said = in_front(firewall, FOUR, saved=saved)
        assert (said is None) is (expected is None), said
        assert expected is None or (expected in str(said) and "in firewalld's direct rules keeps out" in str(said))
        assert in_front(firewall, SIX, saved=saved) is None
    assert (open_now(firewall, FOUR), open_after_boot(firewall, FOUR)) == (now is None, later is None)
    refusal = refusal_of(firewall, (), [FOUR])
    assert (refusal is None) is (now is None and later is None)
    assert refusal is None or f"in its direct rules, {'runtime' if now else 'permanent'}, keeps out" in refusal
    assert refusal is None or "remove it, or let a direct rule before it accept that" in refusal


def test_what_direct_rules_accept_opens_nothing_in_a_zone() -> None:
    """With nftables beneath, the zones are asked all the same."""
    accepted = DROP4.replace("DROP", "ACCEPT")
    firewall = found("direct rules", accepted, runs=RUNS4.replace("DROP", "ACCEPT"), ours="")
    assert not open_now(firewall, FOUR)
    assert "which no rule opens for protocol vrrp from 100.65.0.14" in notes_on(firewall, [FOUR])[0]
    assert len(plan_firewall(firewall, [FOUR])[0].commands) == len(("runtime", "permanent"))


def test_a_rich_rule_of_others_that_lets_in_first_saves_from_one_that_denies() -> None:
    rules = [f"\t{rich_rule(FOUR).replace('-112', at)}\n" for at in ("-300", "-200")]
    denies = rules[1].replace("accept", "drop")
    assert refusal_of(found(rich=rules[0] + denies), (), [FOUR]) is None
    assert "give it a priority above -112" in str(refusal_of(found(rich=denies), (), [FOUR]))
