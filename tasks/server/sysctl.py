"""What the kernel says of its own settings, read where sysctl reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.model.answer import Answer, Command
from tasks.observe.question import Question
from tasks.observe.readings import Garbled, shortened

# All interfaces, so that the value is known of those too that only our file still names.
_LOOK = ("grep", "-H", ".", "/proc/sys/net/ipv4/conf/*/arp_announce")
_ROW = re.compile(r"/proc/sys/net/ipv4/conf/([^/\s]+)/arp_announce:(-?[0-9]{1,9})")


def parse_arp_announce(text: str) -> Mapping[str, int]:
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


def _found(answer: Answer) -> bool:
    """grep says with status 2 that an interface went while it looked: the others are an answer."""
    return answer.status == 0 or (answer.status == 2 and "No such file" in answer.stderr)  # noqa: PLR2004 - grep(1)


ARP_ANNOUNCE = Question(
    Command(key="arp_announce", argv=_LOOK, fragment=" ".join(_LOOK)), parse_arp_announce, accept=_found
)
