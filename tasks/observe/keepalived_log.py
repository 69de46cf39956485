"""keepalived's own account of its transitions, from the journal; log lines of keepalived 1.3 to 2.3."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tasks.observe.readings import Garbled, shortened

_MICROSECONDS = 1_000_000
_BYTE = range(256)
_PREFIX = r"^(?:\w{3} \w{3} +[0-9]+ [0-9:]+ [0-9]{4}: )?"
"""`-l` and the console add the time, the journal does not."""
_OF_INSTANCE = re.compile(_PREFIX + r"(?:VRRP_Instance)?\((?P<instance>[^)]+)\):? +(?P<event>.+)$")
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


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _transition(entry: dict[str, Any]) -> Transition | None:
    message = _message(entry.get("MESSAGE"))
    found = _OF_INSTANCE.match(message) or _OF_GROUP.match(message)
    if found is None or _CONFIG_PLACE.match(found["instance"]):
        return None
    event = next((name for pattern, name in _EVENTS if pattern.match(found["event"])), "other")
    return Transition(at=_time(entry), instance=found["instance"], event=event, text=message[found.start("event") :])


def _message(value: object) -> str:
    """Take the text: a message that is not clean UTF-8 comes as its byte values, one that is too long as null."""
    if isinstance(value, list) and all(isinstance(item, int) and item in _BYTE for item in value):
        return bytes(value).decode(errors="replace")
    return value.strip() if isinstance(value, str) else ""


def _time(entry: dict[str, Any]) -> float:
    stamp = entry.get("__REALTIME_TIMESTAMP")
    if not isinstance(stamp, str) or not re.fullmatch(r"[0-9]{1,18}", stamp):
        raise Garbled(f"journal entry without a time: {shortened(repr(stamp))}")
    return int(stamp) / _MICROSECONDS
