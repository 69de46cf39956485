"""firewalld's policies: what of them is passed before the zones, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.observe.readings import Garbled
from tasks.server.firewall.backends.firewalld.model import FrontRule
from tasks.server.firewall.backends.firewalld.read import parse_firewalld

DATA = Path(__file__).parents[5] / "data" / "observe" / "firewall"
PLAIN = (DATA / "firewalld_H3.txt").read_text()
FRONT = PLAIN.partition("== policies")[0] + (DATA / "firewalld_front_H3.txt").read_text()


def policy(name: str = "p", rich: tuple[str, ...] = (), **changed: str) -> str:
    """As `firewall-cmd --list-all-policies` prints one; what leads to this server unless told otherwise."""
    fields = {"priority": "-1", "target": "CONTINUE", "ingress_zones": "ANY", "egress_zones": "HOST", "protocols": ""}
    lines = [f"  {key.replace('_', '-')}: {value}\n" for key, value in (fields | changed).items()]
    return f"{name} (active)\n{''.join(lines)}  rich rules: \n{''.join(f'	{each}' + chr(10) for each in rich)}\n"


def front(*policies: str, saved: bool = False) -> list[FrontRule]:
    text = PLAIN.partition("== policies")[0]
    text += f"== {'permanent ' if saved else ''}policies\n{''.join(policies)}"
    return [each for each in parse_firewalld(text, ("enp0s8",)).front if each.where.in_policy]


def test_what_firewalld_brings_is_nothing_to_vrrp() -> None:
    assert "allow-host-ipv6" in PLAIN
    assert [each for each in parse_firewalld(PLAIN, ("enp0s8",)).front if each.where.in_policy] == []


def test_the_labs_answers() -> None:
    """`early` has priority -10, `late` 10, and `through` leads elsewhere."""
    found = [each for each in parse_firewalld(FRONT, ("enp0s8",)).front if each.where.in_policy]
    accept = 'rule family="ipv4" source address="100.65.0.0/24" protocol value="112" accept'
    assert [(each.text, each.denies, each.protocol) for each in found] == [
        ("protocols: ah", False, "ah"),
        (accept, False, "vrrp"),
        ("target: REJECT", True, None),
    ]
    assert {(each.where.place, each.where.zones, each.where.saved) for each in found} == {("policy early", None, True)}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"target": "DROP"}, True),
        ({"target": "REJECT"}, True),
        ({"target": "%%REJECT%%"}, True),
        ({"target": "DROP", "priority": "-32768"}, True),
        ({"target": "DROP", "ingress_zones": "public"}, True),
        ({"target": "DROP", "ingress_zones": "dmz public"}, True),
        ({"target": "ACCEPT"}, False),
        ({"target": "CONTINUE"}, None),
        ({"target": "DROP", "priority": "1"}, None),
        ({"target": "DROP", "priority": "32767"}, None),
        ({"target": "DROP", "egress_zones": "ANY"}, None),
        ({"target": "DROP", "egress_zones": "public"}, None),
        ({"target": "DROP", "ingress_zones": "HOST", "egress_zones": "ANY"}, None),
        ({"target": "DROP", "egress_zones": ""}, None),
        ({"target": "DROP", "disable": "yes"}, None),
    ],
)
@pytest.mark.parametrize("saved", [False, True])
def test_a_target_counts_where_it_is_met_before_a_zone(changed: dict[str, str], told: bool | None, saved: bool) -> None:  # noqa: FBT001
    found = front(policy(**changed), saved=saved)
    assert [each.denies for each in found] == ([] if told is None else [told])
    assert {each.where.saved for each in found} <= {saved}


@pytest.mark.parametrize(("zones", "expected"), [("ANY", None), ("public", {"public"}), ("a b", {"a", "b"})])
def test_for_whom(zones: str, expected: set[str] | None) -> None:
    (found,) = front(policy(ingress_zones=zones, target="DROP"))
    assert found.where.zones == expected


DROP, ACCEPT = (f'rule protocol value="vrrp" {word}' for word in ("drop", "accept"))


def at(priority: int, rule: str) -> str:
    return rule.replace("rule", f'rule priority="{priority}"')


@pytest.mark.parametrize(
    ("rich", "changed", "order"),
    [
        ([ACCEPT, DROP], {}, [DROP, ACCEPT]),
        ([at(-1, ACCEPT), DROP], {}, [at(-1, ACCEPT), DROP]),
        ([at(1, DROP), ACCEPT], {}, [ACCEPT, at(1, DROP)]),
        ([at(1, ACCEPT), at(1, DROP)], {}, [at(1, DROP), at(1, ACCEPT)]),
        ([at(-1, DROP), at(-2, ACCEPT)], {}, [at(-2, ACCEPT), at(-1, DROP)]),
        ([DROP], {"protocols": "vrrp"}, [DROP, "protocols: vrrp"]),
        ([at(1, DROP)], {"protocols": "esp vrrp"}, ["protocols: esp", "protocols: vrrp", at(1, DROP)]),
        ([at(1, ACCEPT)], {"target": "DROP"}, [at(1, ACCEPT), "target: DROP"]),
        (['rule service name="ssh" accept', 'rule port port="1" protocol="tcp" drop'], {"target": "CONTINUE"}, []),
    ],
)
def test_a_policy_is_passed_like_a_zone(rich: list[str], changed: dict[str, str], order: list[str]) -> None:
    assert [each.text for each in front(policy(rich=tuple(rich), **changed))] == order


def test_policies_are_passed_by_priority() -> None:
    named = [policy("a", target="DROP"), policy("b", target="DROP", priority="-2"), policy("c", target="ACCEPT")]
    assert [each.where.place for each in front(*named)] == ["policy b", "policy a", "policy c"]


def test_they_come_before_what_stands_in_zones() -> None:
    text = PLAIN.partition("== policies")[0]
    found = parse_firewalld(f"{text}== policies\n{policy(target='DROP')}", ("enp0s8",)).front
    assert [each.where.in_policy for each in found if not each.where.saved] == [True, False, False]


def test_a_priority_that_is_no_number_is_no_answer() -> None:
    with pytest.raises(Garbled, match="not a priority of a policy"):
        front(policy(priority="first"))
