"""Addresses of either family."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

IpAddress = IPv4Address | IPv6Address
IpInterface = IPv4Interface | IPv6Interface
IPV6 = 6
"""The version of an IPv6 address, as `ipaddress` gives it."""
