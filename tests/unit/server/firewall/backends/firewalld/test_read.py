"""firewall-cmd's answers: zones of the interfaces, and the rules that open one protocol from one address."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from tasks.observe.readings import Garbled
from tasks.server.firewall.backends.firewalld.read import parse_firewalld
from tests.unit.builders import firewall_of

SAMPLE = (Path(__file__).parents[5] / "data" / "observe" / "firewall" / "firewalld_H3.txt").read_text()
OURS4 = 'rule priority="-112" family="ipv4" source address="100.65.0.14" protocol value="vrrp" accept'
OURS6 = 'rule priority="-112" family="ipv6" source address="fd00:100:65::14" protocol value="vrrp" accept'
ACTIVE = "Id=firewalld.service\nActiveState=active\nUnitFileState=enabled\n"


def said(*, runtime: str = "", permanent: str = "", version: str = "1.3.3", rpfilter: str = "IPv6_rpfilter=no") -> str:
    zone = "public\n  target: default\n  interfaces: \n  rich rules: \n"
    return (
        f"== version\n{version}\n== default\npublic\n== runtime\n{zone}{runtime}"
        f"== permanent\n{zone}{permanent}== rpfilter\n{rpfilter}\n"
    )


def test_the_labs_answers() -> None:
    found = parse_firewalld(SAMPLE, ("enp0s8",))
    assert found.zones == (("enp0s8", "public"),)
    assert {(rule.text, rule.saved, rule.ours) for rule in found.rules} == {
        (text, saved, True) for text in (OURS4, OURS6) for saved in (False, True)
    }
    assert {str(rule.address) for rule in found.rules} == {"100.65.0.14", "fd00:100:65::14"}
    assert (found.priorities, found.strict6, found.default) == (True, False, "zone public with target default")


@pytest.mark.parametrize(
    ("rule", "ours"),
    [
        (OURS4, True),
        (OURS4.replace(' priority="-112"', ""), False),
        (OURS4.replace("-112", "-1"), False),
    ],
)
def test_a_rule_is_ours_by_its_priority(rule: str, ours: bool) -> None:  # noqa: FBT001
    (found,) = parse_firewalld(said(runtime=f"\t{rule}\n"), ("eth0",)).rules
    assert (found.ours, found.address, found.protocol) == (ours, ip_address("100.65.0.14"), "vrrp")


@pytest.mark.parametrize(
    "rule",
    [
        OURS4.replace("accept", "drop"),
        OURS4.replace("accept", 'accept limit value="1/s"'),
        OURS4.replace("accept", 'log prefix="x" accept'),
        OURS4.replace("100.65.0.14", "100.65.0.0/24"),
        OURS4.replace("source address", "source NOT address"),
        OURS4.replace("source address", "destination address"),
        OURS4.replace('protocol value="vrrp"', 'service name="ssh"'),
        OURS4.replace(' source address="100.65.0.14"', ""),
        'rule family="ipv4" source address="100.65.0.14" protocol value="vrrp" accept "',
        "something else",
    ],
)
def test_a_rule_of_another_form_opens_nothing_for_sure(rule: str) -> None:
    assert parse_firewalld(said(runtime=f"\t{rule}\n"), ("eth0",)).rules == ()


@pytest.mark.parametrize(
    ("version", "lines", "strict"),
    [
        pytest.param("2.3.0", "IPv6_rpfilter=yes", True, id="yes"),
        pytest.param("2.3.0", "IPv6_rpfilter=strict", True, id="strict"),
        pytest.param("2.3.0", "", True, id="not set"),
        pytest.param("2.3.0", "IPv6_rpfilter=", True, id="without a value"),
        pytest.param("2.3.0", "IPv6_rpfilter=loosely", True, id="a value that is not known"),
        pytest.param("2.3.0", "IPv6_rpfilter=no=no", True, id="not a pair"),
        pytest.param("2.3.0", "IPv6_rpfilter=strict\nIPv6_rpfilter=no", True, id="the first definition counts"),
        pytest.param("2.3.0", "ipv6_rpfilter=no", True, id="keys have their case"),
        pytest.param("2.3.0", "# IPv6_rpfilter=no", True, id="comment"),
        pytest.param("1.3.3", "IPv6_rpfilter=loose", True, id="loose is not known before 2.2"),
        pytest.param("2.1.4", "IPv6_rpfilter=strict-forward", True, id="-forward is not known before 2.2"),
        pytest.param("2.3.0", "IPv6_rpfilter=strict-forward", False, id="forwarded packets alone, strict"),
        pytest.param("2.2.0", "IPv6_rpfilter=loose-forward", False, id="forwarded packets alone, loose"),
        pytest.param("2.2.0", "IPv6_rpfilter=loose", False, id="loose"),
        pytest.param("1.3.3", "IPv6_rpfilter=no", False, id="no"),
        pytest.param("2.3.0", "IPv6_rpfilter=False", False, id="values have no case"),
        pytest.param("2.3.0", " IPv6_rpfilter = no ", False, id="blanks"),
        pytest.param("2.3.0", "IPv6_rpfilter=\nIPv6_rpfilter=no", False, id="one without a value is no definition"),
    ],
)
def test_the_filter_of_reverse_paths(version: str, lines: str, strict: bool) -> None:  # noqa: FBT001
    assert parse_firewalld(said(version=version, rpfilter=lines), ("eth0",)).strict6 is strict


@pytest.mark.parametrize(("version", "knows"), [("0.6.3", False), ("0.7.0", True), ("0.9.11", True), ("2.1", True)])
def test_priorities_came_with_a_version(version: str, knows: bool) -> None:  # noqa: FBT001
    assert parse_firewalld(said(version=version), ("eth0",)).priorities is knows


def test_an_interface_is_in_the_zone_that_names_it() -> None:
    text = said(runtime=f"internal\n  target: ACCEPT\n  interfaces: eth0 eth2\n  rich rules: \n\t{OURS4}\n")
    found = parse_firewalld(text, ("eth0", "eth1"))
    assert found.zones == (("eth0", "internal"), ("eth1", "public"))
    assert [rule.zone for rule in found.rules] == ["internal"]
    assert found.default == "zone internal with target ACCEPT, zone public with target default"


@pytest.mark.parametrize(
    ("runtime", "permanent", "saved"),
    [
        ("", "", [("eth0", "public")]),
        ("", "internal\n  interfaces: eth0\n", [("eth0", "internal"), ("eth0", "public")]),
        ("work\n  interfaces: eth0\n", "work\n  interfaces: eth0\n", [("eth0", "work")]),
        ("work\n  interfaces: eth0\n", "work\n  interfaces: \n", [("eth0", "public"), ("eth0", "work")]),
        ("work\n  interfaces: eth0\n", "dmz\n  interfaces: eth0\n", [("eth0", "dmz"), ("eth0", "work")]),
        ("", "internal\n  interfaces: eth9\n", [("eth0", "public")]),
    ],
)
def test_after_a_boot_it_may_be_in_another_zone(runtime: str, permanent: str, saved: list[tuple[str, str]]) -> None:
    assert list(parse_firewalld(said(runtime=runtime, permanent=permanent), ("eth0",)).zones_saved) == saved


def test_sources_are_read_now_and_after_a_boot() -> None:
    text = said(runtime="drop\n  sources: 100.65.0.14 ipset:x\n", permanent="work\n  sources: 100.65.0.0/24\n")
    found = {(each.zone, each.source, each.saved) for each in parse_firewalld(text, ("eth0",)).sources}
    assert found == {("drop", "100.65.0.14", False), ("drop", "ipset:x", False), ("work", "100.65.0.0/24", True)}


DENIES = 'rule priority="-200" family="ipv4" source address="100.65.0.0/24" protocol value="vrrp" drop'


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (DENIES, (4, "100.65.0.0/24", False, "vrrp")),
        (DENIES.replace("drop", 'reject type="icmp-admin-prohibited"'), (4, "100.65.0.0/24", False, "vrrp")),
        (DENIES.replace("drop", 'log prefix="x" drop limit value="1/s"'), (4, "100.65.0.0/24", False, "vrrp")),
        (DENIES.replace("-200", "-112"), (4, "100.65.0.0/24", False, "vrrp")),
        (DENIES.replace("source", "source NOT"), (4, "100.65.0.0/24", True, "vrrp")),
        (DENIES.replace('"vrrp"', '"112"'), (4, "100.65.0.0/24", False, "vrrp")),
        ('rule priority="-200" drop', (None, None, False, None)),
        ('rule priority="-200" source ipset="x" reject', (None, None, False, None)),
        ('rule priority="-200" service name="vrrp" drop', (None, None, False, None)),
        ("rule priority=-200 drop", (None, None, False, None)),
        (DENIES.replace("-200", "-111"), None),
        (DENIES.replace(' priority="-200"', ""), None),
        (DENIES.replace("drop", 'log prefix="drop " accept'), None),
        (DENIES.replace("drop", 'accept limit value="1/s"'), None),
        ('rule priority="-200" source ipset="x" accept', None),
        ('rule priority="-200" destination address="10.0.0.1" accept', None),
        (DENIES.replace("drop", "mark set=1"), None),
        ('rule priority="-200" port port="53" protocol="udp" drop', None),
        ('rule priority="-200" icmp-type name="echo-request" drop', None),
        ('rule priority="-200" forward-port port="80" protocol="tcp" to-port="81" drop', None),
    ],
)
def test_a_rule_that_denies_before_ours(rule: str, expected: tuple[int, str, bool, str] | None) -> None:
    found = parse_firewalld(said(permanent=f"\t{rule}\n"), ("eth0",)).front
    told = [(each.version, each.source, each.negated, each.protocol) for each in found]
    assert told == ([expected] if expected else [])
    assert all((each.where.place, each.where.saved, each.text) == ("zone public", True, rule) for each in found)
    assert all(each.where.zones == {"public"} and each.denies for each in found)


def test_what_lets_in_for_sure_counts_and_what_denies_at_its_priority_comes_first() -> None:
    rules = ["drop", "accept"]
    lines = [
        f"\t{DENIES.replace('-200', str(at)).replace('drop', word)}\n" for at in (-200, -300) for word in rules[::-1]
    ]
    found = parse_firewalld(said(runtime="".join(lines)), ("eth0",)).front
    assert [each.text.split()[-1] for each in found] == rules * 2
    assert ["-300" in each.text for each in found] == [True, True, False, False]
    assert [each.denies for each in found] == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("", "did not tell"),
        (said().replace("== permanent\n", "== permanent\n== status 1\n"), r"permanent \(exit status 1\)"),
        (said().replace("== version\n1.3.3", "== version\n== status 252"), r"version \(exit status 252\)"),
        (f"{said()}== policies\n== status 1\n", r"policies \(exit status 1\)"),
        (f"{said()}== permanent direct rules\nx\n== status 1\n", r"permanent direct rules \(exit status 1\)"),
        (SAMPLE.partition("== permanent")[0], "permanent"),
        (said(version="new"), "not a version"),
        (said().replace("== default\npublic", "== default\n"), "its default zone"),
        (said().replace("== default\npublic", "== default\nwork"), "names zone 'work' and does not list it"),
    ],
)
def test_half_an_answer_is_none(text: str, piece: str) -> None:
    with pytest.raises(Garbled, match=piece):
        parse_firewalld(text, ("eth0",))


@pytest.mark.parametrize("name", ["policies", "permanent policies", "direct rules", "permanent direct passthroughs"])
def test_a_question_that_a_release_does_not_know_breaks_nothing(name: str) -> None:
    """firewall-cmd before 0.9.0 knows no policies, and tells so by exit status 2."""
    found = parse_firewalld(f"{said()}== {name}\n== status 2\n", ("eth0",))
    assert (found.front, found.ways, found.zones) == ((), (), (("eth0", "public"),))


def test_priorities_of_zones_do_not_matter() -> None:
    """As firewalld lists a zone from 2.0 on."""
    newer = (
        "dmz (default, active)\n  target: default\n  ingress-priority: -10\n  egress-priority: 0\n  interfaces: eth0\n"
    )
    found = parse_firewalld(said(runtime=f"{newer}  sources: 100.65.0.14\n"), ("eth0",))
    assert found.zones == (("eth0", "dmz"),)
    assert [(each.zone, each.source) for each in found.sources] == [("dmz", "100.65.0.14")]


def test_it_is_in_charge_when_its_service_runs() -> None:
    found = firewall_of(ACTIVE, "-P INPUT ACCEPT\n", "", {}, firewalld=SAMPLE, interfaces=("enp0s8",))
    assert (found.manager, found.zones, found.at_boot) == ("firewalld", (("enp0s8", "public"),), True)


def test_active_and_not_asked_is_no_answer() -> None:
    with pytest.raises(Garbled, match="was not asked"):
        firewall_of(ACTIVE, "", "", {})
