"""Addresses as they stand in the file: each with its prefix, and fit for what it is declared as."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface, ip_interface, ip_network
from typing import Annotated

from pydantic import BeforeValidator

from tasks.model.address import IPV6, IpInterface

_EXAMPLE = "100.65.0.10/24"
_EXAMPLE6 = "fd00:100:65::10/64"
_EXAMPLE_LOCAL = "fe80::a00:27ff:fe7d:afb4/64"
# IANA gives away IPv4 by the /8, and no registry has given one network more IPv6 than a /16.
_WIDEST = {4: 8, IPV6: 16}
_THIS_NETWORK = ip_network("0.0.0.0/8")


def _with_prefix(value: object) -> IpInterface:
    """An address needs its prefix: keepalived would take a bare one for a /32, which no leaf expects."""
    six = isinstance(value, str) and ":" in value
    example = _EXAMPLE6 if six else _EXAMPLE
    if not isinstance(value, str) or "/" not in value:
        msg = f"{value!r} lacks its prefix length; write it as {example}"
        raise ValueError(msg)
    try:
        # A mask in its place would be read: 0.0.0.255 as /24, which is the other way round.
        if not value.rpartition("/")[2].isdecimal():
            raise ValueError  # noqa: TRY301 - one sentence for all that can't be read
        return ip_interface(value)
    except ValueError:
        family = "IPv6" if six else "IPv4"
        msg = f"{value!r} is no {family} address with prefix length; write it as {example}"
        raise ValueError(msg) from None


def _of_server(value: object) -> IpInterface:
    """Adverts are IPv4, and so is the address that they come from."""
    if isinstance(value, str) and ":" in value:
        msg = f"{value!r} is IPv6; a server's own address is the IPv4 one that adverts come from, as 100.65.0.11/24"
        raise ValueError(msg)
    found = _with_prefix(value)
    if (kind := _unfit(found)) is not None:
        msg = f"{value!r} is {kind}; take the address that the interface has, as 100.65.0.11/24"
        raise ValueError(msg)
    return found


def _of_vip(value: object) -> IpInterface:
    """A VIP of either family that leaves can learn and routers can reach."""
    found = _with_prefix(value)
    kind = _unfit(found)
    if isinstance(found, IPv6Interface):
        # Routers would not carry a link-local one further; the interface says already which link a VIP is on.
        kind = kind or ("link-local" if found.ip.is_link_local else None) or _zone(found)
    if kind is not None:
        mend = "a unicast address" if found.version != IPV6 else "a global or unique local address"
        msg = f"{value!r} is {kind}; take {mend}, as {_EXAMPLE6 if found.version == IPV6 else _EXAMPLE}"
        raise ValueError(msg)
    return found


def _unfit(found: IpInterface) -> str | None:
    """What keeps an address from being any interface's."""
    address, length = found.ip, found.network.prefixlen
    kinds = {
        "IPv4-mapped": isinstance(found, IPv6Interface) and found.ip.ipv4_mapped is not None,
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "multicast": address.is_multicast,
        f"with its prefix the whole of IPv{found.version}": length == 0,
        f"with its /{length} wider than any network": length < _WIDEST[found.version],
        f"of {_THIS_NETWORK}, which no host has": address in _THIS_NETWORK,
        "of a reserved block": address.is_reserved,
    }
    return next((kind for kind, is_so in kinds.items() if is_so), None)


def _zone(found: IPv6Interface) -> str | None:
    return None if found.scope_id is None else "an address with a zone"


def _of_server6(value: object) -> IPv6Interface:
    """Where IPv6 adverts come from: link-local, or any address that a peer can be told."""
    found = _with_prefix(value)
    if not isinstance(found, IPv6Interface):
        msg = f"{value!r} is no IPv6 address of an interface; write it as {_EXAMPLE_LOCAL}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic makes a sentence of a ValueError alone
    # A zone would get lost on the way to keepalived; `interface` says which link it is.
    if (kind := _unfit(found) or _zone(found)) is not None:
        msg = f"{value!r} is {kind}, no IPv6 address of an interface; write it as {_EXAMPLE_LOCAL}"
        raise ValueError(msg)
    return found


ServerAddress = Annotated[IPv4Interface, BeforeValidator(_of_server)]
ServerAddress6 = Annotated[IPv6Interface, BeforeValidator(_of_server6)]
VipAddress = Annotated[IPv4Interface | IPv6Interface, BeforeValidator(_of_vip)]
