"""From what is and what should be to the steps between: pure, and the same in a dry run."""

from __future__ import annotations

from collections.abc import Collection

from tasks.change.files import beside, diff_of, lines, put_back, replace_by_new, sudo, write_new
from tasks.change.package import plan_package
from tasks.change.sysctl import notes_on_sysctl, plan_sysctl
from tasks.change.takeover import Takeover, takeover
from tasks.change.undo import NO_ROLLBACK, ROLLBACK
from tasks.change.versions import dies_of_users, unknown_options, with_roots_programs
from tasks.judge.checks.server import SAFE_MODES, access_of, differences
from tasks.judge.instances import instance_of
from tasks.model.address import IpAddress
from tasks.model.answer import Command
from tasks.model.cluster import Cluster, Desired
from tasks.model.plan import ServerPlan, Step
from tasks.model.reading import Read, Unread
from tasks.model.server import ConfigFile, Instance, Package, ServerFacts, Service
from tasks.render.keepalived import dynamic_interfaces
from tasks.server.firewall.plan import notes_on, plan_firewall, refusal_of
from tasks.server.questions import CONFIG_PATH

UNIT = "keepalived.service"


def plan_server(  # noqa: PLR0913 - each is known to the caller alone
    desired: Desired,
    facts: ServerFacts,
    clusters: tuple[Cluster, ...],
    *,
    take_over: bool = False,
    parked: Service | None = None,
    changing: Collection[IpAddress] = (),
) -> ServerPlan | Unread:
    """The plan for one server; Unread when what it depends on could not be read.

    `take_over`: the operator gives up what others configured there. `parked`: the service as it was before keepalived
    was stopped for the time of this run. `changing`: addresses of all servers of the run.
    """
    for read in (facts.package, facts.config, facts.service, facts.firewall, facts.sysctl_file, facts.arp_announce):
        if isinstance(read, Unread):
            return read
    assert isinstance(facts.package, Read)
    assert isinstance(facts.config, Read)
    assert isinstance(facts.service, Read)
    assert isinstance(facts.firewall, Read)
    assert isinstance(facts.sysctl_file, Read)
    assert isinstance(facts.arp_announce, Read)
    firewall = facts.firewall.value
    foreign = takeover(desired, facts, clusters, changing, allowed=take_over)
    if isinstance(foreign, Unread):
        return foreign
    refusal = (
        refusal_of(firewall, clusters, desired.openings)
        or _refusal(facts.package.value, clusters)
        or _untracked(facts, clusters)
    )
    if refusal is not None:
        return ServerPlan(host=desired.host, refusal=refusal, losses=foreign.losses)
    return _planned(desired, facts, clusters, foreign, parked)


def _planned(
    desired: Desired, facts: ServerFacts, clusters: tuple[Cluster, ...], foreign: Takeover, parked: Service | None
) -> ServerPlan:
    """The steps, also where they must not be taken: they show what would be replaced by what."""
    assert isinstance(facts.package, Read)
    assert isinstance(facts.config, Read)
    assert isinstance(facts.service, Read)
    assert isinstance(facts.firewall, Read)
    assert isinstance(facts.sysctl_file, Read)
    assert isinstance(facts.arp_announce, Read)
    firewall = facts.firewall.value
    config = _config(desired, facts, clusters, parked)
    instances = facts.instances.value if isinstance(facts.instances, Read) else ()
    stale = config == () and _stale(desired, facts.config.value, facts.service.value, instances, clusters)
    sysctl = plan_sysctl(desired.vmac_bases, facts.sysctl_file.value, facts.arp_announce.value)
    return ServerPlan(
        host=desired.host,
        packages=plan_package(facts.package.value),
        manager=facts.package.value.manager,
        steps=(
            *plan_firewall(firewall, desired.openings),
            # Before the first packet of a virtual MAC, and not taken back before the last.
            *(sysctl if desired.vmac_bases else ()),
            *config,
            *_service(facts.service.value, parked, reload=stale or any(step.topic == "config" for step in config)),
            *(() if desired.vmac_bases else sysctl),
        ),
        notes=(*notes_on(firewall, desired.openings), *notes_on_sysctl(desired.vmac_bases, facts.sysctl_file.value)),
        refusal=foreign.refusal,
        losses=foreign.losses,
    )


def _refusal(package: Package, clusters: tuple[Cluster, ...]) -> str | None:
    """Why this server can't have what is declared: an unknown system, or a keepalived that is too old for it."""
    if package.manager is None:
        system = package.system or "a system without a name in /etc/os-release"
        return f"{system}: neither apt on Debian or Ubuntu, nor dnf or yum on an Enterprise Linux or Fedora"
    version = package.version or package.candidate
    unknown = unknown_options(version, clusters) if version is not None else []
    return "; ".join(unknown) or None


def _untracked(facts: ServerFacts, clusters: tuple[Cluster, ...]) -> str | None:
    """A tracked interface that is not there would hold the server in FAULT."""
    if isinstance(facts.interfaces, Unread):
        return None
    there = {each.name for each in facts.interfaces.value}
    for cluster in clusters:
        for name in cluster.track.interfaces:
            if name not in there:
                accepted = ", ".join(sorted(there - {"lo"}))
                return f"{cluster.name} tracks {name}, which is not on {facts.host}; there are {accepted}"
    return None


def _config(
    desired: Desired, facts: ServerFacts, clusters: tuple[Cluster, ...], parked: Service | None
) -> tuple[Step, ...]:
    assert isinstance(facts.package, Read)
    assert isinstance(facts.config, Read)
    assert isinstance(facts.service, Read)
    file, service, version = facts.config.value, facts.service.value, facts.package.value.version
    reload_after = _reload_after(service, parked)
    if file.text != desired.config:
        return (
            Step(
                topic="config",
                summary=f"{CONFIG_PATH}: " + ("write" if file.text is None else "replace"),
                diff=diff_of(CONFIG_PATH, file.text, desired.config),
                commands=(
                    *_interfaces_there(desired.host, clusters),
                    *write_new(CONFIG_PATH, desired.config),
                    *_validated(desired, clusters, version),
                    replace_by_new(CONFIG_PATH),
                ),
                keeps=(CONFIG_PATH,),
                undo=(f"rm -f {beside(_TRIAL)}", put_back(CONFIG_PATH), *reload_after),
            ),
        )
    if (file.owner, file.group) != ("root", "root") or file.mode not in SAFE_MODES:
        return (
            Step(
                topic="access",
                summary=f"{CONFIG_PATH}: only root may read it",
                diff=f"-{access_of(file)}\n+root:root 0640",
                commands=(
                    sudo("chown config", "chown", "root:root", CONFIG_PATH),
                    sudo("chmod config", "chmod", "0640", CONFIG_PATH),
                ),
                keeps=(CONFIG_PATH,),
                undo=(put_back(CONFIG_PATH),),
            ),
        )
    return ()


def _reload_after(service: Service, parked: Service | None) -> tuple[str, ...]:
    """What makes keepalived run the file that was put back."""
    if parked is not None and parked.active == "active":
        # The undo leaves it stopped: it would not hear the master, which is changed already. A rollback goes back on
        # all servers, and starts it.
        return (f"{NO_ROLLBACK} || systemctl reload-or-restart {UNIT}",)
    # Started where it does not run: after a boot it may have refused the file that is taken back.
    return lines(("systemctl", "reload-or-restart", UNIT)) if service.active == "active" else ()


_TRIAL = f"{CONFIG_PATH}.trial"


def _validated(desired: Desired, clusters: tuple[Cluster, ...], version: str | None) -> list[Command]:
    """keepalived's own verdict on the file; where its test has a fault, on one that differs in that alone."""
    if not dies_of_users(version, clusters):
        return [sudo("validate config", "keepalived", "--config-test", f"--use-file={beside(CONFIG_PATH)}")]
    users = dict.fromkeys(each.track.script_user for each in clusters if each.programs)
    return [
        *(Command(key=f"user {name}", argv=("id", "-u", name)) for name in users),
        *write_new(_TRIAL, with_roots_programs(desired.config, clusters)),
        sudo("validate config", "keepalived", "--config-test", f"--use-file={beside(_TRIAL)}"),
        sudo("remove trial", "rm", "-f", beside(_TRIAL)),
    ]


def _interfaces_there(host: str, clusters: tuple[Cluster, ...]) -> list[Command]:
    """keepalived itself refuses an interface that is not there, but not with `dynamic_interfaces`."""
    if not any(dynamic_interfaces(cluster) for cluster in clusters):
        return []
    names = dict.fromkeys(cluster.server(host).interface for cluster in clusters)
    return [Command(key=f"interface {name}", argv=("ip", "link", "show", "dev", name)) for name in names]


def _stale(
    desired: Desired,
    file: ConfigFile,
    service: Service,
    instances: tuple[Instance, ...],
    clusters: tuple[Cluster, ...],
) -> bool:
    """Does keepalived run something else than the file that stands there?"""
    if service.active != "active":
        return False
    if file.modified_at is not None and (service.loaded_at is None or int(file.modified_at) > service.loaded_at):
        return True
    for cluster in clusters:
        server = cluster.server(desired.host)
        running = instance_of(instances, cluster, server)
        if running is None or running.name != cluster.instance or differences(running, cluster, server):
            return True
    return False


def _service(service: Service, parked: Service | None, *, reload: bool) -> tuple[Step, ...]:
    commands: list[Command] = []
    words: list[str] = []
    undo: list[tuple[str, ...]] = []
    if service.enabled != "enabled":
        commands.append(sudo("enable", "systemctl", "enable", UNIT))
        words.append("enable")
        undo.append(("systemctl", "disable", UNIT))
    if service.active != "active":
        commands.append(sudo("start", "systemctl", "start", UNIT))
        words.append("start")
        undo.insert(0, ("systemctl", "stop", UNIT))
    elif reload:
        # Enough for everything, use_vmac too: the instance restarts, makes or removes its macvlan, and a master lets
        # the other server take over before it comes back. A restart would do that to every instance of the daemon.
        commands.append(sudo("reload", "systemctl", "reload", UNIT))
        words.append("reload")
    if not commands:
        return ()
    return (
        Step(
            topic="service",
            summary=f"{UNIT}: " + " and ".join(words),
            diff=f"-{service.active}, {service.enabled}\n+active, enabled" if words != ["reload"] else "",
            commands=tuple(commands),
            undo=lines(*undo) if parked is None else _undo_parked(lines(*undo), parked),
        ),
    )


def _undo_parked(undo: tuple[str, ...], before: Service) -> tuple[str, ...]:
    """As it is while it is parked; but as it was before that for a rollback, which goes back on all servers."""
    as_before = [f"systemctl enable {UNIT}"] if before.enabled == "enabled" else [f"systemctl disable {UNIT}"]
    return (*(f"{ROLLBACK} || {line}" for line in undo), *(f"{NO_ROLLBACK} || {line}" for line in as_before))
