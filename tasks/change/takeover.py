"""May this server's keepalived.conf be replaced? Only vipbook's own is, unless the operator says so for the run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tasks.change.losses import Loss, losses
from tasks.change.order.peers import lost_peers
from tasks.judge.instances import family_of
from tasks.model.address import IpAddress
from tasks.model.cluster import Cluster, Desired
from tasks.model.keepalived import Declared, DeclaredInstance, KeepalivedConf
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import Instance, ServerFacts, Service
from tasks.model.text import shortened
from tasks.server.keepalived.conf import read_conf
from tasks.server.keepalived.declared import declared_instances
from tasks.server.questions import CONFIG_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """What would be lost, and why it must not be."""

    losses: tuple[str, ...] = ()
    refusal: str | None = None


def takeover(
    desired: Desired,
    facts: ServerFacts,
    clusters: Sequence[Cluster] = (),
    changing: Collection[IpAddress] = (),
    *,
    allowed: bool,
) -> Takeover | Unread:
    """`allowed` is the operator's word for this run; Unread when it can't be told what would be lost.

    `clusters`: those of this server. `changing`: addresses of all servers of the run, whose keepalived was asked.
    """
    read = facts.declared
    if isinstance(read, Unread):
        return read
    declared = read.value
    coming = read_conf(CONFIG_PATH, {CONFIG_PATH: desired.config}, {})
    elsewhere = _elsewhere(declared)
    if elsewhere is not None:
        found = [loss.text for each in declared.others for loss in losses(each, coming)]
        return Takeover(losses=tuple(found), refusal=elsewhere)
    config = facts.config.value.text if isinstance(facts.config, Read) else None
    stays = config == desired.config or _example(declared, facts.service)
    own = None if stays else declared.config
    if own is not None and own.problems:
        why = "; ".join(own.problems)
        return Unread(reason=f"what of {CONFIG_PATH} would be lost can't be told: {why}", source=read.source)
    lost = losses(own, coming) if own is not None else ()
    running = _running(facts, (coming, declared.config))
    peers = lost_peers(facts, own, coming, clusters, changing)
    foreign = own is not None and _foreign(declared, lost)
    # Where nobody else wrote in it, what says something else now is what the intent changed, and the diff shows it.
    texts = (*(each.text for each in lost if not (each.differs and declared.untouched)), *running, *peers)
    if allowed:
        return Takeover(losses=texts)
    return Takeover(losses=texts, refusal=_refusal(declared, foreign=foreign, running=bool(running), peers=bool(peers)))


def _refusal(declared: Declared, *, foreign: bool, running: bool, peers: bool) -> str | None:
    """Why this may not be lost without the operator's word."""
    # Of a file that is as vipbook left it, what still runs is what vipbook replaced.
    if not (foreign or peers or (running and not declared.untouched)):
        return None
    if peers and not foreign and (declared.untouched or not running):
        said = "routers that this run does not change would not be sent to any more"
        fix = "apply their clusters as well, or make sure that keepalived does not run there and say --take-over"
        return f"{said}: {fix}"
    fix = "what is listed would be lost; replace it with --take-over, or declare it in clusters.yaml (`extra`) first"
    why = "was edited since vipbook wrote it" if declared.marked else "was not written by vipbook"
    said = f"{CONFIG_PATH} {why}" if foreign else f"keepalived runs what {CONFIG_PATH} does not hold (any more)"
    return f"{said}: {fix}"


def _running(facts: ServerFacts, confs: Iterable[KeepalivedConf | None]) -> tuple[str, ...]:
    """Instances of the daemon that are in none of these: it keeps them until it is reloaded, whatever the file says."""
    told = [each for conf in confs if conf is not None for each in declared_instances(conf)]
    found = facts.instances.value if isinstance(facts.instances, Read) else ()
    return tuple(_alive(each) for each in found if not any(_same(one, each) for one in told))


def _same(told: DeclaredInstance, running: Instance) -> bool:
    if told.vrid is None:
        return told.name == running.name
    same = told.vrid == running.vrid and family_of(running) in {told.family, None}
    return same and running.interface in {told.interface, ""}


def _alive(running: Instance) -> str:
    holds = ", ".join(map(str, running.vips)) or "no VIP"
    return shortened(
        f"vrrp_instance {running.name} (VRID {running.vrid}, {running.interface}), which runs, with {holds}"
    )


def _elsewhere(declared: Declared) -> str | None:
    """Is keepalived told something by another way than the file that vipbook writes?"""
    if declared.processes:
        shown = "; ".join(declared.processes)
        return (
            f"keepalived also runs outside keepalived.service ({shown}): stop it, or move what it declares to "
            "clusters.yaml; two daemons would answer for the same addresses"
        )
    if declared.others:
        names = ", ".join(each.path for each in declared.others)
        return (
            f"keepalived.service reads {names} (--use-file) instead of {CONFIG_PATH}, which vipbook writes: take the "
            "option out of /etc/default/keepalived, /etc/sysconfig/keepalived or the unit, and restart keepalived"
        )
    return None


def _example(declared: Declared, service: Reading[Service]) -> bool:
    """The example that a package brings is nobody's, unless keepalived runs with it."""
    return declared.example and isinstance(service, Read) and service.value.active in {"inactive", "failed"}


def _foreign(declared: Declared, lost: tuple[Loss, ...]) -> bool:
    """Does the file hold anything that others put there?"""
    assert declared.config is not None
    if declared.marked:
        return not declared.untouched and any(each.foreign for each in lost)
    return bool(declared.config.statements or declared.config.includes)
