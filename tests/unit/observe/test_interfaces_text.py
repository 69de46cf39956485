"""`ip addr show` of a release that knows no -j (Enterprise Linux 7)."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import IPv4Interface, IPv6Interface

import pytest

from tasks.model.mac import MacAddress
from tasks.model.server import Interface
from tasks.observe.iproute2 import parse_interfaces
from tasks.observe.readings import Garbled

LO = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN\n"
VETH = """2: e@if2: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP
    link/ether 08:00:27:70:07:ae brd ff:ff:ff:ff:ff:ff link-netnsid 0
    altname enp0
    inet 10.0.0.1/24 brd 10.0.0.255 scope global dynamic e
       valid_lft 9sec preferred_lft 9sec
    inet6 2001:db8::1/64 scope global deprecated nodad
    inet6 fe80::1/64 scope link
"""
TUNNEL = """9: t: <UP,LOWER_UP> mtu 1480
    link/ipip 0.0.0.0 brd 0.0.0.0
    inet 10.0.0.1 peer 10.0.0.2/32 scope global t
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LO, Interface(name="lo", mac=None, up=True, addresses=())),
        ("2: x.5@eth0: <> mtu 1500\n", Interface(name="x.5", mac=None, up=False, addresses=())),
        ("2: e: <UP> mtu 1500\n\n", Interface(name="e", mac=None, up=False, addresses=())),
        ("2: e: <UP>\n    link/ether\n", Interface(name="e", mac=None, up=False, addresses=())),
        ("2: e: <UP>\n    link/none\n", Interface(name="e", mac=None, up=False, addresses=())),
        (TUNNEL, Interface(name="t", mac=None, up=True, addresses=(IPv4Interface("10.0.0.1/32"),))),
        (
            VETH,
            Interface(
                name="e",
                mac=MacAddress("08:00:27:70:07:ae"),
                up=True,
                addresses=(IPv4Interface("10.0.0.1/24"), IPv6Interface("2001:db8::1/64")),
            ),
        ),
    ],
)
def test_interfaces(text: str, expected: Interface) -> None:
    assert parse_interfaces(text) == (expected,)
    assert parse_interfaces(LO + text)[1:] == (expected,)


@pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip")
def test_this_machines_interfaces_are_the_same_in_both_forms() -> None:
    text, as_json = (
        subprocess.run(["ip", *form, "addr", "show"], capture_output=True, text=True, check=True).stdout
        for form in ((), ("-j",))
    )
    assert parse_interfaces(text) == parse_interfaces(as_json)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Cannot find device", "not a row of an interface: 'Cannot find device'"),
        ("    inet 10.0.0.1/24 scope global x", "not a row of an interface"),
        (f"{LO}    inet 10.0.0.1 scope global x", "address without a prefix length: 'inet 10.0.0.1 scope"),
        (f"{LO}    inet 10.0.0.1 peer 10.0.0.2 scope", "address without a prefix length"),
        (f"{LO}    inet", "address without a prefix length: 'inet'"),
        (f"{LO}    inet peer", "address without a prefix length"),
        (f"{LO}    inet 10.0.0.1/99 scope global x", "99"),
        (f"{LO}    inet ::1/64 scope global x", "::1"),
        (f"{LO}    link/ether 0.0.0.0 brd 0.0.0.0", "not a MAC address"),
        (f"{LO}nonsense", "not a row of an interface: 'nonsense'"),
    ],
)
def test_garbled(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_interfaces(text)
