"""What a probe host is asked in one round trip. Light to import, as the questions to leaves are."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tasks.model.address import IPV6, IpAddress
from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.observe.helpers import fed_function, function_name
from tasks.observe.shell import IPROUTE, TIMERS, iproute, which

_PROBE = "probe-ping"
_COUNT = 3
"""One lost echo is not an outage, and three take no longer than the servers' own answers."""


def probe_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """All that the host holds of each VIP, and behind that the echoes, which could mend a wrong neighbor."""
    vips = tuple(dict.fromkeys(vip.ip for cluster in clusters for vip in cluster.vips))
    if not vips:
        return ()
    fragment = IPROUTE + TIMERS + which("ip", "ping")
    tools = Command(key="probe tools", argv=("command", "-v", "ip", "ping"), fragment=fragment)
    return (tools, *(command for vip in vips for command in _looks(vip)), *(_ping(vip) for vip in vips))


def _looks(vip: IpAddress) -> tuple[Command, ...]:
    family = "ipv6" if vip.version == IPV6 else "ipv4"
    return (
        iproute(f"route {vip}", "ip", "route", "get", str(vip)),
        iproute(f"neighbor {vip}", "ip", "neigh", "show", "to", str(vip)),
        Command(
            key=f"timers {vip}",
            argv=("cat", f"/proc/sys/net/{family}/neigh/DEV/*"),
            fragment=f"vipbook_timers {shlex.quote(str(vip))} {family}",
        ),
    )


def _ping(vip: IpAddress) -> Command:
    """One short ping; 0.2 s is the shortest interval that every iputils gives an ordinary user."""
    return Command(
        key=f"ping {vip}",
        argv=("ping", "-n", "-c", str(_COUNT), "-i", "0.2", "-W", "1", str(vip)),
    )


def stream_command(vip: IpAddress, count: int, interval_s: float) -> Command:
    """Echoes in a row, numbered and with the time. An old iputils lets root alone send so often."""
    # A count bounds it when nobody stops it. -w would end it at the first ICMP error, in the middle of the outage.
    argv = ("ping", "-D", "-O", "-n", "-i", str(interval_s), "-c", str(count), str(vip))
    run = shlex.join((function_name(_PROBE), f"{count} {vip}", *argv))
    return Command(key="probe", argv=argv, sudo=True, helper=_PROBE, fragment=f"{fed_function(_PROBE)}{run}")
