"""An interface's IPv6 addresses, as the kernel lists them."""

from __future__ import annotations

from ipaddress import IPv6Interface

import pytest

from lab.neighmgrd.kernel import ipv6_addresses

# /proc/net/if_inet6 of a leaf.
LISTING = """\
fe8000000000000002005efffe000164 06 40 20 80 vlan100-v0
fe80000000000000463839fffe001151 03 40 20 80    swp51
00000000000000000000000000000001 01 80 10 80       lo
fd000100006500000000000000000002 04 40 00 82  vlan100
fe80000000000000463839fffe001101 02 40 20 80     swp1
fe8000000000000074a606fffe6f7ccc 05 40 20 80   vni100
fd000100006500000000000000000001 06 40 00 82 vlan100-v0
fe80000000000000463839fffe000011 04 40 20 80  vlan100
"""


@pytest.mark.parametrize(
    ("interface", "found"),
    [
        ("vlan100", {"fd00:100:65::2/64", "fe80::4638:39ff:fe00:11/64"}),
        ("vlan100-v0", {"fd00:100:65::1/64", "fe80::200:5eff:fe00:164/64"}),
        ("lo", {"::1/128"}),
        ("vlan", set()),
        ("swp9", set()),
    ],
)
def test_each_interface_has_its_own(interface: str, found: set[str]) -> None:
    assert set(ipv6_addresses(LISTING, interface)) == {IPv6Interface(address) for address in found}


def test_a_leaf_without_ipv6_has_none() -> None:
    assert list(ipv6_addresses("", "vlan100")) == []
