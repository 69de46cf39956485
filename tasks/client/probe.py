"""What a probe host is asked: how it sends to each VIP, what it holds for it, and does the VIP answer?"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tasks.client.facts import parse_route, parse_timers
from tasks.client.ping import parse_ping
from tasks.model.address import IPV6, IpAddress
from tasks.model.answer import Answer, Command, Reply
from tasks.model.cluster import Cluster
from tasks.model.leaf import Neighbor
from tasks.model.probe import ClientTimers, PingFacts, ProbeFacts, Route
from tasks.observe.helpers import fed_function, function_name
from tasks.observe.iproute2 import parse_neighbors
from tasks.observe.question import Question
from tasks.observe.shell import iproute, shell, which

_PROBE = "probe-ping"
_COUNT = 3
"""One lost echo is not an outage, and three take no longer than the servers' own answers."""


def route(vip: IpAddress) -> Question[Route]:
    """How the kernel would send to it, now."""
    return Question(iproute(f"route {vip}", "ip", "route", "get", str(vip)), parse_route)


def neighbor(vip: IpAddress) -> Question[tuple[Neighbor, ...]]:
    """What the kernel holds for it."""
    return Question(iproute(f"neighbor {vip}", "ip", "neigh", "show", "to", str(vip)), parse_neighbors)


def timers(vip: IpAddress) -> Question[ClientTimers]:
    """How it ages that."""
    family = "ipv6" if vip.version == IPV6 else "ipv4"
    fragment = f"vipbook_timers {shlex.quote(str(vip))} {family}"
    asked = Command(key=f"timers {vip}", argv=("cat", f"/proc/sys/net/{family}/neigh/DEV/*"), fragment=fragment)
    return Question(asked, parse_timers)


def ping(vip: IpAddress) -> Question[PingFacts]:
    """One short ping; 0.2 s is the shortest interval that every iputils gives an ordinary user."""
    argv = ("ping", "-n", "-c", str(_COUNT), "-i", "0.2", "-W", "1", str(vip))
    return Question(Command(key=f"ping {vip}", argv=argv), parse_ping, accept=_answered)


def _answered(answer: Answer) -> bool:
    """Status 1 is ping's word for "nobody answered", which is a finding; 2 is its word for "could not ask"."""
    return answer.status in {0, 1}


def probe_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """All that the host holds of each VIP, and behind that the echoes, which could correct a wrong neighbor."""
    vips = _vips(clusters)
    if not vips:
        return ()
    fragment = shell("iproute") + shell("timers") + which("ip", "ping")
    tools = Command(key="probe tools", argv=("command", "-v", "ip", "ping"), fragment=fragment)
    looks = (each(vip).command for vip in vips for each in (route, neighbor, timers))
    return (tools, *looks, *(ping(vip).command for vip in vips))


def probe_facts(host: str, reply: Reply, clusters: Sequence[Cluster]) -> ProbeFacts:
    """The answers as types; every reading is Unread when the host gave none."""
    vips = _vips(clusters)
    return ProbeFacts(
        host=host,
        pings={vip: ping(vip).read(reply) for vip in vips},
        routes={vip: route(vip).read(reply) for vip in vips},
        neighbors={vip: neighbor(vip).read(reply) for vip in vips},
        timers={vip: timers(vip).read(reply) for vip in vips},
    )


def _vips(clusters: Sequence[Cluster]) -> tuple[IpAddress, ...]:
    return tuple(dict.fromkeys(vip.ip for cluster in clusters for vip in cluster.vips))


def stream_command(vip: IpAddress, count: int, interval_s: float) -> Command:
    """Echoes in a row, numbered and with the time. An old iputils lets root alone send so often."""
    # A count bounds it when it is not stopped. -w would end it at the first ICMP error, in the middle of the outage.
    argv = ("ping", "-D", "-O", "-n", "-i", str(interval_s), "-c", str(count), str(vip))
    run = shlex.join((function_name(_PROBE), f"{count} {vip}", *argv))
    return Command(key="probe", argv=argv, sudo=True, helper=_PROBE, fragment=f"{fed_function(_PROBE)}{run}")
