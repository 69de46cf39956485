"""Checks on one server: is what was declared installed, on disk, and running?"""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.judge.checks import Target, registered
from tasks.judge.instances import instance_of
from tasks.judge.subject import Check, Subject
from tasks.model.address import IpInterface
from tasks.model.cluster import Cluster, Server
from tasks.model.keepalived import MARK
from tasks.model.mask import masked
from tasks.model.server import ConfigFile, Instance
from tasks.model.verdict import Finding
from tasks.render.diff import unified

SAFE_MODES = (0o600, 0o640)
"""keepalived.conf holds a password: root and at most root's group may read it."""


_RUNNING = {"master", "backup"}
"""In fault the priority means nothing."""


@registered(
    "package",
    Target.SERVER,
    order=110,
    alone=True,
    reads="dpkg-query",
    passes="keepalived is installed",
    fails="it is not",
)
def judge_package(subject: Subject, server: Server) -> Finding:
    """keepalived is installed."""
    check = Check(name="package", target=server.name, expected="keepalived installed")
    check, package = check.reads(subject.servers[server.name].package)
    if package.version is None:
        return check.fails("keepalived is not installed", "not installed")
    return check.passes(f"keepalived {package.version}", package.version)


@registered(
    "config",
    Target.SERVER,
    order=120,
    alone=True,
    reads="/etc/keepalived/keepalived.conf",
    passes="it is byte for byte what the intent renders, and only root reads it",
    fails="anything differs, or others may read it",
)
def judge_config(subject: Subject, server: Server) -> Finding:
    """The file on disk is the one that the intent renders, and only root reads it."""
    expected = "keepalived.conf as rendered, root:root, mode 0600 or 0640"
    check = Check(name="config", target=server.name, expected=expected)
    check, file = check.reads(subject.servers[server.name].config)
    if file.text is None:
        return check.fails("there is no keepalived.conf", "no file")
    if file.text != subject.desired[server.name].config:
        other = "" if file.text.startswith(MARK) else ": vipbook did not write it"
        return check.fails(f"keepalived.conf is not what the intent renders{other}", _difference(file, subject, server))
    if (file.owner, file.group) != ("root", "root") or file.mode not in SAFE_MODES:
        access = access_of(file)
        return check.fails(f"keepalived.conf is {access}; it holds a password", access)
    return check.passes("keepalived.conf is what the intent renders", access_of(file))


def access_of(file: ConfigFile) -> str:
    """Owner, group and mode, as `root:root 0640`."""
    return f"{file.owner}:{file.group} {file.mode:04o}" if file.mode is not None else "no file"


def _difference(file: ConfigFile, subject: Subject, server: Server) -> str:
    found = masked(file.text or "").splitlines()
    wanted = masked(subject.desired[server.name].config).splitlines()
    lines = [line for line in unified(found, wanted, ("on disk", "rendered"), context=0) if not line.startswith("@@")]
    if lines:
        return "\n".join(lines)
    same = masked(file.text or "") == masked(subject.desired[server.name].config)
    return "auth_pass differs (shown as ***)" if same else "line ends differ"


@registered(
    "service",
    Target.SERVER,
    order=130,
    alone=True,
    reads="systemctl show keepalived",
    passes="active and enabled",
    fails="it does not run, or would not after a boot",
)
def judge_service(subject: Subject, server: Server) -> Finding:
    """The daemon runs now and will after a boot."""
    check = Check(name="service", target=server.name, expected="keepalived.service active and enabled")
    check, service = check.reads(subject.servers[server.name].service)
    actual = f"{service.active}, {service.enabled}"
    if service.active != "active":
        return check.fails(f"keepalived.service is {service.active}", actual)
    if service.enabled != "enabled":
        return check.fails(f"keepalived.service is {service.enabled}: it will not come back after a boot", actual)
    return check.passes("keepalived.service is active and enabled", actual)


@registered(
    "interface",
    Target.SERVER,
    order=140,
    alone=True,
    reads="ip -j addr",
    passes="the declared interface is up and bears the declared address",
    fails="it is down, without carrier, or without that address (skipped on the server that a drill took down)",
)
def judge_interface(subject: Subject, server: Server) -> Finding:
    """The server's own interface is up and bears its declared address, from which the peers' firewalls expect VRRP."""
    check = Check(name="interface", target=server.name, expected=f"{server.interface} up with {server.address}")
    check, interfaces = check.reads(subject.servers[server.name].interfaces)
    found = next((each for each in interfaces if each.name == server.interface), None)
    if found is None:
        return check.fails(f"{server.name} has no interface {server.interface}", "no such interface")
    actual = f"{'up' if found.up else 'down'}, {', '.join(map(str, found.addresses)) or 'no address'}"
    if not found.up:
        return check.fails(f"{server.interface} of {server.name} is down, or has no carrier", actual)
    if server.address not in found.addresses:
        return check.fails(f"{server.interface} of {server.name} does not bear {server.address}", actual)
    return check.passes(f"{server.interface} is up with {server.address}", actual)


@registered(
    "running-config",
    Target.SERVER,
    order=150,
    alone=True,
    reads="keepalived's own JSON; systemd's start and reload times; the file's time",
    passes="VRID, interface, priority, version, interval, preemption and VIPs run as declared, and the file was "
    "read after its last change",
    fails="a value differs, or the file is newer than what runs",
)
def judge_running_config(subject: Subject, server: Server) -> Finding:
    """What the daemon runs is what is on disk: it read the file after its last change, and says so itself."""
    facts = subject.servers[server.name]
    expected = f"{subject.cluster.instance} running as declared, read after the file's last change"
    check = Check(name="running-config", target=server.name, expected=expected)
    check, instances = check.reads(facts.instances)
    check, service = check.reads(facts.service)
    config = check.value(facts.config)
    # One of the name alone is another virtual router, but tells best what is wrong.
    named = next((each for each in instances if each.name == subject.cluster.instance), None)
    instance = instance_of(instances, subject.cluster, server) or named
    if instance is None:
        return check.fails(f"keepalived runs without {subject.cluster.instance}; reload it", subject.router(server))
    wrong = differences(instance, subject.cluster, server)
    if wrong:
        return check.fails("keepalived runs with other values: " + "; ".join(wrong), "; ".join(wrong))
    modified, loaded = config.modified_at, service.loaded_at
    # stat gives whole seconds, cut off; a file of the same second as the reload was there before it.
    if modified is not None and (loaded is None or int(modified) > loaded):
        return check.fails("keepalived.conf changed after keepalived last read it; reload it", _times(modified, loaded))
    lowered = instance.state in _RUNNING and instance.effective_priority != instance.base_priority
    if lowered:
        changed = f"{instance.base_priority} to {instance.effective_priority}"
        return check.warns(f"something that keepalived tracks changed the priority from {changed}", changed)
    return check.passes("keepalived runs what is on disk", _times(modified, loaded))


def _times(modified: float | None, loaded: float | None) -> str:
    return f"file of {_clock(modified)}, read {_clock(loaded)}"


def _clock(stamp: float | None) -> str:
    return "never" if stamp is None else datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def differences(instance: Instance, cluster: Cluster, server: Server) -> list[str]:
    """Where a running instance is not what was declared, one text each."""
    pairs: tuple[tuple[str, object, object], ...] = (
        ("virtual_router_id", instance.vrid, cluster.vrid),
        ("interface", instance.interface, server.interface),
        ("priority", instance.base_priority, server.priority),
        ("version", instance.version, cluster.version),
        ("advert_int", round(instance.advert_int, 3), round(cluster.advert_int, 3)),
        ("nopreempt", instance.nopreempt, not cluster.preempt),
        ("use_vmac", instance.vmac_interface or "off", cluster.vmac_interface if cluster.use_vmac else "off"),
        ("VIPs", _listed(instance.vips), _listed(cluster.vips)),
    )
    return [f"{name} {running} instead of {declared}" for name, running, declared in pairs if running != declared]


def _listed(vips: tuple[IpInterface, ...]) -> str:
    """The same text for the same VIPs, whatever their order; addresses of two families can't be compared."""
    return ", ".join(map(str, sorted(vips, key=lambda vip: (vip.version, vip))))
