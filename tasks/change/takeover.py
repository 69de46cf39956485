"""May this server's keepalived.conf be replaced? Only vipbook's own is, unless the operator says so for the run."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.change.losses import Loss, losses
from tasks.model.cluster import Desired
from tasks.model.keepalived import Declared
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import ServerFacts, Service
from tasks.observe.keepalived_conf import read_conf
from tasks.observe.questions import CONFIG_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """What would be lost, and why it must not be."""

    losses: tuple[str, ...] = ()
    refusal: str | None = None


def takeover(desired: Desired, facts: ServerFacts, *, allowed: bool) -> Takeover | Unread:
    """`allowed` is the operator's word for this run; Unread when it can't be told what would be lost."""
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
    if declared.config is None or config == desired.config or _example(declared, facts.service):
        return Takeover()
    if declared.config.problems:
        why = "; ".join(declared.config.problems)
        return Unread(reason=f"what of {CONFIG_PATH} would be lost can't be told: {why}", source=read.source)
    lost = losses(declared.config, coming)
    texts = tuple(each.text for each in lost)
    if allowed or not _foreign(declared, lost):
        return Takeover(losses=texts)
    fix = "what is listed would be lost; replace it with --take-over, or declare it in clusters.yaml (`extra`) first"
    why = "was edited since vipbook wrote it" if declared.marked else "was not written by vipbook"
    return Takeover(losses=texts, refusal=f"{CONFIG_PATH} {why}: {fix}")


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
