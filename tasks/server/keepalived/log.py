"""keepalived's own account of its transitions, from the journal or a log file; lines of keepalived 1.3 to 2.3."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.model.answer import Command
from tasks.model.bounds import TIME_MOST
from tasks.model.text import readable
from tasks.observe.question import Question
from tasks.observe.readings import Garbled, sample, shortened
from tasks.observe.shell import shell

_MICROSECONDS = 1_000_000
_BYTE = range(256)
_PREFIX = r"^(?:\w{3} \w{3} +[0-9]+ [0-9:]+ [0-9]{4}: )?"
"""`-l` and the console add the time, the journal does not."""
_OF_INSTANCE = re.compile(_PREFIX + r"(?:VRRP_Instance)?\((?P<instance>[^)]+)\):? +(?P<event>\S.*)$")
_OF_GROUP = re.compile(_PREFIX + r"VRRP_Group\([^)]*\):? +(?P<event>Syncing (?!instances )(?P<instance>\S+) to .+)$")
_CONFIG_PLACE = re.compile(r"(?:.*: )?Line [0-9]+\Z")
"""Complaints on the configuration begin `(Line 12)` or `(/etc/keepalived/keepalived.conf: Line 12)`."""
_EVENTS = (
    (re.compile(r"[Ee]ntering MASTER (?:STATE|state)"), "master"),
    (re.compile(r"(?:[Ee]ntering|Now in) BACKUP (?:STATE|state)"), "backup"),
    (re.compile(r"(?:[Ee]ntering|Now in|Syncing \S+ to) FAULT (?:STATE|state)"), "fault"),
    (re.compile(r"Receive advertisement timeout"), "advert timeout"),
    (re.compile(r"(?:Master )?[Rr]eceived (?:advert .*)?\bhigher prio(?:rity)?\b"), "higher advert"),
    (re.compile(r"(?:sent|sending) 0 priority|(?:\w+ )?[Rr]eceived priority 0\b"), "priority-zero"),
    (re.compile(r"setting (?:protocol )?(?:Virtual IPs|VIPs)"), "vips set"),
    (re.compile(r"removing (?:protocol )?(?:Virtual IPs|VIPs)"), "vips removed"),
    (re.compile(r"Sending(?:/queueing)? gratuitous ARPs?\b"), "garp"),
)


# `Nov 22 08:10:04 srv1 Keepalived_vrrp[123]: …`, or rsyslog's `2026-11-22T08:10:04.123456+01:00 …` and syslog-ng's.
_LINE = re.compile(
    r"^(?:(?P<iso>[0-9]{4}-[0-9T:.-]+(?:Z|[+-][0-9]{2}:?[0-9]{2}))|(?P<old>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8})) \S+ "
    r"Keepalived\w*\[[0-9]+\]: (?P<message>.*)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One line about an instance. `at` is seconds since the epoch on the host.

    `event` is `master`, `backup`, `fault`, `advert timeout`, `higher advert`, `priority-zero`, `vips set`,
    `vips removed`, `garp` or `other`. `Transition to MASTER STATE` of 1.3 is `other`: the VIPs come one advert
    interval later, with `Entering MASTER STATE`.
    """

    at: float
    instance: str
    event: str
    text: str


def parse_transitions(text: str) -> tuple[Transition, ...]:
    """`journalctl -u keepalived -o json`: the lines about an instance, in the journal's order.

    No text is an empty journal. Remarks of journalctl (`-- No entries --`) and lines cut short are passed over,
    but a text without a single entry is Garbled.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("-- ")]
    entries = [entry for line in lines if (entry := _entry(line)) is not None]
    if lines and not entries:
        raise Garbled(f"no journal entry; begins with {shortened(lines[0])!r}")
    return tuple(found for entry in entries if (found := _transition(entry)) is not None)


def parse_syslog(text: str) -> tuple[Transition, ...]:
    """Lines of a log file behind a line with the host's year and zone, as `2026 +0100`.

    The traditional stamp has neither.
    """
    head, *lines = text.splitlines() or [""]
    try:
        here = datetime.strptime(head, "%Y %z")
    except ValueError:
        raise Garbled(f"no year and zone: {shortened(head)!r}") from None
    found = []
    for line in lines:
        matched = _LINE.match(line)
        if matched is None:
            continue
        at = _stamp(matched, here)
        if at is not None and (each := _of_message(matched["message"].strip(), at)) is not None:
            found.append(each)
    return tuple(found)


def _stamp(matched: re.Match[str], here: datetime) -> float | None:
    try:
        if matched["iso"]:
            return datetime.fromisoformat(matched["iso"]).timestamp()
        at = datetime.strptime(f"{here.year} {matched['old']}", "%Y %b %d %H:%M:%S").replace(tzinfo=here.tzinfo)
    except ValueError:
        return None
    return at.timestamp()


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _transition(entry: dict[str, Any]) -> Transition | None:
    message = _message(entry.get("MESSAGE"))
    return _of_message(message, None, entry)


def _of_message(message: str, at: float | None, entry: dict[str, Any] | None = None) -> Transition | None:
    found = _OF_INSTANCE.match(message) or _OF_GROUP.match(message)
    if found is None or _CONFIG_PLACE.match(found["instance"]):
        return None
    event = next((name for pattern, name in _EVENTS if pattern.match(found["event"])), "other")
    stamp = _time(entry or {}) if at is None else at
    return Transition(at=stamp, instance=found["instance"], event=event, text=message[found.start("event") :])


def _message(value: object) -> str:
    """Take the text: a message that is not clean UTF-8 comes as its byte values, one that is too long as null."""
    if isinstance(value, list) and all(isinstance(item, int) and item in _BYTE for item in value):
        return bytes(value).decode(errors="replace")
    return readable(value).strip() if isinstance(value, str) else ""


def _time(entry: dict[str, Any]) -> float:
    stamp = entry.get("__REALTIME_TIMESTAMP")
    if not isinstance(stamp, str) or not re.fullmatch(r"[0-9]{1,18}", stamp):
        raise Garbled(f"journal entry without a time: {sample(stamp)}")
    at = int(stamp) / _MICROSECONDS
    if at > TIME_MOST:
        raise Garbled(f"journal entry of a time behind the year 9999: {stamp}")
    return at


def journal(since: float) -> Question[tuple[Transition, ...]]:
    """All since then (seconds since the epoch)."""
    argv = ("journalctl", "--no-pager", "-u", "keepalived.service", "-o", "json", "--since", f"@{since - 1:.0f}")
    fragment = shell("journal", ARGV=shlex.join(argv))
    return Question(Command(key="journal", argv=argv, sudo=True, fragment=fragment), parse_transitions)


SYSLOG = Question(
    Command(key="syslog", argv=("grep", "Keepalived", "/var/log/messages"), sudo=True, fragment=shell("syslog")),
    parse_syslog,
)
"""Log files, where the journal before it is empty."""
