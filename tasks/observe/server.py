"""What the answers of one server mean."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import ConfigFile, Firewall, Instance, Package, ServerFacts, Service
from tasks.observe.firewall import parse_firewall
from tasks.observe.iproute2 import parse_interfaces
from tasks.observe.keepalived_json import parse_instances
from tasks.observe.readings import Garbled, reading
from tasks.observe.sysctl import parse_arp_announce
from tasks.render.mask import masked


def server_facts(host: str, reply: Reply) -> ServerFacts:
    """The answers as types. A host that gave none has every reading Unread, with the reason."""
    if not isinstance(reply, Answers):
        unread = Unread(reason=reply.reason, source=None)
        return ServerFacts(
            host=host,
            package=unread,
            config=unread,
            service=unread,
            instances=unread,
            later=unread,
            interfaces=unread,
            firewall=unread,
            sysctl_file=unread,
            arp_announce=unread,
        )
    answers = reply.by_key
    return ServerFacts(
        host=host,
        package=reading(answers.get("package"), _package, accept=_package_answered),
        config=_config(answers.get("stat"), answers.get("config")),
        service=_service(answers.get("service"), answers.get("loaded")),
        instances=reading(answers.get("json"), _instances, accept=_instances_answered),
        later=reading(answers.get("later"), _instances, accept=_instances_answered),
        interfaces=reading(answers.get("interfaces"), parse_interfaces),
        firewall=_firewall(answers),
        sysctl_file=_config(answers.get("sysctl stat"), answers.get("sysctl file")),
        arp_announce=reading(answers.get("arp_announce"), parse_arp_announce, accept=_found),
    )


_NOT_RUNNING = 3
"""Exit status of the fragments above when there is no daemon: that is an answer."""


def _instances_answered(answer: Answer) -> bool:
    return answer.status in {0, _NOT_RUNNING}


def _instances(text: str) -> tuple[Instance, ...]:
    """No daemon runs no instance; what a daemon says must be its JSON."""
    return parse_instances(text) if text.strip() else ()


def _package_answered(answer: Answer) -> bool:
    """dpkg-query says with status 1 that it knows no such package: that is an answer."""
    return answer.status == 0 or (answer.status == 1 and "no packages found" in answer.stderr)


def _package(text: str) -> Package:
    version, _, status = text.strip().partition(" ")
    return Package(manager="apt", version=version if status == "installed" else None)


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
    owner, group, mode, modified = text.split()
    return ConfigFile(text=None, owner=owner, group=group, mode=int(mode, 8), modified_at=float(modified))


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


_STAMP = r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? UTC"


def _loaded_at(text: str) -> float | None:
    """The later of start and last reload, both as systemd keeps them; None when the unit never started."""
    if "ExecMainStartTimestamp=" not in text:
        msg = "systemctl show gave no ExecMainStartTimestamp"
        raise Garbled(msg)
    started = re.search(rf"^ExecMainStartTimestamp={_STAMP}", text, re.MULTILINE)
    reloaded = re.search(rf"^ExecReload=.*start_time=\[{_STAMP}\]", text, re.MULTILINE)
    return max((_epoch(found) for found in (started, reloaded) if found), default=None)


def _epoch(found: re.Match[str]) -> float:
    whole = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return whole + float(found[2] or 0)


def _firewall(answers: dict[str, Answer]) -> Reading[Firewall]:
    """One reading from several answers; what is not installed or not there is an answer too."""
    sources = [answers.get(key) for key in ("units", "iptables", "ruleset", "rules.v4", "nftables.conf", "snippet")]
    for source in sources:
        if source is None:
            return Unread(reason="the round trip ended before the firewall was read", source=None)
        if source.status != 0 and not _absent(source) and not _no_program(source):
            return reading(source, _never)
    units, iptables, ruleset, *files = [source for source in sources if source is not None]
    texts: list[str | None] = [None if answer.status else answer.stdout for answer in files]
    by_name = dict(zip(("iptables", "nftables", "snippet"), texts, strict=True))
    # The source shown is that of the tool that rules: both texts when both hold rules.
    shown = iptables if iptables.stdout.count("\n") > 1 else ruleset
    found = reading(
        units,
        lambda text: parse_firewall(
            text, "" if iptables.status else iptables.stdout, "" if ruleset.status else ruleset.stdout, by_name
        ),
    )
    return replace(found, source=shown)


def _no_program(answer: Answer) -> bool:
    return answer.status in {1, 127} and "command not found" in answer.stderr


def _never(text: str) -> Firewall:
    raise Garbled(text)
