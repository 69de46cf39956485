"""firewalld and ufw: what they are told, and the way back."""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from tasks.model.cluster import Opening
from tasks.model.plan import Step
from tasks.server.firewall.backends.firewalld.judge import in_front
from tasks.server.firewall.backends.firewalld.model import Firewalld, FrontRule, RichRule, Where, ZoneSource, rich_rule
from tasks.server.firewall.backends.ufw.model import Ufw, UfwRule, ufw_block
from tasks.server.firewall.backends.ufw.plan import with_block
from tasks.server.firewall.model import Firewall
from tasks.server.firewall.plan import notes_on, plan_firewall, refusal_of
from tests.unit.builders import VIP, VIP6, cluster, open_after_boot, open_now

FOUR, SIX = (Opening(address=ip_address(each)) for each in ("100.65.0.14", "fd00:100:65::14"))
AH = replace(FOUR, protocol="ah")
GONE = Opening(address=ip_address("100.65.0.99"))
BEFORE = "*filter\n:ufw-before-input - [0:0]\n# End required lines\n\n-A ufw-before-input -i lo -j ACCEPT\nCOMMIT\n"


def rule(opening: Opening, *, saved: bool, ours: bool = True, zone: str = "public") -> RichRule:
    fields: dict[str, Any] = {"address": opening.address, "protocol": opening.protocol, "ours": ours, "saved": saved}
    return RichRule(text=rich_rule(opening), zone=zone, **fields)


def ufw_rule(opening: Opening, *, saved: bool, text: str, ours: bool = True) -> UfwRule:
    fields: dict[str, Any] = {"address": opening.address, "protocol": opening.protocol, "ours": ours, "saved": saved}
    return UfwRule(text=text, **fields)


def firewalld(*rules: RichRule, **changed: Any) -> Firewalld:  # noqa: ANN401
    fields: dict[str, Any] = {"zones": (("enp0s8", "public"),), "default": "zone public with target default"}
    fields |= {"rules": rules, "priorities": True, "strict6": False}
    return Firewalld(**(fields | changed))


def both(opening: Opening, **changed: Any) -> list[RichRule]:  # noqa: ANN401
    return [rule(opening, saved=saved, **changed) for saved in (False, True)]


def ufw(*rules: UfwRule, **changed: Any) -> Ufw:  # noqa: ANN401
    fields: dict[str, Any] = {"before": BEFORE, "before6": BEFORE.replace("ufw-", "ufw6-"), "knows_vrrp": True}
    return Ufw(rules=rules, **(fields | {"default": "default policy DROP for what comes in"} | changed))


def by_ufw(opening: Opening, *, ours: bool = True) -> list[UfwRule]:
    """As ufw has it: a tuple in its file, and a rule without a comment that runs."""
    return [
        ufw_rule(opening, saved=True, ours=ours, text="### tuple ### …"),
        ufw_rule(opening, saved=False, ours=False, text="-A ufw-user-input …"),
    ]


def argvs(steps: tuple[Step, ...]) -> list[list[str]]:
    return [list(command.argv) for step in steps for command in step.commands]


@pytest.mark.parametrize(
    ("there", "wanted", "said"),
    [
        ([], [FOUR], [("--add", FOUR, False), ("--add", FOUR, True)]),
        (both(FOUR), [FOUR], []),
        (both(FOUR, ours=False), [FOUR], []),
        ([rule(FOUR, saved=False)], [FOUR], [("--add", FOUR, True)]),
        ([rule(FOUR, saved=True)], [FOUR], [("--add", FOUR, False)]),
        (both(GONE), [], [("--remove", GONE, False), ("--remove", GONE, True)]),
        (both(GONE, ours=False), [], []),
        ([*both(GONE), *both(FOUR)], [FOUR], [("--remove", GONE, False), ("--remove", GONE, True)]),
        (both(FOUR, zone="work"), [FOUR], [("--add", FOUR, False), ("--add", FOUR, True)]),
        (both(FOUR), [FOUR, SIX], [("--add", SIX, False), ("--add", SIX, True)]),
        (both(FOUR), [FOUR, AH], [("--add", AH, saved) for saved in (False, True)]),
    ],
)
def test_firewalld_is_told_what_is_missing_and_what_is_too_much(
    there: list[RichRule], wanted: list[Opening], said: list[tuple[str, Opening, bool]]
) -> None:
    steps = plan_firewall(firewalld(*there), wanted)
    assert argvs(steps) == [
        ["firewall-cmd", *(["--permanent"] if saved else []), "--zone=public", f"{verb}-rich-rule={rich_rule(opening)}"]
        for verb, opening, saved in said
    ]


def test_firewalld_in_every_zone_that_adverts_come_in_by() -> None:
    zones = (("enp0s8", "public"), ("enp0s9", "work"))
    found = argvs(plan_firewall(firewalld(*both(FOUR), zones=zones), [FOUR]))
    assert [argv[1:-1] for argv in found] == [["--zone=work"], ["--permanent", "--zone=work"]]


def test_the_way_back_of_firewalld_takes_each_out_and_puts_the_file_back() -> None:
    (step,) = plan_firewall(firewalld(*both(GONE)), [FOUR])
    lines = [shlex.split(line) for line in step.undo[:-1]]
    told = [[word.partition("=")[0] for word in line if word.startswith("--")] for line in lines]
    verbs = ("--add-rich-rule", "--remove-rich-rule")
    assert sorted(told) == sorted([*permanent, "--zone", verb] for verb in verbs for permanent in ([], ["--permanent"]))
    assert step.keeps == ("/etc/firewalld/zones/public.xml",)
    assert "public.xml" in step.undo[-1]


@pytest.mark.parametrize(
    ("there", "wanted", "said"),
    [
        ([], [FOUR], [["prepend", "allow", "proto", "vrrp", "from", "100.65.0.14", "to", "any", "comment", "vipbook"]]),
        (by_ufw(FOUR), [FOUR], []),
        (by_ufw(FOUR, ours=False), [FOUR], []),
        ([by_ufw(FOUR)[0]], [FOUR], [["prepend", "allow", "proto", "vrrp", "from", "100.65.0.14"]]),
        (by_ufw(GONE), [], [["delete", "allow", "proto", "vrrp", "from", "100.65.0.99", "to", "any"]]),
        (by_ufw(GONE, ours=False), [], []),
        (by_ufw(replace(GONE, protocol="ah")), [], [["delete", "allow", "proto", "ah", "from", "100.65.0.99"]]),
        (
            by_ufw(GONE),
            [SIX],
            [["delete", "allow", "proto", "vrrp"], ["prepend", "allow", "proto", "vrrp", "from", "fd00:100:65::14"]],
        ),
    ],
)
def test_ufw_is_told(there: list[UfwRule], wanted: list[Opening], said: list[list[str]]) -> None:
    found = argvs(plan_firewall(ufw(*there), wanted))
    assert [argv[1 : 1 + len(words)] for argv, words in zip(found, said, strict=True)] == said
    assert {argv[0] for argv in found} <= {"ufw"}


USER_DENY, BEFORE_DENY, INPUT_DENY = (
    f"-A {chain} -s 100.65.0.14/32 -j DROP" for chain in ("ufw-user-input", "ufw-before-input", "INPUT")
)


def behind(text: str, *, ours: bool = True) -> list[UfwRule]:
    return [replace(each, behind=text) for each in by_ufw(FOUR, ours=ours)]


@pytest.mark.parametrize("there", [behind(USER_DENY), [behind(USER_DENY)[0], by_ufw(FOUR)[1]]])
def test_ufw_moves_a_rule_of_ours_in_front_again(there: list[UfwRule]) -> None:
    """`ufw prepend` skips a rule that is there, so it goes first."""
    (step,) = plan_firewall(ufw(*there), [FOUR])
    assert [argv[1:4] for argv in argvs((step,))] == [["delete", "allow", "proto"], ["prepend", "allow", "proto"]]
    assert not any("ufw delete" in line for line in step.undo)
    assert refusal_of(ufw(*there), (), [FOUR]) is None
    assert [USER_DENY in note for note in notes_on(ufw(*there), [FOUR])] == [True] * (there[1].behind == USER_DENY)


@pytest.mark.parametrize(
    ("found", "piece"),
    [
        (ufw(*behind("")), None),
        (ufw(*behind(USER_DENY)), None),
        (ufw(*behind(USER_DENY, ours=False)), "is not ours to move; ufw delete allow proto vrrp from 100.65.0.14"),
        (ufw(*behind(BEFORE_DENY)), f"ufw: {BEFORE_DENY!r} precedes every rule that ufw can be given"),
        (ufw(*behind(INPUT_DENY)), "accept protocol 112 from 100.65.0.14 in front of it"),
        (ufw(*behind(INPUT_DENY), knows_vrrp=False), "precedes every rule"),
        (ufw(*behind(BEFORE_DENY), knows_vrrp=False), None),
        (
            ufw(*behind(BEFORE_DENY), knows_vrrp=False, before=with_block(BEFORE, ufw_block([FOUR], 4))),
            "precedes every rule",
        ),
    ],
)
def test_what_no_rule_of_ufws_can_overtake_is_refused(found: Firewall, piece: str | None) -> None:
    said = refusal_of(found, (), [FOUR])
    assert (said is None) if piece is None else piece in (said or "")
    assert refusal_of(found, (), [GONE]) is None


def test_a_block_with_something_in_front_goes_in_front_again() -> None:
    block = ufw_block([FOUR], 4)
    end = "# End required lines\n"
    late = BEFORE.replace(end, f"{end}-A ufw-before-input -j DROP\n{block}")
    after = with_block(late, block)
    assert after.index(block) < after.index("-j DROP")
    assert with_block(after, "") == with_block(late, "")


def test_ufw_loads_its_restored_files_after_a_boot_alone() -> None:
    """Before one its own rules are taken out one by one, and nothing is loaded."""
    (step,) = plan_firewall(ufw(), [FOUR])
    assert step.undo[-2:] == (
        "restore /etc/ufw/user.rules",
        '! [ -n "${booted:-}" ] || { restore /etc/ufw/user.rules && ufw reload; }',
    )


def test_an_older_ufw_gets_a_block_in_before_rules_and_is_reloaded() -> None:
    (step,) = plan_firewall(ufw(knows_vrrp=False), [FOUR, SIX])
    fed = {command.key: (command.feed or b"").decode() for command in step.commands if command.feed}
    assert fed["write /etc/ufw/before.rules"] == with_block(BEFORE, ufw_block([FOUR], 4))
    assert "-p 112 -s fd00:100:65::14" in fed["write /etc/ufw/before6.rules"]
    assert [argv[0] for argv in argvs((step,))].count("ip6tables-restore") == 1
    assert step.commands[-1].argv == ("ufw", "reload")
    # Only when both files are restored: else it would load what the change left there.
    assert step.undo[2] == "restore /etc/ufw/before.rules && restore /etc/ufw/before6.rules && ufw reload"
    assert [path in line for path, line in zip(("user.rules", "user6.rules"), step.undo[3:], strict=True)] == [
        True,
        True,
    ]


def test_a_newer_ufw_takes_the_block_out_again() -> None:
    blocked = with_block(BEFORE, ufw_block([FOUR], 4))
    mine = ufw_rule(FOUR, saved=True, text="-A ufw-before-input …")
    runs = ufw_rule(FOUR, saved=False, text="-A ufw-before-input …")
    steps = plan_firewall(ufw(mine, *by_ufw(FOUR), before=blocked), [FOUR])
    assert [any((command.feed or b"").decode() == BEFORE for command in step.commands) for step in steps] == [True]
    # Without a rule of its own yet, that comes first.
    first, second = plan_firewall(ufw(mine, runs, before=blocked), [FOUR])
    assert first.commands[0].argv[:3] == ("ufw", "prepend", "allow")
    assert any((command.feed or b"").decode() == BEFORE for command in second.commands)


@pytest.mark.parametrize("text", [BEFORE, BEFORE.replace("# End required lines\n", ""), "*filter\nCOMMIT\n"])
def test_the_block_stands_inside_the_table_and_leaves_no_trace(text: str) -> None:
    block = ufw_block([FOUR], 4)
    once = with_block(text, block)
    assert once.index(block) < once.rindex("COMMIT")
    assert with_block(once, block) == once
    assert with_block(once, "") == text
    assert with_block(once, ufw_block([GONE], 4)) == once.replace("0.14", "0.99")


@pytest.mark.parametrize(
    ("found", "now", "later"),
    [
        (firewalld(), False, False),
        (firewalld(*both(FOUR)), True, True),
        (firewalld(rule(FOUR, saved=False)), True, False),
        (firewalld(rule(FOUR, saved=True)), False, True),
        (firewalld(*both(FOUR, zone="work")), False, False),
        (firewalld(*both(FOUR), zones=(("a", "public"), ("b", "work"))), False, False),
        (firewalld(*both(replace(FOUR, protocol="ah"))), False, False),
        (ufw(*by_ufw(FOUR)), True, True),
        (ufw(by_ufw(FOUR)[0]), False, True),
        (ufw(by_ufw(FOUR)[1]), True, False),
    ],
)
def test_open_now_and_after_a_boot(found: Firewall, now: bool, later: bool) -> None:  # noqa: FBT001
    assert open_now(found, FOUR) is now
    assert open_after_boot(found, FOUR) is later


def source(text: str, zone: str = "drop", *, saved: bool = False) -> dict[str, Any]:
    return {"sources": (ZoneSource(zone=zone, source=text, saved=saved),)}


def front(zone: str | None = "public", **changed: Any) -> FrontRule:  # noqa: ANN401
    zones = None if zone is None else frozenset({zone})
    where = Where(place=f"zone {zone}", zones=zones, saved=changed.pop("saved", False))
    fields: dict[str, Any] = {"text": "rule … drop", "where": where, "denies": True, "version": 4, "negated": False}
    return FrontRule(**(fields | {"source": "100.65.0.0/24", "protocol": "vrrp"} | changed))


def denial(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"front": (front(**changed),)}


LATER = {"zones_saved": (("enp0s8", "internal"), ("enp0s8", "public"))}


@pytest.mark.parametrize(
    ("changed", "zones"),
    [
        (source("100.65.0.14"), [("drop", False)]),
        (source("100.65.0.0/24"), [("drop", False)]),
        (source("100.65.0.14", saved=True), [("drop", True)]),
        (source("ipset:peers"), [("drop", False)]),
        (source("08:00:27:3c:5e:14"), [("drop", False)]),
        (source("100.65.0.14", zone="public"), []),
        (source("100.65.0.99"), []),
        (source("100.66.0.0/16"), []),
        (source("fd00:100:65::/64"), []),
        (LATER, [("internal", True)]),
        ({"zones_saved": (("enp0s8", "public"),)}, []),
        (LATER | source("0.0.0.0/0", zone="internal"), [("internal", False), ("internal", True)]),
    ],
)
def test_every_zone_that_catches_a_peer_needs_the_rule(changed: dict[str, Any], zones: list[tuple[str, bool]]) -> None:
    found = firewalld(*both(FOUR), **changed)
    assert open_now(found, FOUR) is (not any(not saved for _, saved in zones))
    assert open_after_boot(found, FOUR) is (not any(saved for _, saved in zones))
    assert argvs(plan_firewall(found, [FOUR])) == [
        ["firewall-cmd", *(["--permanent"] if saved else []), f"--zone={zone}", f"--add-rich-rule={rich_rule(FOUR)}"]
        for zone, saved in zones
    ]
    there = [*both(FOUR), *(rule(FOUR, saved=saved, zone=zone) for zone, saved in zones)]
    assert open_now(firewalld(*there, **changed), FOUR)
    assert open_after_boot(firewalld(*there, **changed), FOUR)
    assert plan_firewall(firewalld(*there, **changed), [FOUR]) == ()


@pytest.mark.parametrize(
    ("changed", "saved", "piece"),
    [
        (source("100.65.0.0/24"), False, "zone drop catches 100.65.0.14 by source 100.65.0.0/24"),
        (source("100.65.0.0/24", saved=True), True, "zone drop catches 100.65.0.14"),
        (LATER, True, "enp0s8 will be in zone internal, which has no rule for it"),
        (denial(), False, "'rule … drop' in zone public comes before the rule for 100.65.0.14"),
        (denial(saved=True), True, "comes before the rule"),
        (LATER, False, None),
        (denial(), True, None),
        ({}, False, None),
    ],
)
def test_what_closes_is_named(changed: dict[str, Any], saved: bool, piece: str | None) -> None:  # noqa: FBT001
    said = in_front(firewalld(*both(FOUR), **changed), FOUR, saved=saved)
    assert (said is None) if piece is None else piece in (said or "")


@pytest.mark.parametrize(
    ("changed", "closed"),
    [
        (denial(), True),
        (denial(saved=True), True),
        (denial(source="100.65.0.14"), True),
        (denial(source=None), True),
        (denial(source="nobody"), True),
        (denial(protocol=None), True),
        (denial(version=None, source=None, protocol=None), True),
        (denial(source="100.66.0.0/16", negated=True), True),
        (denial(zone="drop") | source("100.65.0.14"), True),
        (denial(zone="internal", saved=True) | LATER, True),
        (denial(zone="internal") | LATER, False),
        (denial(zone="drop"), False),
        (denial(source="100.65.0.99"), False),
        (denial(negated=True), False),
        (denial(protocol="ah"), False),
        (denial(version=6, source=None), False),
    ],
)
def test_a_rule_of_others_that_denies_first_is_refused_with_its_mend(changed: dict[str, Any], closed: bool) -> None:  # noqa: FBT001
    zones = ("public", "drop", "internal")
    found = firewalld(*(each for zone in zones for each in both(FOUR, zone=zone)), **changed)
    said = refusal_of(found, (), [FOUR])
    assert (said is not None) is closed
    assert (open_now(found, FOUR) and open_after_boot(found, FOUR)) is not closed
    assert said is None or "remove it, or give it a priority above -112" in said
    assert plan_firewall(found, [FOUR]) == ()


V6 = cluster(vips=(VIP, VIP6), use_vmac=True)


@pytest.mark.parametrize(
    ("found", "clusters", "piece"),
    [
        (firewalld(), (), None),
        (firewalld(strict6=True), (cluster(use_vmac=True),), None),
        (firewalld(strict6=True), (cluster(vips=(VIP, VIP6)),), None),
        (firewalld(), (V6,), None),
        (firewalld(strict6=True), (V6,), "IPv6_rpfilter drops every packet to the IPv6 VIP of web"),
        (firewalld(priorities=False), (), "before 0.7.0"),
        (Firewall(manager="firewalld and iptables"), (), "at once"),
        (Firewall(manager="pf"), (), "handled: iptables"),
        (ufw(knows_vrrp=False), (), None),
    ],
)
def test_refusals(found: Firewall, clusters: tuple[Any, ...], piece: str | None) -> None:
    said = refusal_of(found, clusters)
    assert (said is None) if piece is None else piece in (said or "")


@pytest.mark.parametrize(
    ("found", "piece"),
    [
        (firewalld(), "today protocol 112 is dropped by firewalld: zone public with target default"),
        (ufw(default="default policy DROP for what comes in"), "dropped by ufw: default policy DROP"),
        (firewalld(*both(FOUR)), None),
    ],
)
def test_the_plan_says_what_would_drop_it_today(found: Firewall, piece: str | None) -> None:
    said = notes_on(found, [FOUR])
    assert said == () if piece is None else piece in said[0]
