"""What the kernel says of its own settings, read where sysctl reads them."""

from __future__ import annotations

import re

from tasks.observe.readings import Garbled, shortened

_ROW = re.compile(r"/proc/sys/net/ipv4/conf/([^/\s]+)/arp_announce:(-?[0-9]{1,9})")


def parse_arp_announce(text: str) -> dict[str, int]:
    """Parse `grep -H . /proc/sys/net/ipv4/conf/*/arp_announce`: the value of every interface, and of `all`."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        row = _ROW.fullmatch(line)
        if row is None:
            msg = f"not a row of arp_announce: {shortened(line)!r}"
            raise Garbled(msg)
        found[row[1]] = int(row[2])
    if "all" not in found:
        msg = "no row of conf/all, which every kernel has"
        raise Garbled(msg)
    return found
