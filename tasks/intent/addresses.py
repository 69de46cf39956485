"""Addresses as they stand in the file: each with its prefix, and fit for what it is declared as."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Annotated

from pydantic import BeforeValidator

_EXAMPLE = "100.65.0.10/24"
_EXAMPLE6 = "fd00:100:65::10/64"


def _with_prefix(value: object) -> object:
    """An address needs its prefix: keepalived would take a bare one for a /32, which no leaf expects."""
    six = isinstance(value, str) and ":" in value
    example = _EXAMPLE6 if six else _EXAMPLE
    if not isinstance(value, str) or "/" not in value:
        msg = f"{value!r} lacks its prefix length; write it as {example}"
        raise ValueError(msg)
    try:
        return ip_interface(value)
    except ValueError:
        family = "IPv6" if six else "IPv4"
        msg = f"{value!r} is no {family} address with prefix length; write it as {example}"
        raise ValueError(msg) from None


def _of_server(value: object) -> object:
    """Adverts are IPv4, and so is the address that they come from."""
    if isinstance(value, str) and ":" in value:
        msg = f"{value!r} is IPv6; a server's own address is the IPv4 one that adverts come from, as 100.65.0.11/24"
        raise ValueError(msg)
    return _with_prefix(value)


def _of_vip(value: object) -> object:
    """A VIP of either family that leaves can learn and routers can reach."""
    found = _with_prefix(value)
    if isinstance(found, IPv6Interface) and (kind := _unfit(found)) is not None:
        msg = f"{value!r} is {kind}; take a global or unique local address, as {_EXAMPLE6}"
        raise ValueError(msg)
    return found


def _unfit(vip: IPv6Interface) -> str | None:
    """What keeps an IPv6 address from being a VIP."""
    address = vip.ip
    kinds = {
        "IPv4-mapped": address.ipv4_mapped is not None,
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "multicast": address.is_multicast,
        "link-local": address.is_link_local,
        "an address with a zone": vip.scope_id is not None,
        "with its prefix the whole of IPv6": vip.network.prefixlen == 0,
    }
    return next((kind for kind, is_so in kinds.items() if is_so), None)


def _of_server6(value: object) -> object:
    """Where IPv6 adverts come from: link-local, or any address that a peer can be told."""
    found = _with_prefix(value)
    if not isinstance(found, IPv6Interface) or found.ip.is_multicast or found.ip.is_unspecified:
        msg = f"{value!r} is no IPv6 address of an interface; write it as fe80::a00:27ff:fe7d:afb4/64"
        raise ValueError(msg)
    return found


ServerAddress = Annotated[IPv4Interface, BeforeValidator(_of_server)]
ServerAddress6 = Annotated[IPv6Interface, BeforeValidator(_of_server6)]
VipAddress = Annotated[IPv4Interface | IPv6Interface, BeforeValidator(_of_vip)]
