"""What a judgement is about: one VIP, the intent for it, and everything that was observed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from tasks.judge.instances import instance_of
from tasks.model.address import IpInterface
from tasks.model.answer import Answer
from tasks.model.cluster import Cluster, Desired, Server
from tasks.model.drill import Injected
from tasks.model.leaf import LeafFacts
from tasks.model.mac import MacAddress
from tasks.model.probe import ProbeFacts
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import Instance, Interface, ServerFacts
from tasks.model.verdict import Finding, NotJudged, Status, VipState

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One VIP. `expected_owner` is None when the priorities decide; `injected`: a drill's fault."""

    cluster: Cluster
    vip: IpInterface
    servers: Mapping[str, ServerFacts]
    leaves: Mapping[str, LeafFacts]
    probes: Mapping[str, ProbeFacts]
    desired: Mapping[str, Desired]
    expected_owner: str | None = None
    injected: Injected | None = None
    before: Mapping[str, LeafFacts] | None = None
    """The leaves as they were before a drill injected its fault; None outside a drill."""

    def holders(self) -> tuple[Server, ...] | None:
        """The servers that hold the VIP on any interface; None when a server could not be asked.

        The kernel's address is the ground truth: it is what answers ARP, whatever keepalived believes.
        """
        found: list[Server] = []
        for server in self.cluster.servers:
            interfaces = self.servers[server.name].interfaces
            if isinstance(interfaces, Unread):
                return None
            if holding(interfaces.value, self.vip):
                found.append(server)
        return tuple(found)

    def owner(self) -> Server | None:
        """The one server that holds the VIP; None when there is none, more than one, or no telling."""
        holders = self.holders()
        return holders[0] if holders is not None and len(holders) == 1 else None

    def mac_of(self, server: Server) -> MacAddress | None:
        """MAC of the server's interface, as the server itself says."""
        interfaces = self.servers[server.name].interfaces
        if isinstance(interfaces, Unread):
            return None
        return next((each.mac for each in interfaces.value if each.name == server.interface), None)

    def vip_mac(self, owner: Server) -> MacAddress | None:
        """The MAC that the VIP has while this server bears it: the virtual one that moves, or the server's own."""
        return self.cluster.vmac or self.mac_of(owner)

    def name_of(self, mac: MacAddress | None) -> str:
        """A MAC with the name of the server it belongs to, for people."""
        if mac is None:
            return "no MAC"
        if mac == self.cluster.vmac:
            return f"{mac} (virtual)"
        for server in self.cluster.servers:
            if self.mac_of(server) == mac:
                return f"{mac} ({server.name})"
        return str(mac)

    def vtep_of(self, leaf: str) -> str | None:
        """How other leaves name this leaf; None when it could not be asked or does not say."""
        facts = self.leaves[leaf].vni
        return facts.value.local_vtep if isinstance(facts, Read) else None

    def instance_of(self, server: str) -> Instance | Unread | None:
        """The vrrp_instance of this cluster as that server last told it; None when keepalived runs without it."""
        return self.own(server, self.servers[server].later)

    def changing(self, server: str) -> str | None:
        """`backup, then master` when the state was not the same at both looks; None when it was, or is not known."""
        facts = self.servers[server]
        before, after = self.own(server, facts.instances), self.own(server, facts.later)
        if not isinstance(before, Instance) or not isinstance(after, Instance) or before.state == after.state:
            return None
        return f"{before.state}, then {after.state}"

    def disturbed(self, server: str, check: str | None = None) -> str | None:
        """What a drill's fault did to that server; None for another server, and for a check that it does not excuse."""
        fault = self.injected
        if fault is None or fault.host != server or (check is not None and check not in fault.excused):
            return None
        return f"{server} was {fault.effect} by the drill"

    def router(self, server: Server) -> str:
        """What a server lacks that runs without the cluster's virtual router, under whatever name."""
        cluster = self.cluster
        return f"no instance of VRID {cluster.vrid} for IPv{cluster.family} on {server.interface}"

    def own(self, server: str, instances: Reading[tuple[Instance, ...]]) -> Instance | Unread | None:
        """The one of these that is the cluster's virtual router on that server."""
        if isinstance(instances, Unread):
            return instances
        return instance_of(instances.value, self.cluster, self.cluster.server(server))


def holding(interfaces: tuple[Interface, ...], vip: IpInterface) -> tuple[Interface, ...]:
    """The interfaces that bear the VIP's address."""
    return tuple(each for each in interfaces if any(own.ip == vip.ip for own in each.addresses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check on one target: makes its findings, so that id, target and evidence are the same in all of them."""

    name: str
    target: str
    expected: str = ""
    evidence: tuple[Answer, ...] = ()

    def passes(self, message: str, actual: str = "") -> Finding:
        """The expectation holds."""
        return self._finding(Status.PASS, message, actual)

    def warns(self, message: str, actual: str = "") -> Finding:
        """It holds, but an operator should look."""
        return self._finding(Status.WARN, message, actual)

    def fails(self, message: str, actual: str = "", cause: VipState | None = None) -> Finding:
        """It does not hold."""
        return self._finding(Status.FAIL, message, actual, cause)

    def skips(self, reason: str, actual: str = "") -> Finding:
        """There is nothing to judge here, and why."""
        return self._finding(Status.SKIP, reason, actual)

    def unknown(self, reason: str) -> Finding:
        """It could not be told."""
        return self._finding(Status.UNKNOWN, reason, "")

    def unread(self, reading: Unread) -> Finding:
        """It could not be read."""
        evidence = (reading.source,) if reading.source is not None else ()
        return replace(self, evidence=evidence).unknown(reading.reason)

    def value(self, reading: Reading[T]) -> T:
        """What was read; where it could not be, the check ends (NotJudged) as unknown."""
        if isinstance(reading, Unread):
            raise NotJudged(self.unread(reading))
        return reading.value

    def reads(self, reading: Reading[T]) -> tuple[Check, T]:
        """The same, as the check's evidence."""
        value = self.value(reading)
        assert isinstance(reading, Read)
        return replace(self, evidence=(*self.evidence, reading.source)), value

    def _finding(self, status: Status, message: str, actual: str, cause: VipState | None = None) -> Finding:
        return Finding(
            check=self.name,
            target=self.target,
            status=status,
            message=message,
            expected=self.expected,
            actual=actual,
            evidence=self.evidence,
            cause=cause,
        )
