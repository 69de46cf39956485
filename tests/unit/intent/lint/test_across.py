"""An address has one use in a VLAN and a macvlan one on a server, whichever clusters name it."""

from __future__ import annotations

import pytest

from tasks.intent.load import load_intent
from tasks.model.errors import IntentError
from tests.unit.builders import CLUSTERS_YAML

DB = (
    CLUSTERS_YAML.removeprefix("clusters:\n")
    .replace("  web:", "  db:")
    .replace("vrid: 11", "vrid: 12")
    .replace("0.10/24", "0.20/24")
)
VLAN200 = [(old, old.replace("100", "200")) for old in ("vni: 100", "svi: vlan100", "vrr: vlan100", "vxlan: vni100")]
TRUNK = [*VLAN200, ("enp0s8", "enp0s8.200"), ("enp0s8,", "enp0s8.200,")]
PLACE = (", leaf: L1, port: swp1", "")
VMAC = ("    vrid: 11\n", "    vrid: 11\n    use_vmac: true\n")
VMAC_TOO = ("    vrid: 12\n", "    vrid: 11\n    use_vmac: true\n")
V3 = [
    *(("version: 2", "version: 3\n    unicast: true"), ("    auth_pass: {clear: hunter22}\n", "")),
    *(("0.11/24,", "0.11/24, address6: 'fd00::11/64',"), ("0.12/24,", "0.12/24, address6: 'fd00::12/64',")),
]
SIX = [*V3, ("100.65.0.20/24", "'fd00::20/64'")]


def changed(text: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def said_of(changes: list[tuple[str, str]], first: list[tuple[str, str]] | None = None) -> list[str]:
    """What is said of a second cluster on the same servers, with these changes, beside the first with those."""
    try:
        load_intent(changed(CLUSTERS_YAML, first or []) + changed(DB, changes), "c", lambda _: "x", need_secrets=True)
    except IntentError as error:
        return [each.partition("clusters.")[2] for each in error.problems]
    return []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            [("interface: enp0s8", "interface: enp0s9"), PLACE],
            "db.servers.H1.address: 100.65.0.11 is already on enp0s8 of H1; give each its own address",
        ),
        (
            [("H1:", "H3:"), PLACE],
            "db.servers.H3.address: 100.65.0.11 is already H1; give each its own address",
        ),
        (
            [("0.20/24", "0.12/24")],
            "db.vips.0: 100.65.0.12 is already H2; give each its own address",
        ),
        (
            [("vrid: 12", "vrid: 12\n    excluded: [100.65.0.10/24]")],
            "db.excluded.0: 100.65.0.10 is already a VIP of web; give each its own address",
        ),
    ],
)
def test_an_address_of_two_uses(changes: list[tuple[str, str]], said: str) -> None:
    assert said in said_of(changes)


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [("interface: enp0s8", "interface: enp0s9"), PLACE, ("0.11/24", "0.13/24")],
        # VLANs are routing tables of their own, if a server wants it
        TRUNK,
    ],
    ids=["one interface in two clusters", "two addresses of a server", "two VLANs"],
)
def test_an_address_of_one_use(changes: list[tuple[str, str]]) -> None:
    assert said_of(changes) == []


@pytest.mark.parametrize(
    ("vrids", "said"),
    [
        ("vrid: 11\n    vrid6: 12", ["vrid"]),
        ("vrid: 12\n    vrid6: 11", ["vrid6"]),
        ("vrid: 11", ["vrid", "vrid"]),
        ("vrid: 12", []),
    ],
)
def test_a_vrid_of_two_clusters_in_each_family(vrids: str, said: list[str]) -> None:
    first = [*V3, ("0.10/24]", "0.10/24, 'fd00::10/64']")]
    second = [*V3, ("0.20/24]", "0.20/24, 'fd00::20/64']"), ("vrid: 12", vrids)]
    why = "11 is cluster 'web''s on VNI 100; give each instance of a VLAN its own, 1 to 255"
    assert said_of(second, first) == [f"db.{each}: {why}" for each in said]


def test_a_macvlan_of_two_clusters_is_told_once() -> None:
    why = "11 is cluster 'web''s, whose macvlan vrrp11 stands on H1 already"
    assert said_of([*TRUNK, VMAC_TOO], [VMAC]) == [f"db.vrid: {why}; give each cluster with use_vmac its own there"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], [*TRUNK, ("vrid: 12", "vrid: 11")]),
        ([VMAC], [*TRUNK, ("vrid: 12", "vrid: 11")]),
        ([], [*TRUNK, VMAC_TOO]),
        ([VMAC], [*TRUNK, ("vrid: 12", "vrid: 12\n    use_vmac: true")]),
        ([VMAC], [*TRUNK, VMAC_TOO, *SIX]),
        ([VMAC], [*VLAN200, VMAC_TOO, ("H1:", "H3:"), ("H2:", "H4:"), ("swp1", "swp3"), ("swp1", "swp3")]),
    ],
    ids=["without use_vmac", "there alone", "here alone", "another VRID", "another family", "other servers"],
)
def test_macvlans_of_their_own(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    assert said_of(second, first) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("vni: 100", "vni: 200"),
            "interface: enp0s8 of H1 is on VNI 100 in cluster 'web', on 200 here; an interface is in one VLAN",
        ),
        (
            ("100.65.0.11/24", "100.65.0.13/24"),
            "address: enp0s8 of H1 has 100.65.0.11/24 in cluster 'web'; name the same address in both",
        ),
    ],
)
def test_a_server_is_one_thing_in_all_clusters(change: tuple[str, str], said: str) -> None:
    assert f"db.servers.H1.{said}" in said_of([change])
