"""Rules that no single value breaks: each goes red with file, line, path and mend."""

from __future__ import annotations

import pytest

from tasks.intent.document import read_document
from tasks.intent.lint.rules import lint_secret
from tasks.intent.load import Intent, load_intent
from tasks.intent.schema import SecretEntry
from tasks.model.errors import IntentError
from tests.unit.builders import CLUSTERS_YAML

SOURCE = "clusters.yaml"
V3 = [("version: 2", "version: 3"), ("    auth_pass: {clear: hunter22}\n", "")]
_BODY = CLUSTERS_YAML.removeprefix("clusters:\n")
VLAN200 = [(old, old.replace("100", "200")) for old in ("vni: 100", "svi: vlan100", "vrr: vlan100", "vxlan: vni100")]
SECOND = (
    _BODY.replace("  web:", "  db:")
    .replace("H1:", "H3:")
    .replace("H2:", "H4:")
    .replace("swp1", "swp2")
    .replace("100.65.0.1", "100.65.0.2")
)


def load(text: str) -> Intent:
    return load_intent(text, SOURCE, lambda entry: entry.clear or "", need_secrets=True)


def said_of(*changes: tuple[str, str], more: str = "") -> tuple[str, ...]:
    text = CLUSTERS_YAML
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(IntentError) as caught:
        load(text + more)
    return caught.value.problems


@pytest.mark.parametrize(
    ("changes", "place", "piece"),
    [
        ([("advert_int: 1", "advert_int: 1.5")], "6: advert_int", "whole seconds; round it or set version: 3"),
        ([("advert_int: 1", "advert_int: 0.5")], "6: advert_int", "whole seconds; round it or set version: 3"),
        ([("advert_int: 1", "advert_int: 0.5")], "6: advert_int", "VRRPv2 takes 1 to 255 s"),
        ([*V3, ("advert_int: 1", "advert_int: 41")], "6: advert_int", "VRRPv3 takes 0.01 to 40.95"),
        ([*V3, ("advert_int: 1", "advert_int: 40.96")], "6: advert_int", "VRRPv3 takes 0.01 to 40.95"),
        # RFC 5798 5.2.7: centiseconds; a finer interval can't be sent
        ([*V3, ("advert_int: 1", "advert_int: 0.126")], "6: advert_int", "steps of 0.01 s, round it"),
        ([*V3, ("advert_int: 1", "advert_int: 0.125")], "6: advert_int", "0.01"),
        ([("version: 2", "version: 3")], "7: auth_pass", "remove it or set version: 2"),
        ([("clear: hunter22", "clear: hunter22, env: X")], "7: auth_pass", "exactly one of env, file, clear"),
        ([("{clear: hunter22}", "{}")], "7: auth_pass", "exactly one of env, file, clear"),
        ([("priority: 1,", "priority: 100,")], "10: servers.H2.priority", "give each server its own, 1 to 254"),
        ([("100.65.0.12/24", "100.65.1.12/24")], "10: servers.H2.address", "not in 100.65.0.0/24, the subnet of H1"),
        ([("100.65.0.12/24", "100.65.0.12/25")], "10: servers.H2.address", "share one subnet"),
        ([("100.65.0.12/24", "100.65.0.0/24")], "10: servers.H2.address", "take a host address"),
        ([("100.65.0.12/24", "100.65.0.255/24")], "10: servers.H2.address", "take a host address"),
        ([("100.65.0.10/24", "100.65.1.10/24")], "4: vips.0", "outside 100.65.0.0/24"),
        ([("100.65.0.10/24", "100.65.0.10/32")], "4: vips.0", "write 100.65.0.10/24"),
        ([("100.65.0.10/24", "100.65.0.10/25")], "4: vips.0", "another prefix than 100.65.0.0/24"),
        ([("100.65.0.10/24", "100.65.0.0/24")], "4: vips.0", "take a host address"),
        ([("100.65.0.10/24", "100.65.0.255/24")], "4: vips.0", "take a host address"),
        ([("[L1, L2]", "[L1, L2, L1]")], "16: fabric.leaves", "name each once"),
        ([("leaf: L2", "leaf: L9")], "10: servers.H2.leaf", "accepted: L1, L2"),
        ([("leaf: L2", "leaf: L1")], "10: servers.H2.port", "L1 swp1 is H1's port; name H2's own"),
        ([("leaf: L2", "leaf: [L2, L1]")], "10: servers.H2.port", "L1 swp1 is H1's port; name H2's own"),
        ([("leaf: L2", "leaf: [L1, L9]")], "10: servers.H2.leaf", "L9 is not among fabric.leaves; accepted: L1, L2"),
        ([("leaf: L2", "leaf: [L2, L2]")], "10: servers.H2.leaf", "name each once"),
        ([("leaf: L2, ", "")], "10: servers.H2.port", "swp1 of which leaf? name it as leaf, or leave out port too"),
        ([("[100.65.0.10/24]", "[fd00::10/64]")], "4: vips", "no IPv4 VIP"),
        ([("[100.65.0.10/24]", "[fd00::10/64]")], "4: vips", "add one, as 100.65.0.10/24"),
        ([("10/24]", "10/24, fd00::/64]")], "4: vips.1", "subnet-router anycast address of its prefix; take a host"),
        ([("10/24]", "10/24, fd00::4/126]")], "4: vips.1", "as fd00::5"),
        ([("10/24]", "10/24, fd00::a/64, fd00:0::A/64]")], "4: vips.2", "fd00::a stands twice; keep one"),
        ([("100.65.0.10/24", "100.65.0.11/24")], "9: servers.H1.address", "already a VIP of web"),
        ([("100.65.0.12/24", "100.65.0.11/24")], "10: servers.H2.address", "already H1; give each its own"),
        ([("[100.65.0.10/24]", "[100.65.0.10/24, 100.65.0.10/24]")], "4: vips.1", "stands twice; keep one"),
        ([("probes: [I1]", "probes: [I1, H2]")], "17: probes", "H2 is a server of this cluster and would ask itself"),
        # a check's id is made of the probe's name, and ids are unique in a report
        ([("probes: [I1]", "probes: [I1, I1]")], "17: probes", "once"),
    ],
)  # fmt: skip
def test_one_broken_rule(changes: list[tuple[str, str]], place: str, piece: str) -> None:
    said = said_of(*changes)
    line, _, path = place.partition(": ")
    assert any(each.startswith(f"{SOURCE}:{line}: clusters.web.{path}: ") and piece in each for each in said), said
    assert not any("hunter22" in each for each in said)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ([("advert_int: 1", "advert_int: 1.125")], "6: clusters.web.advert_int"),  # steps of 0.01 s are version 3's
        ([*V3, ("advert_int: 1", "advert_int: 41")], "6: clusters.web.advert_int"),
        ([*V3, ("advert_int: 1", "advert_int: 0.125")], "6: clusters.web.advert_int"),
        ([("100.65.0.10/24", "100.65.0.0/24")], "4: clusters.web.vips.0"),  # anycast for routers is IPv6's
    ],
)
def test_a_value_breaks_the_rule_of_its_own_version_alone(changes: list[tuple[str, str]], place: str) -> None:
    (said,) = said_of(*changes)
    assert said.startswith(f"{SOURCE}:{place}: ")


@pytest.mark.parametrize(
    ("changes", "place", "piece"),
    [
        ([], "20: vrid", "11 is cluster 'web''s on VNI 100; give each instance of a VLAN its own"),
        ([("vrid: 11", "vrid: 12"), ("100.65.0.20/24", "100.65.0.10/24")], "22: vips.0", "already a VIP of web"),
        ([("vrid: 11", "vrid: 12"), ("100.65.0.21/24", "100.65.0.11/24")], "27: servers.H3.address", "already H1"),
        ([("vrid: 11", "vrid: 12"), ("100.65.0.21/24", "100.65.0.10/24")], "27: servers.H3.address", "a VIP of web"),
        ([("vrid: 11", "vrid: 12"), ("20/24]", "20/24, fd00::10/64]")], "22: vips.1", "already a VIP of web"),
        ([*VLAN200, ("H3:", "H1:")], "20: vrid", "whose macvlan vrrp11 stands on H1 already"),
    ],
)  # fmt: skip
def test_two_clusters_in_each_others_way(changes: list[tuple[str, str]], place: str, piece: str) -> None:
    second = SECOND.replace("vips:", "use_vmac: true\n    vips:")
    for old, new in changes:
        assert old in second
        second = second.replace(old, new, 1)
    first = [("10/24]", "10/24, fd00::10/64]"), ("vips:", "use_vmac: true\n    vips:")]
    said = said_of(*first, more=second)
    line, _, path = place.partition(": ")
    assert any(each.startswith(f"{SOURCE}:{line}: clusters.db.{path}: ") and piece in each for each in said), said


@pytest.mark.parametrize(
    "changes",
    [
        [("vrid: 11", "vrid: 12")],
        VLAN200,  # another VLAN has its own VRIDs
        [*VLAN200, ("100.65.0.20/24", "100.65.0.10/24")],  # and its own addresses
        [("vrid: 11", "vrid: 12"), ("H3:", "H1:"), ("100.65.0.21/24", "100.65.0.11/24"), ("swp2", "swp1")],
    ],
    ids=["other vrid", "other vni", "same VIP on another vni", "a server of both"],
)
def test_two_clusters_that_get_along(changes: list[tuple[str, str]]) -> None:
    second = SECOND
    for old, new in changes:
        assert old in second
        second = second.replace(old, new, 1)
    assert [each.name for each in load(CLUSTERS_YAML + second).clusters] == ["web", "db"]


@pytest.mark.parametrize(
    "changes",
    [
        [*V3, ("advert_int: 1", "advert_int: 0.01")],
        [*V3, ("advert_int: 1", "advert_int: 0.29")],
        [*V3, ("advert_int: 1", "advert_int: 40.95")],
        [("advert_int: 1", "advert_int: 255")],
        [("priority: 1,", "priority: 254,")],
        [("leaf: L2, port: swp1", "leaf: L1, port: swp2")],
        [("[100.65.0.10/24]", "[100.65.0.10/24, 100.65.0.9/24]")],
        [("[100.65.0.10/24]", "[100.65.0.10/24, fd00::4/127, fd00::2/128, 2001:db8::1/64]")],
        [("vrid: 11", "vrid: 11\n    use_vmac: true")],
        [(", leaf: L2, port: swp1", "")],
        [("leaf: L1, port: swp1", "leaf: [L1, L2]"), ("leaf: L2, port: swp1", "leaf: [L1, L2]")],
        [("leaf: L1, port: swp1", "leaf: [L1, L2], port: bond1"), ("L2, port: swp1", "[L2, L1], port: bond2")],
    ],
)
def test_what_the_protocol_carries_is_let_through(changes: list[tuple[str, str]]) -> None:
    text = CLUSTERS_YAML
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    assert len(load(text).clusters) == 1


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("hunter22x", "9 characters; keepalived would silently cut it to 8, give 1 to 8"),
        ("x" * 64, "64 characters"),
        ("ééééé", "10"),  # the field has eight octets (RFC 2338), and these are ten
        ("", "empty"),
        *((f"hunt{sign}r", "reads as syntax") for sign in " \"'#!{}\\$~\n\t\x00\x7f"),
    ],
)
def test_a_secret_that_keepalived_would_not_carry(text: str, piece: str) -> None:
    (said,) = lint_secret(read_document(CLUSTERS_YAML, SOURCE), "web", text)
    assert said.startswith(f"{SOURCE}:7: clusters.web.auth_pass: ")
    assert piece in said
    assert "give 1 to 8" in said
    assert not text or text not in said.replace("blank, quotes", "")


@pytest.mark.parametrize("text", ["x", "hunter22", "a-b_c.d:", "12345678", "éééé", "%^&*()+=", "XyZ09<>"])
def test_a_secret_that_it_does_carry(text: str) -> None:
    assert lint_secret(read_document(CLUSTERS_YAML, SOURCE), "web", text) == []


def refuse(_entry: SecretEntry) -> str:
    raise LookupError("environment variable VRRP is not set; set it to the auth_pass")


def test_a_secret_that_is_not_there_is_a_problem_where_it_is_needed() -> None:
    with pytest.raises(IntentError) as caught:
        load_intent(CLUSTERS_YAML, SOURCE, refuse, need_secrets=True)
    assert caught.value.problems == (
        f"{SOURCE}:7: clusters.web.auth_pass: environment variable VRRP is not set; set it to the auth_pass",
    )


def test_offline_it_is_a_warning_and_the_cluster_has_none() -> None:
    intent = load_intent(CLUSTERS_YAML, SOURCE, refuse, need_secrets=False)
    assert intent.clusters[0].auth_pass is None
    assert intent.warnings == (
        f"{SOURCE}:7: clusters.web.auth_pass: environment variable VRRP is not set; set it to the auth_pass",
    )


def test_a_wrong_secret_is_a_problem_offline_too() -> None:
    with pytest.raises(IntentError, match="9 characters"):
        load_intent(CLUSTERS_YAML, SOURCE, lambda _: "hunter22x", need_secrets=False)


def test_rules_and_secrets_are_told_together() -> None:
    text = CLUSTERS_YAML.replace("priority: 1,", "priority: 100,").replace("leaf: L2", "leaf: L9")
    with pytest.raises(IntentError) as caught:
        load_intent(text, SOURCE, lambda _: "hunter22x", need_secrets=True)
    assert [each.split(": ")[1].rpartition(".")[2] for each in caught.value.problems] == [
        "priority",
        "leaf",
        "auth_pass",
    ]


def test_names_select_in_their_order_and_each_once() -> None:
    intent = load(CLUSTERS_YAML + SECOND.replace("vrid: 11", "vrid: 12"))
    assert [each.name for each in intent.select(())] == ["web", "db"]
    assert [each.name for each in intent.select(("db", "web", "db"))] == ["db", "web"]


def test_every_name_that_is_no_cluster_is_told() -> None:
    with pytest.raises(IntentError) as caught:
        load(CLUSTERS_YAML).select(("wbe", "web", "dns"))
    assert caught.value.problems == ("no cluster 'wbe'; accepted: web", "no cluster 'dns'; accepted: web")
