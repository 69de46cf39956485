"""An address has one use in a VLAN, whichever clusters name it."""

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
PLACE = (", leaf: L1, port: swp1", "")


def said_of(changes: list[tuple[str, str]]) -> list[str]:
    """What is said of a second cluster on the same servers, with these changes."""
    second = DB
    for old, new in changes:
        assert old in second, old
        second = second.replace(old, new, 1)
    try:
        load_intent(CLUSTERS_YAML + second, "c", lambda _: "x", need_secrets=True)
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
        [*VLAN200, ("enp0s8", "enp0s8.200"), ("enp0s8,", "enp0s8.200,")],
    ],
    ids=["one interface in two clusters", "two addresses of a server", "two VLANs"],
)
def test_an_address_of_one_use(changes: list[tuple[str, str]]) -> None:
    assert said_of(changes) == []
