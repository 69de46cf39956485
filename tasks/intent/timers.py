"""What VRRP's own timers allow: the bound that a measured outage is held against.

RFC 3768 6.1 (VRRPv2), RFC 5798 6.1 and RFC 9568 6.1 (VRRPv3; the later one says active for master). All times in
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.model.probe import ClientTimers


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The shortest and the longest time that is explained."""

    shortest_s: float
    longest_s: float

    def holds(self, seconds: float, *, resolution_s: float) -> bool:
        """Is the measured time inside, as exactly as it was measured?"""
        return self.shortest_s - resolution_s <= seconds <= self.longest_s + resolution_s


def skew_s(version: int, advert_int: float, priority: int) -> float:
    """Skew_Time: VRRPv2 counts in seconds whatever the interval is, VRRPv3 in parts of the interval."""
    unit = 1.0 if version == 2 else advert_int  # noqa: PLR2004 - VRRP version 2
    return (256 - priority) / 256 * unit


def master_down_s(version: int, advert_int: float, priority: int) -> float:
    """Master_Down_Interval of a backup with this priority."""
    return 3 * advert_int + skew_s(version, advert_int, priority)


def failover_bound(version: int, advert_int: float, priority: int, allowance_s: float) -> Bound:
    """Outage when the master falls silent without a word (link down, crash).

    The backup's timer began at the last advert, which was sent up to one interval before the fault, so the wait is
    Master_Down_Interval less 0 to 1 interval; the fabric's allowance comes on top of the longest.
    """
    down = master_down_s(version, advert_int, priority)
    return Bound(shortest_s=down - advert_int, longest_s=down + allowance_s)


def stop_bound(version: int, advert_int: float, priority: int, allowance_s: float) -> Bound:
    """Outage when the master says that it stops: an advert with priority 0 leaves its successor Skew_Time."""
    skew = skew_s(version, advert_int, priority)
    return Bound(shortest_s=skew, longest_s=skew + allowance_s)


def failback_bound(allowance_s: float) -> Bound:
    """Outage when a higher priority takes over from a living master: the protocol itself has no gap."""
    return Bound(shortest_s=0.0, longest_s=allowance_s)


_LONGEST_REACHABLE = 1.5
"""The kernel draws the time that a neighbor counts as reachable between half and one and a half of its base."""


def client_ageing_s(timers: ClientTimers) -> float:
    """How long a host goes on sending to a MAC that no longer answers, before it asks everybody anew (arp(7)).

    Reachable since the last answer, then stale: the next packet starts the delay, after which the old MAC is probed in
    vain, and only then comes the broadcast.
    """
    probing = timers.unicast_probes * timers.retransmit_s
    return timers.base_reachable_s * _LONGEST_REACHABLE + timers.delay_first_probe_s + probing
