"""What the answers of one server mean."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import ConfigFile, Instance, Package, ServerFacts, Service
from tasks.observe.iproute2 import parse_interfaces
from tasks.observe.keepalived_files import KEY, declared
from tasks.observe.keepalived_json import parse_instances
from tasks.observe.package import parse_package
from tasks.observe.readings import Garbled, reading, seconds, shortened
from tasks.observe.sysctl import parse_arp_announce
from tasks.render.mask import masked
from tasks.server.firewall.read import read_firewall


def server_facts(host: str, reply: Reply, interfaces: tuple[str, ...] = ()) -> ServerFacts:
    """The answers as types. A host that gave none has every reading Unread, with the reason.

    `interfaces` are those that adverts come in by; what a firewall lets in may depend on them.
    """
    if not isinstance(reply, Answers):
        unread = Unread(reason=reply.reason, source=None)
        return ServerFacts(
            host=host,
            package=unread,
            config=unread,
            service=unread,
            instances=unread,
            later=unread,
            between_s=unread,
            interfaces=unread,
            firewall=unread,
            sysctl_file=unread,
            arp_announce=unread,
            declared=unread,
        )
    answers = reply.by_key
    return ServerFacts(
        host=host,
        package=_package(answers.get("system"), answers.get("package")),
        config=_config(answers.get("stat"), answers.get("config")),
        service=_service(answers.get("service"), answers.get("loaded")),
        instances=reading(answers.get("json"), _instances, accept=_instances_answered),
        later=reading(answers.get("later"), _instances, accept=_instances_answered),
        between_s=reading(answers.get("looks"), _between),
        interfaces=reading(answers.get("interfaces"), parse_interfaces),
        firewall=read_firewall(answers, interfaces),
        sysctl_file=_config(answers.get("sysctl stat"), answers.get("sysctl file")),
        arp_announce=reading(answers.get("arp_announce"), parse_arp_announce, accept=_found),
        declared=declared(answers.get(KEY)),
    )


_NOT_RUNNING = 3
"""Exit status of the fragments above when there is no daemon: that is an answer."""


def _instances_answered(answer: Answer) -> bool:
    return answer.status in {0, _NOT_RUNNING}


def _instances(text: str) -> tuple[Instance, ...]:
    """No daemon runs no instance; what a daemon says must be its JSON."""
    return parse_instances(text) if text.strip() else ()


def _package(system: Answer | None, version: Answer | None) -> Reading[Package]:
    """One reading from two answers; the source is the one that tells the version."""
    if system is None or system.status != 0:
        return reading(system, parse_package)
    return reading(version, lambda text: parse_package(system.stdout + text))


def _between(text: str) -> float:
    """Seconds between two times; 0 when there was no first look, because keepalived did not run."""
    words = text.split(maxsplit=3)
    if len(words) < 2:  # noqa: PLR2004 - two times
        return 0.0
    first, later, *_ = map(seconds, words)
    return later - first


def _found(answer: Answer) -> bool:
    """grep says with status 2 that an interface went while it looked: the others are an answer."""
    return answer.status == 0 or (answer.status == 2 and "No such file" in answer.stderr)  # noqa: PLR2004 - grep(1)


def _absent(answer: Answer) -> bool:
    return answer.status == 1 and "No such file" in answer.stderr


def _config(stat: Answer | None, text: Answer | None) -> Reading[ConfigFile]:
    if stat is not None and text is not None and _absent(stat) and _absent(text):
        nothing = ConfigFile(text=None, owner=None, group=None, mode=None, modified_at=None)
        return Read(value=nothing, source=text)
    shown = replace(text, stdout=masked(text.stdout)) if text is not None else None
    facts = reading(stat, _stat)
    content = reading(text, str)
    if isinstance(facts, Unread) or isinstance(content, Unread):
        first = facts if isinstance(facts, Unread) else content
        return Unread(reason=first.reason if isinstance(first, Unread) else "", source=shown)
    return Read(value=replace(facts.value, text=content.value), source=shown or content.source)


def _stat(text: str) -> ConfigFile:
    owner, group, mode, modified = text.split(maxsplit=3)
    if not _MODE.match(mode):
        raise Garbled(f"not the mode of a file: {shortened(mode)!r}")
    return ConfigFile(text=None, owner=owner, group=group, mode=int(mode, 8), modified_at=seconds(modified.strip()))


def _service(states: Answer | None, loaded: Answer | None) -> Reading[Service]:
    times = reading(loaded, _loaded_at)
    if isinstance(times, Unread):
        return times
    return reading(states, lambda text: _unit(text, times.value))


def _unit(text: str, loaded_at: float | None) -> Service:
    fields = dict(line.partition("=")[::2] for line in text.splitlines())
    return Service(
        active=fields["ActiveState"],
        enabled=fields["UnitFileState"] or fields["LoadState"],
        main_pid=int(fields["MainPID"]),
        loaded_at=loaded_at,
    )


_MODE = re.compile(r"[0-7]{1,6}\Z")
_STAMP = r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? UTC"


def _loaded_at(text: str) -> float | None:
    """The later of start and last reload, both as systemd keeps them; None when the unit never started.

    systemd forgets when it ran ExecReload as soon as anybody lets it read its units again (a package that is upgraded
    does), but not when the unit's state last changed: the end of a reload, or of the start.
    """
    if "ExecMainStartTimestamp=" not in text:
        msg = "systemctl show gave no ExecMainStartTimestamp"
        raise Garbled(msg)
    started = re.search(rf"^ExecMainStartTimestamp={_STAMP}", text, re.MULTILINE)
    reloaded = re.search(rf"^ExecReload=.*start_time=\[{_STAMP}\]", text, re.MULTILINE)
    if started and not reloaded:
        reloaded = re.search(rf"^StateChangeTimestamp={_STAMP}", text, re.MULTILINE)
    return max((_epoch(found) for found in (started, reloaded) if found), default=None)


def _epoch(found: re.Match[str]) -> float:
    whole = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return whole + float(found[2] or 0)
