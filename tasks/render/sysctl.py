"""Text of our own sysctl file: one spelling, used to write, to compare and to remove."""

from __future__ import annotations

import re
from collections.abc import Mapping

SYSCTL_FILE = "/etc/sysctl.d/90-vipbook.conf"
STRICT = 2
"""arp_announce: an ARP request names an address of the interface it leaves by, whatever packet is waiting for it."""
_HEAD = """\
# Managed by vipbook: changes made here by hand are shown by `vipbook plan` and undone by `vipbook apply`.
# A VIP with a virtual MAC stands on a macvlan, and its packets leave by the interface beneath. Unless arp_announce is 2
# there, ARP requests made for them name the VIP with that interface's own MAC, and leaves and clients believe it.
"""
# The value from before stands in the file, because that is where it is still known when the setting is taken back.
_SETTING = re.compile(r"(?:^# before: (\d+)\n)?^net/ipv4/conf/([^/\s]+)/arp_announce = 2$", re.MULTILINE)


def arp_announce(interface: str) -> str:
    """The setting's name. With slashes, because a dot belongs to the interface (bond0.100) only then (sysctl.d(5))."""
    return f"net/ipv4/conf/{interface}/arp_announce"


def sysctl_text(before: Mapping[str, int | None]) -> str:
    """The file for these interfaces, each with the value that stood there before (None: not known).

    systemd-sysctl reads it twice at a boot: as a service, when the interface may not be there or not have its name, and
    from udev (99-systemd.rules) for each interface as it appears. The first ends well without the interface, so no
    line needs the `-` that says so, and that systemd and procps of older releases take for a part of the name.
    """
    lines = []
    for interface, value in before.items():
        lines += [f"# before: {value}\n"] if value is not None else []
        lines.append(f"{arp_announce(interface)} = {STRICT}\n")
    return _HEAD + "".join(lines)


def recorded(text: str | None) -> dict[str, int | None]:
    """The interfaces that the file sets, each with the value from before; None where it does not tell."""
    return {found[2]: None if found[1] is None else int(found[1]) for found in _SETTING.finditer(text or "")}
