"""Addresses that no interface can have, each refused where it stands and with its mend."""

from __future__ import annotations

import pytest

from tasks.intent.document import read_document
from tasks.intent.schema import ClustersFile, parse_clusters
from tests.unit.builders import CLUSTERS_YAML

PLACES = {"vip": "vips.0", "server": "servers.H2.address", "address6": "servers.H2.address6"}


def parse(kind: str, address: str) -> tuple[ClustersFile | None, list[str]]:
    """The healthy file with this address as the only VIP, as H2's own or as its address6."""
    healthy = {"vip": "100.65.0.10/24", "server": "100.65.0.12/24", "address6": "100.65.0.12/24"}[kind]
    assert healthy in CLUSTERS_YAML
    new = f"'{address}'" if kind != "address6" else f"{healthy}, address6: '{address}'"
    return parse_clusters(read_document(CLUSTERS_YAML.replace(healthy, new), "clusters.yaml"))


UNFIT4 = [
    ("0.0.0.0/24", "is unspecified; take"),
    ("0.0.0.10/24", "is of 0.0.0.0/8, which no host has"),
    ("127.0.0.10/24", "is loopback; take"),
    ("224.0.0.10/24", "is multicast; take"),
    ("239.255.255.250/24", "is multicast"),
    ("240.1.1.10/24", "is of a reserved block"),
    ("255.255.255.10/24", "is of a reserved block"),
    ("100.65.0.10/0", "is with its prefix the whole of IPv4"),
    ("10.65.0.10/7", "is with its /7 wider than any network"),
    # a mask: ipaddress takes 0.0.0.255 for /24
    ("100.65.0.10/0.0.0.255", "is no IPv4 address with prefix length; write it as 100.65.0.10/24"),
    ("100.65.0.10/255.255.255.0", "is no IPv4 address with prefix length; write it as 100.65.0.10/24"),
    ("100.65.0.10/+24", "is no IPv4 address with prefix length"),
    ("100.65.0.10/", "is no IPv4 address with prefix length"),
]
UNFIT6 = [
    ("::/64", "is unspecified"),
    ("::1/64", "is loopback"),
    ("::ffff:1.2.3.4/64", "is IPv4-mapped"),
    ("ff02::12/64", "is multicast"),
    ("::5/1", "is with its /1 wider than any network"),
    ("fd00::5/15", "is with its /15 wider than any network"),
    ("fd00::5/0", "is with its prefix the whole of IPv6"),
    ("::5/64", "is of a reserved block"),
    ("4000::5/64", "is of a reserved block"),
    ("fd00::5%enp0s8/64", "is an address with a zone"),
    ("fd00::5/ffff::", "is no IPv6 address with prefix length; write it as fd00:100:65::10/64"),
]


@pytest.mark.parametrize(
    ("kind", "address", "piece"),
    [
        *(("vip", *row) for row in [*UNFIT4, *UNFIT6]),
        *(("server", *row) for row in UNFIT4),
        *(("address6", *row) for row in UNFIT6),
        ("vip", "::ffff:1.2.3.4/64", "is IPv4-mapped; take a global"),
        ("vip", "224.0.0.10/24", "take a unicast address, as 100.65.0.10/24"),
        ("vip", "::5/64", "take a global or unique local address, as fd00:100:65::10/64"),
        ("vip", "fe80::11/64", "is link-local; take a global or unique local address"),
        ("server", "127.0.0.1/24", "take the address that the interface has, as 100.65.0.11/24"),
        ("address6", "fe80::11%enp0s8/64", "is an address with a zone, no IPv6 address of an interface; write it as"),
        ("address6", "100.65.0.12/24", "is no IPv6 address of an interface; write it as fe80::a00:27ff:fe7d:afb4/64"),
    ],
)
def test_what_no_interface_has_is_refused(kind: str, address: str, piece: str) -> None:
    parsed, said = parse(kind, address)
    assert parsed is None
    assert any(f"clusters.web.{PLACES[kind]}: {address!r} " in each and piece in each for each in said), said


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("vip", "10.65.0.10/8"),
        ("vip", "169.254.169.254/32"),  # of its own link only, and there it is reached
        ("vip", "192.0.2.10/24"),
        ("vip", "223.255.255.10/24"),
        ("vip", "2606:4700::1/128"),
        ("vip", "2001:db8::1/16"),
        ("vip", "fdff::1/64"),
        ("server", "169.254.0.12/16"),
        ("address6", "fe80::11/64"),
        ("address6", "fe80::11/128"),
        ("address6", "2001:db8::11/64"),
        ("address6", "fd00:100:65::11/64"),
    ],
)
def test_what_an_interface_may_have_is_let_through(kind: str, address: str) -> None:
    assert parse(kind, address)[1] == []
