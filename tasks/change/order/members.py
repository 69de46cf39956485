"""Who runs a cluster's virtual router now, and what each of them will run: servers that leave the cluster included."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Interface, IPv6Interface

from tasks.change.order.wire import Wire, coming_wire, running_wire
from tasks.judge.instances import carries, family_of, instance_of
from tasks.model.address import IpAddress
from tasks.model.cluster import Cluster, Server
from tasks.model.errors import RefusedError
from tasks.model.keepalived import DeclaredInstance
from tasks.model.reading import Read
from tasks.model.server import Instance, ServerFacts
from tasks.server.keepalived.declared import declared_instances

_LEADING = ("master", "backup", "fault")
"""Who leads comes first. One in fault, or in any other state (init), may be the master at any moment."""
Running = Mapping[str, tuple[Instance, ...]]
"""By server: what keepalived runs there, of the servers that report it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A server that runs the cluster's virtual router, or an instance that holds its VIPs."""

    server: Server
    instance: Instance
    now: Wire
    then: Wire | None
    """None: it has none any more."""
    leaves: bool = False
    """It is not a server of the cluster (any more)."""

    @property
    def name(self) -> str:
        """Of the server."""
        return self.server.name

    @property
    def changes(self) -> bool:
        """Is what it will run anything else?"""
        return self.now != self.then


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """What the servers of the run will have."""

    instances: Mapping[str, Sequence[DeclaredInstance]]
    partly: Collection[str]
    """Servers of which what comes is not known to its end: it may have an instance, or another one, where it is not."""

    def wire(self, cluster: Cluster, server: Server, now: Wire | None = None) -> Wire | None:
        """What that server will run of the cluster; of a server that gets nothing new it is `now`."""
        if server.name not in self.instances:
            return now
        then = coming_wire(self.instances[server.name], cluster, server)
        if server.name not in self.partly:
            return then
        may_be = then or now
        return replace(may_be, known=False) if may_be is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What of the other servers of a run bears on the change of one."""

    changing: frozenset[IpAddress] = frozenset()
    """Addresses of all servers of the run that report what they run."""
    left: tuple[tuple[Cluster, tuple[str, ...]], ...] = ()
    """Clusters, with the servers that run them and are not in them (any more)."""


ALONE = Around()


def around(clusters: Iterable[Cluster], facts: Mapping[str, ServerFacts], names: Collection[str]) -> Around:
    """`names`: the servers of the run; `facts` are also those of the others that have a cluster with one of them."""
    running, listed = running_of(facts), tuple(clusters)
    others = ((each, _outsiders(each, _insiders(each, listed, running), running)) for each in listed)
    left = ((each, tuple(dict.fromkeys(name for name, _ in found))) for each, found in others if found)
    return Around(changing=addresses(facts[name] for name in names), left=tuple(left))


def addresses(servers: Iterable[ServerFacts]) -> frozenset[IpAddress]:
    """Of the servers that report what they run: the order of a change is worked out with that."""
    return frozenset(
        address.ip
        for facts in servers
        if isinstance(facts.instances, Read) and isinstance(facts.interfaces, Read)
        for interface in facts.interfaces.value
        for address in interface.addresses
    )


def running_of(facts: Mapping[str, ServerFacts]) -> Running:
    """The servers that report what they run."""
    return {name: told.instances.value for name, told in facts.items() if isinstance(told.instances, Read)}


def members(
    cluster: Cluster, listed: Sequence[Cluster], facts: Mapping[str, ServerFacts], coming: Coming
) -> list[Member]:
    """The servers that run it; the one that leads, by its state and then by its priority, is the first."""
    running = running_of(facts)
    own = _insiders(cluster, listed, running)
    others = [(_guest(facts[name], each), each) for name, each in _outsiders(cluster, own, running)]
    found = [_member(cluster, server, each, facts[server.name], coming) for server, each in (*own, *others)]
    return sorted(found, key=lambda each: (rank(each.instance), -each.instance.base_priority))


def _member(cluster: Cluster, server: Server, instance: Instance, facts: ServerFacts, coming: Coming) -> Member:
    now = running_wire(instance, told(facts), cluster, server)
    if now.source.is_unspecified:
        now = replace(now, known=False)
    leaves = server not in cluster.servers
    then = coming.wire(cluster, server, now)
    return Member(server=server, instance=instance, now=now, then=then, leaves=leaves)


def _insiders(cluster: Cluster, listed: Sequence[Cluster], running: Running) -> list[tuple[Server, Instance]]:
    found = [(each, _running(cluster, each, listed, running.get(each.name, ()))) for each in cluster.servers]
    return [(server, instance) for server, instance in found if instance is not None]


def _running(
    cluster: Cluster, server: Server, listed: Sequence[Cluster], instances: Sequence[Instance]
) -> Instance | None:
    """The cluster's instance, or one that holds its VIPs as a virtual router that is no other cluster's."""
    own = instance_of(instances, cluster, server)
    if own is not None:
        return own
    named = [each for each in listed if server.name in {one.name for one in each.servers}]
    others = [instance_of(instances, each, each.server(server.name)) for each in named]
    held = [each for each in instances if carries(each, cluster) and not any(each is other for other in others)]
    return min(held, key=rank, default=None)


def _outsiders(
    cluster: Cluster, own: Sequence[tuple[Server, Instance]], running: Running
) -> list[tuple[str, Instance]]:
    """Servers that run the same virtual router, with a VIP of it, and are none of the cluster's (any more)."""
    routers = {(cluster.vrid, cluster.family), *((each.vrid, family_of(each)) for _, each in own)}
    vips = {vip.ip for vip in (*cluster.vips, *(vip for _, each in own for vip in each.vips))}
    names = {server.name for server in cluster.servers}
    return [
        (name, each)
        for name, instances in running.items()
        if name not in names
        for each in instances
        if (each.vrid, family_of(each)) in routers and vips & {vip.ip for vip in each.vips}
    ]


def _guest(facts: ServerFacts, instance: Instance) -> Server:
    """A server that no intent describes; its adverts come from the first address of the interface."""
    interfaces = facts.interfaces.value if isinstance(facts.interfaces, Read) else ()
    held = {vip.ip for vip in instance.vips}
    found = [
        address
        for each in interfaces
        if each.name == instance.interface
        for address in each.addresses
        if address.ip not in held
    ]
    four = next((each for each in found if isinstance(each, IPv4Interface)), IPv4Interface("0.0.0.0/0"))
    six = next(
        (each for each in found if isinstance(each, IPv6Interface) and each.is_link_local), IPv6Interface("::/0")
    )
    return Server(
        name=facts.host,
        interface=instance.interface,
        address=four,
        address6=six,
        priority=instance.base_priority,
        leaves=(),
        port=None,
    )


def refuse_silent(cluster: Cluster, found: Sequence[Member], facts: Mapping[str, ServerFacts]) -> None:
    """Who may be master without saying so must go on hearing those that change."""
    names = {server.name for server in cluster.servers}
    for name, each in facts.items():
        if isinstance(each.instances, Read) or not (name in names or _declares(each, cluster)):
            continue
        if any(member.changes for member in found if member.name != name):
            raise RefusedError(
                f"{cluster.name}: what keepalived runs on {name} is not known ({each.instances.reason}), so no "
                "order can be shown to have one master; make it answer, or stop it there"
            )


def _declares(facts: ServerFacts, cluster: Cluster) -> bool:
    """Does its file have a VIP of the cluster?"""
    config = facts.declared.value.config if isinstance(facts.declared, Read) else None
    vips = {vip.ip for vip in cluster.vips}
    found = declared_instances(config) if config is not None else ()
    return any(vips & {vip.ip for vip in (*each.vips, *each.excluded)} for each in found)


def rank(instance: Instance) -> int:
    """Who may lead first, is first."""
    return _LEADING.index(instance.state) if instance.state in _LEADING else len(_LEADING)


def told(facts: ServerFacts) -> tuple[DeclaredInstance, ...]:
    """The instances of the files, if the daemon read them as they are."""
    declared, service = facts.declared, facts.service
    if not isinstance(declared, Read) or not isinstance(service, Read) or declared.value.config is None:
        return ()
    loaded = service.value.loaded_at
    # stat gives whole seconds, cut off; a file of the same second as the reload was there before it.
    if declared.value.others or loaded is None or int(declared.value.modified_at) > loaded:
        return ()
    return declared_instances(declared.value.config)
