"""Names: what no interface can be called, what keepalived calls its own, and what it would hear twice."""

from __future__ import annotations

import pytest

from tasks.intent.load import load_intent
from tasks.model.errors import IntentError
from tests.unit.builders import CLUSTERS_YAML

NO_PASSWORD = CLUSTERS_YAML.replace("    auth_pass: {clear: hunter22}\n", "")
SIX = [
    *(("version: 2", "version: 3\n    unicast: true"), ("0.10/24]", "0.10/24, 'fd00:100:65::10/64']")),
    *(("0.11/24", "0.11/24, address6: 'fd00:100:65::11/64'"), ("0.12/24", "0.12/24, address6: 'fd00:100:65::12/64'")),
]
# A second cluster on the same servers, or on others.
SAME = [("vrid: 11", "vrid: 21"), ("0.10/24", "0.20/24")]
OTHERS = [
    *(*SAME, ("H1:", "H3:"), ("H2:", "H4:"), ("0.11/24", "0.21/24"), ("0.12/24", "0.22/24")),
    *(("swp1", "swp2"), ("port: swp1", "port: swp2")),
]


def cluster(name: str, *keys: str, changes: list[tuple[str, str]] | None = None) -> str:
    """A cluster of that name with these keys, and then these changes."""
    text = NO_PASSWORD.removeprefix("clusters:\n").replace("  web:", f"  {name}:")
    text = text.replace("    servers:", "".join(f"    {key}\n" for key in keys) + "    servers:")
    for old, new in changes or []:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def said_of(*clusters: str) -> list[str]:
    try:
        load_intent("clusters:\n" + "".join(clusters), "c", lambda _: "x", need_secrets=True)
    except IntentError as error:
        return [each.partition("clusters.")[2] for each in error.problems]
    return []


FRONT = "instances: {front: {vrid: 12, vips: [100.65.0.30/24]}}"
OTHER = "instances: {other: {vrid: 22, vips: [100.65.0.31/24]}}"
FRONT6 = "instances: {front: {vrid: 12, vips: [100.65.0.30/24, 'fd00:100:65::30/64']}}"
LAST = "; name one as `ip link` shows it, not '.', '..', 'all', 'default' or with a dash first"


@pytest.mark.parametrize("name", [".", "..", "-x", "all", "default"])
@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("interface: enp0s8", "interface: '%s'", "servers.H1.interface"),
        ("port: swp1", "port: '%s'", "servers.H1.port"),
        ("svi: vlan100", "svi: '%s'", "fabric.svi"),
        ("vxlan: vni100", "vxlan: '%s'", "fabric.vxlan"),
        ("vrr: vlan100-v0", "vrr: '%s'", "fabric.vrr"),
        ("vni: 100", "vni: 100\n      bridge: '%s'", "fabric.bridge"),
        ("fabric:", "track: {interfaces: [eth9, '%s']}\n    fabric:", "track.interfaces.1"),
    ],
)
def test_what_no_interface_is_called(old: str, new: str, path: str, name: str) -> None:
    assert said_of(cluster("web", changes=[(old, new % name)])) == [
        f"web.{path}: {name!r} can be no interface's name{LAST}"
    ]


@pytest.mark.parametrize("name", ["x-", ".x", "...", "allx", "default0", "enp0s8.100"])
def test_what_an_interface_may_be_called(name: str) -> None:
    assert said_of(cluster("web", changes=[("interface: enp0s8", f"interface: '{name}'")])) == []


VMAC = "use_vmac: true"
MACVLAN = "macvlan that keepalived makes for use_vmac; name the interface that it stands on"


def on(name: str) -> tuple[str, str]:
    return ("interface: enp0s8", f"interface: {name}")


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        (
            [cluster("web", VMAC, changes=[on("vrrp11")])],
            f"web.servers.H1.interface: vrrp11 on H1 is cluster 'web''s {MACVLAN}",
        ),
        (
            [cluster("web", VMAC, FRONT, changes=[on("vrrp12")])],
            f"web.servers.H1.interface: vrrp12 on H1 is cluster 'web''s {MACVLAN}",
        ),
        (
            [cluster("web", VMAC, changes=[*SIX, on("vrrp6_11")])],
            f"web.servers.H1.interface: vrrp6_11 on H1 is cluster 'web''s {MACVLAN}",
        ),
        (
            [cluster("web", VMAC, "vrid6: 13", changes=[*SIX, on("vrrp6_13")])],
            f"web.servers.H1.interface: vrrp6_13 on H1 is cluster 'web''s {MACVLAN}",
        ),
        (
            [cluster("web", changes=[on("vrrp21")]), cluster("db", VMAC, changes=SAME)],
            f"web.servers.H1.interface: vrrp21 on H1 is cluster 'db''s {MACVLAN}",
        ),
        (
            [cluster("web", VMAC, "track: {interfaces: [eth9, vrrp11]}")],
            f"web.track.interfaces.1: vrrp11 on H1 is cluster 'web''s {MACVLAN}",
        ),
        (
            [cluster("web", VMAC), cluster("db", "track: {interfaces: [vrrp11]}", changes=SAME)],
            f"db.track.interfaces.0: vrrp11 on H1 is cluster 'web''s {MACVLAN}",
        ),
        (
            [
                cluster("web", VMAC),
                cluster("db", "track: {interfaces: [vrrp11]}", changes=[*SAME, ("H1:", "H3:"), ("0.11/24", "0.21/24")]),
            ],
            f"db.track.interfaces.0: vrrp11 on H2 is cluster 'web''s {MACVLAN}",
        ),
    ],
)
def test_an_interface_that_keepalived_makes(clusters: list[str], said: str) -> None:
    assert said in said_of(*clusters)


@pytest.mark.parametrize(
    "clusters",
    [
        [cluster("web", FRONT, "track: {interfaces: [vrrp12]}", changes=[on("vrrp11")])],
        [cluster("web", VMAC, changes=[on("vrrp12")])],
        [cluster("web", VMAC, "vrid6: 13", changes=[*SIX, on("vrrp13")])],
        [cluster("web", VMAC), cluster("db", changes=[*OTHERS, on("vrrp11")])],
        [cluster("web", VMAC), cluster("db", "track: {interfaces: [vrrp11]}", changes=OTHERS)],
    ],
    ids=["without use_vmac", "another VRID", "another family's VRID", "another server's", "tracked on another server"],
)
def test_an_interface_of_such_a_name_that_is_somebody_elses(clusters: list[str]) -> None:
    assert said_of(*clusters) == []


def scripts(name: str) -> str:
    return f"track: {{scripts: {{{name}: {{command: /bin/true}}}}}}"


def processes(name: str) -> str:
    return f"track: {{processes: {{{name}: {{process: nginx}}}}}}"


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        (
            [cluster("web", FRONT), cluster("web_front", changes=SAME)],
            "web_front: its instance in keepalived.conf is VI_web_front, and so is that of web.instances.front",
        ),
        (
            [cluster("web_front"), cluster("web", FRONT, changes=SAME)],
            "web.instances.front: its instance in keepalived.conf is VI_web_front, and so is that of web_front",
        ),
        (
            [cluster("web", FRONT), cluster("web_front", changes=OTHERS)],  # masters are counted by the name everywhere
            "web_front: its instance in keepalived.conf is VI_web_front, and so is that of web.instances.front",
        ),
        (
            [cluster("web", FRONT), cluster("web_front", OTHER, changes=SAME)],
            "web_front: its instance in keepalived.conf is VI_web_front, and so is that of web.instances.front",
        ),
        (
            [cluster("web", changes=SIX), cluster("web_6", changes=SAME)],
            "web_6: its instance in keepalived.conf is VI_web_6, and so is that of web",
        ),
        (
            [cluster("web", FRONT6, changes=SIX), cluster("web_front_6", changes=SAME)],
            "web_front_6: its instance in keepalived.conf is VI_web_front_6, and so is that of web.instances.front",
        ),
        (
            [cluster("web", scripts("a_b")), cluster("web_a", scripts("b"), changes=SAME)],
            "web_a.track.scripts.b: its script in keepalived.conf is web_a_b, and so is that of web.track.scripts.a_b",
        ),
        (
            [cluster("web", processes("a_b")), cluster("web_a", processes("b"), changes=SAME)],
            (
                "web_a.track.processes.b: its process in keepalived.conf is web_a_b, "
                "and so is that of web.track.processes.a_b"
            ),
        ),
        (
            [cluster("web", scripts("a_b")), cluster("web_a", scripts("b"), changes=[*OTHERS, ("H4:", "H2:")])],
            "web_a.track.scripts.b: its script in keepalived.conf is web_a_b, and so is that of web.track.scripts.a_b",
        ),
    ],
)
def test_a_name_that_keepalived_would_hear_twice(clusters: list[str], said: str) -> None:
    assert f"{said}; rename one of the two" in said_of(*clusters)


@pytest.mark.parametrize(
    "clusters",
    [
        [cluster("web", FRONT), cluster("front", changes=SAME)],
        [cluster("web"), cluster("web_6", changes=SAME)],
        [cluster("web", scripts("a_b")), cluster("web_a", processes("b"), changes=SAME)],
        [cluster("web", scripts("a_b")), cluster("web_a", scripts("b"), changes=OTHERS)],
        [cluster("web", scripts("chk")), cluster("db", scripts("chk"), changes=SAME)],
        [cluster("web", FRONT6, scripts("front"), changes=SIX)],
    ],
    ids=["front", "one family", "kinds", "other servers", "one name in two clusters", "one cluster"],
)
def test_names_of_their_own(clusters: list[str]) -> None:
    assert said_of(*clusters) == []
