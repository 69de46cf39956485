"""What the answers of one server mean."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.mask import masked
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import ConfigFile, Firewall, Instance, Package, ServerFacts, Service
from tasks.model.text import readable
from tasks.observe.firewall import parse_firewall
from tasks.observe.iproute2 import parse_interfaces
from tasks.observe.keepalived_files import KEY, declared
from tasks.observe.keepalived_json import parse_instances
from tasks.observe.package import parse_package
from tasks.observe.questions import FIREWALL_FILES, NFTABLES_SNIPPET
from tasks.observe.readings import Garbled, reading, seconds, shortened
from tasks.observe.shell import NOT_ASKED
from tasks.observe.sysctl import parse_arp_announce


def server_facts(host: str, reply: Reply, interfaces: tuple[str, ...] = ()) -> ServerFacts:
    """The answers as types. A host that gave none has every reading Unread, with the reason.

    `interfaces` are those that adverts come in by; firewalld's zones depend on them.
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
        firewall=_firewall(answers, interfaces),
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


_FIREWALL_ANSWERS = (
    "units",
    "iptables",
    "ip6tables",
    "iptables-legacy",
    "ruleset",
    "firewall files",
    "nftables includes",
    "firewalld",
    "ufw",
)


def _firewall(answers: dict[str, Answer], interfaces: tuple[str, ...]) -> Reading[Firewall]:
    """One reading from several answers; what is not installed or not there is an answer too."""
    asked: dict[str, Answer] = {}
    for key in _FIREWALL_ANSWERS:
        answer = answers.get(key)
        if answer is None:
            return Unread(reason="the round trip ended before the firewall was read", source=None)
        unasked = answer.status == NOT_ASKED or _no_program(answer) or _no_table(answer)
        if answer.status != 0 and not unasked and key != "ufw":
            return reading(answer, _never)
        asked[key] = answer
    texts = {key: "" if answer.status else answer.stdout for key, answer in asked.items()}
    # The source shown is that of the tool that rules.
    shown = asked["ruleset"]
    if asked["firewalld"].status == 0:
        shown = asked["firewalld"]
    elif asked["iptables"].stdout.count("\n") > _EMPTY:
        shown = asked["iptables"]
    found = reading(
        asked["units"],
        lambda text: parse_firewall(
            text,
            texts["iptables"],
            texts["ruleset"],
            _files(readable(texts["firewall files"])),
            ip6tables=texts["ip6tables"],
            legacy=texts["iptables-legacy"],
            firewalld=texts["firewalld"] or None,
            ufw_knows=asked["ufw"].status == 0,
            interfaces=interfaces,
            includes=texts["nftables includes"],
        ),
    )
    if isinstance(found, Read):
        found = Read(value=_exact(found.value, texts["firewall files"]), source=found.source)
    return replace(found, source=shown)


def _exact(firewall: Firewall, text: str) -> Firewall:
    """The two texts that are edited and written back, byte for byte; nothing else is."""
    files = _files(text)
    return replace(
        firewall,
        persistent=files[firewall.path] if firewall.persistent is not None else None,
        persistent6=files[firewall.path6] if firewall.persistent6 is not None else None,
    )


_EMPTY = 3
"""Lines that `iptables -S` prints where there is nothing but policies."""


def _files(text: str) -> dict[str, str | None]:
    """Texts by path; `snippet` is our own nftables file."""
    marks = "|".join(map(re.escape, FIREWALL_FILES))
    _, *parts = re.split(rf"\n== ({marks})\n", text)
    found = {path: None if body == "== none\n" else body for path, body in zip(parts[::2], parts[1::2], strict=True)}
    missing = set(FIREWALL_FILES) - set(found)
    if missing:
        raise Garbled(f"{min(missing)} was not read")
    return {**found, "snippet": found[NFTABLES_SNIPPET]}


def _no_program(answer: Answer) -> bool:
    return answer.status in {1, 127} and "command not found" in answer.stderr


def _no_table(answer: Answer) -> bool:
    """The kernel has no such family or table, so nothing filters there; a lack of permission is something else."""
    return "can't initialize" in answer.stderr and "Permission denied" not in answer.stderr


def _never(text: str) -> Firewall:
    raise Garbled(text)
