"""Two clusters on one fabric: its VLANs are described alike, and a port and an interface are in one place."""

from __future__ import annotations

import pytest

from tasks.intent.load import load_intent
from tasks.model.errors import IntentError
from tests.unit.builders import CLUSTERS_YAML

_BODY = CLUSTERS_YAML.removeprefix("clusters:\n")
# On other servers and ports of the same VLAN.
OTHERS = [
    *(("H1:", "H3:"), ("H2:", "H4:"), ("swp1}", "swp2}"), ("swp1}", "swp2}")),
    *(("0.11/", "0.21/"), ("0.12/", "0.22/")),
]
VLAN200 = [(old, old.replace("100", "200")) for old in ("vni: 100", "svi: vlan100", "vrr: vlan100", "vxlan: vni100")]
OTHER_FABRIC = [*OTHERS, ("[L1, L2]", "[L8, L9]"), ("leaf: L1", "leaf: L8"), ("leaf: L2", "leaf: L9")]
AWARE = ("leaves:", "vlan: 100\n      leaves:")
SINGLE = [("vxlan: vni100", "vxlan: vxlan48"), AWARE]
BRIDGE = ("leaves:", "bridge: br_default\n      leaves:")
OWN_BRIDGE = ("leaves:", "bridge: vlan100\n      leaves:")
# As `web` in all but its VRID and VIP.
THIRD = [("  web:", "  mid:"), ("vrid: 11", "vrid: 13"), ("0.10/24", "0.30/24")]
PAIR = ("leaf: L1, port: swp1", "leaf: [L1, L2], port: bond1")


def changed(text: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def said_of(first: list[tuple[str, str]], second: list[tuple[str, str]], more: str = "") -> list[str]:
    """What is said of a second cluster `db` with these changes, beside `web` with those."""
    other = changed(_BODY, [("  web:", "  db:"), ("vrid: 11", "vrid: 12"), ("0.10/24", "0.20/24"), *second])
    try:
        load_intent(changed(CLUSTERS_YAML, first) + more + other, "c", lambda _: "x", need_secrets=True)
    except IntentError as error:
        return [each.partition("clusters.")[2] for each in error.problems]
    return []


@pytest.mark.parametrize(
    ("second", "kind", "why", "mend"),
    [
        ([("vni: 100", "vni: 1000")], "svi", "vlan100 on L1 has VNI 100 in cluster 'web', 1000 here", "vni"),
        (VLAN200[:3], "vxlan", "vni100 on L1 has VNI 100 in cluster 'web', 200 here", "vni"),
        ([*VLAN200[:3], AWARE], "vxlan", "vni100 on L1 has VNI 100 in cluster 'web', 200 here", "vni"),
        ([*VLAN200[:3], BRIDGE], "vxlan", "vni100 on L1 has VNI 100 in cluster 'web', 200 here", "vni"),
        ([*VLAN200[:2], VLAN200[3]], "vrr", "vlan100-v0 on L1 has VNI 100 in cluster 'web', 200 here", "vni"),
        ([("svi: vlan100", "svi: v1")], "svi", "VNI 100 on L1 has vlan100 in cluster 'web', v1 here", "svi"),
        ([("vxlan: vni100", "vxlan: v1")], "vxlan", "VNI 100 on L1 has vni100 in cluster 'web', v1 here", "vxlan"),
        ([("vrr: vlan100-v0", "vrr: v1")], "vrr", "VNI 100 on L1 has vlan100-v0 in cluster 'web', v1 here", "vrr"),
    ],
)
def test_a_vlan_of_two_descriptions(second: list[tuple[str, str]], kind: str, why: str, mend: str) -> None:
    own = kind if mend == "vni" else "vni"
    wanted = f"db.fabric.{kind}: {why}; name the same {mend} in both, or this VLAN's own {own}"
    assert wanted in said_of([], [*OTHERS, *second])


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([], [*OTHERS[:2], *OTHERS[4:]], "db.servers.H3.port: L1 swp1 is H1's port; name H3's own, or leave port out"),
        ([PAIR], [("leaf: L1, port: swp1", "leaf: L2, port: bond1"), ("H1:", "H3:")], "L2 bond1 is H1's port; name"),
    ],
)
def test_a_port_of_two_servers(first: list[tuple[str, str]], second: list[tuple[str, str]], said: str) -> None:
    assert any(said in each for each in said_of(first, second))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("leaf: L2, port: swp3", "leaf: enp0s8 of H1 hangs on L1 in cluster 'web', on L2 here; name the same leaf"),
        ("leaf: [L2, L1]", "leaf: enp0s8 of H1 hangs on L1 in cluster 'web', on L1 and L2 here; name the same leaf"),
        ("leaf: L1, port: swp3", "port: enp0s8 of H1 hangs on swp1 in cluster 'web', on swp3 here; name the same port"),
    ],
)
def test_an_interface_in_two_places(place: str, said: str) -> None:
    assert said_of([], [("leaf: L1, port: swp1", place)]) == [f"db.servers.H1.{said} in both"]


def test_a_leaf_that_stands_twice_is_one_place() -> None:
    said = said_of([], [("leaf: L1, port: swp1", "leaf: [L1, L1], port: swp1")])
    assert said == ["db.servers.H1.leaf: a leaf stands twice; name each once"]


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        # a single VXLAN device stands on a VLAN-aware bridge in both, and an SVI has one VLAN there too
        ([BRIDGE], VLAN200[:3], "db.fabric.vxlan"),
        ([BRIDGE], [("vni: 100", "vni: 200"), BRIDGE], "db.fabric.svi"),
        ([OWN_BRIDGE], [*VLAN200[:3], ("leaves:", "bridge: vlan200\n      leaves:")], "db.fabric.vxlan"),
        # one typo is told once, however many clusters it contradicts
        ([], [("vni: 100", "vni: 1000")], "db.fabric.svi"),
    ],
)
def test_one_contradiction_is_told_once(first: list[tuple[str, str]], second: list[tuple[str, str]], path: str) -> None:
    (said,) = said_of(first, [*OTHERS, *second], more=changed(_BODY, [*THIRD, *first]))
    assert said.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([], OTHERS, id="one VLAN"),
        pytest.param([], [*OTHERS, *VLAN200], id="two VLANs"),
        pytest.param([], [*OTHER_FABRIC, ("vni: 100", "vni: 200")], id="another fabric's SVI"),
        pytest.param([], [*OTHER_FABRIC, ("svi: vlan100", "svi: v100")], id="another fabric's VNI"),
        pytest.param([], [*OTHERS, ("      vrr: vlan100-v0\n", "")], id="no vrr here"),
        pytest.param([("      vrr: vlan100-v0\n", "")], OTHERS, id="no vrr there"),
        # a single VXLAN device carries many VNIs of a VLAN-aware bridge
        pytest.param(SINGLE, [*OTHERS, *VLAN200[:3], *SINGLE], id="single device, by VLAN"),
        pytest.param([BRIDGE], [*OTHERS, *VLAN200[:3], BRIDGE], id="single device, by bridge"),
        pytest.param([], [], id="the same servers"),
        pytest.param([], [(", leaf: L1, port: swp1", ""), (", leaf: L2, port: swp1", "")], id="places there"),
        pytest.param([(", leaf: L1, port: swp1", ""), (", leaf: L2, port: swp1", "")], [], id="places here"),
        pytest.param([], [("leaf: L1, port: swp1", "leaf: L1")], id="ports there"),
        pytest.param([PAIR], [("leaf: L1, port: swp1", "leaf: [L2, L1], port: bond1")], id="a pair"),
        pytest.param([], [*VLAN200, ("enp0s8", "enp0s8.200"), ("enp0s8,", "enp0s8.200,")], id="a trunk"),
        pytest.param(
            [],
            [("enp0s8", "enp0s9"), ("leaf: L1, port: swp1", "leaf: L2, port: swp3"), ("0.11/24", "0.13/24")],
            id="two interfaces of a server",
        ),
        pytest.param([], [*OTHERS, ("leaf: L1, port: swp2", "leaf: L1")], id="two virtual machines behind a port"),
    ],
)
def test_two_clusters_that_say_the_same(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    assert said_of(first, second) == []
