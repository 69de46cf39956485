"""What zebra tells of duplicate address detection: how it is set, and what it holds against one MAC or address."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal

from tasks.fabric.frr.answer import frr_object, refuse_message
from tasks.fabric.frr.show import Show
from tasks.model.leaf import DuplicateDetection, MoveCount
from tasks.observe.json_text import flag, optional_whole, whole
from tasks.observe.readings import Garbled, shortened

_WORDS = re.compile(r"^L2 VNIs: ", re.MULTILINE)
_ENABLED = re.compile(r"^Duplicate address detection: (?P<word>\w+)", re.MULTILINE)
_LIMITS = re.compile(r"^ *Detection max-moves (?P<moves>[0-9]{1,9}), time (?P<time>[0-9]{1,9})", re.MULTILINE)
_FREEZE = re.compile(r"^ *Detection freeze (?P<time>permanent|[0-9]{1,9})\b", re.MULTILINE)

_UNKNOWN_ENTRY = re.compile(r"^% Requested (?:MAC|neighbor) does not exist\b", re.MULTILINE)
_ENTRY = re.compile(r"^(?:MAC|IP): \S+$", re.MULTILINE)
_CTIME = (
    r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) +(?P<day>[0-9]{1,2})"
    r" (?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2}) (?P<year>[0-9]{4})"
)
_DUPLICATE = re.compile(r"^ *Duplicate, detected at ", re.MULTILINE)
_COUNTING = re.compile(
    rf"^ *Duplicate detection started at {_CTIME}\s*, detection count (?P<count>[0-9]{{1,9}})", re.MULTILINE
)
"""FRR takes the time from ctime(3) with its newline, so that the count stands on a line of its own."""
_COUNTING_BEGINS = re.compile(r"^ *Duplicate detection started", re.MULTILINE)
_CLOCK = re.compile(rf"\s*{_CTIME}\s*\Z")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Freeze = Literal["no", "permanent"] | int | None


def parse_detection(text: str, words: str = "") -> DuplicateDetection:
    """`show evpn json`, and in `words` what `show evpn` says without `json`, empty where that was not to be had.

    The words decide where JSON has 0 for the freeze, because up to FRR 8.5 they alone know a permanent one. An FRR
    whose words name no duplicate detection at all is older than that (7.0) and has none.
    """
    facts = frr_object(text)
    if "numVnis" not in facts and "isDuplicateAddrDetection" not in facts:
        raise Garbled("not the settings of EVPN, or EVPN is off")
    told = _ENABLED.search(words)
    if "isDuplicateAddrDetection" in facts:
        return DuplicateDetection(
            enabled=flag(facts, "isDuplicateAddrDetection"),
            max_moves=whole(facts, "maxMoves"),
            window_s=whole(facts, "detectionTime"),
            freeze=_freeze(facts, words if told else None),
        )
    if told is None and _WORDS.search(words) is None:
        raise Garbled("'isDuplicateAddrDetection' is missing")
    return _from_words(told["word"], words) if told else _NONE


_NONE = DuplicateDetection(enabled=False, max_moves=0, window_s=0, freeze="no")


def _from_words(enabled: str, words: str) -> DuplicateDetection:
    limits = _LIMITS.search(words)
    if limits is None or enabled not in {"Enable", "Disable"}:
        raise Garbled("the text of `show evpn` does not tell how moves are counted")
    return DuplicateDetection(
        enabled=enabled == "Enable",
        max_moves=int(limits["moves"]),
        window_s=int(limits["time"]),
        freeze=_freeze_in(words),
    )


def _freeze(facts: dict[str, Any], words: str | None) -> Freeze:
    """Take the time when there is one; for 0 ask what only FRR 9.0 and newer print, and then the words."""
    seconds = optional_whole(facts, "detectionFreezeTime")
    if seconds:
        return seconds
    if "isDetectionFreeze" in facts:
        return "permanent" if flag(facts, "isDetectionFreeze") else "no"
    return None if words is None else _freeze_in(words)


def _freeze_in(words: str) -> Freeze:
    found = _FREEZE.search(words)
    if found is None:
        return "no"
    return "permanent" if found["time"] == "permanent" else int(found["time"])


def parse_move_count(text: str) -> MoveCount:
    """`show evpn arp-cache vni N ip A` or `show evpn mac vni N mac M`, without `json`.

    An entry that the leaf does not know has no moves. FRR names the count only while its window is open, and no count
    once it has flagged the entry as a duplicate: `moves` is 0 then. `now` is not in this text.
    """
    if _UNKNOWN_ENTRY.search(text):
        return MoveCount(moves=0, duplicate=False, began_at=None, now=None)
    refuse_message(text)
    if len(_ENTRY.findall(text)) != 1:
        raise Garbled(f"not one entry of EVPN: {shortened(text.strip())!r}")
    counting = _COUNTING.search(text)
    if counting is None and _COUNTING_BEGINS.search(text):
        raise Garbled("the line about duplicate detection is not understood")
    return MoveCount(
        moves=int(counting["count"]) if counting else 0,
        duplicate=_DUPLICATE.search(text) is not None,
        began_at=_seconds(counting) if counting else None,
        now=None,
    )


def parse_clock(text: str) -> float:
    """`date '+%a %b %e %H:%M:%S %Y'`: the local time without its zone, as seconds since the epoch were it UTC."""
    found = _CLOCK.match(text)
    if found is None:
        raise Garbled(f"not a time as ctime(3) prints it: {shortened(text.strip())!r}")
    return _seconds(found)


# Up to FRR 8.5 JSON has 0 both for "warn only" and for "freeze permanent": the text alone tells them apart.
DETECTION = Show("detection", "show evpn json", parse_detection, also=(Show("detection text", "show evpn", str),))
# Only the text of a single entry tells when counting began; the count in JSON stays when its window is long over.
MOVES_OF_ADDRESS = Show("moves {vip}", "show evpn arp-cache vni {vni} ip {vip}", parse_move_count)
MOVES_OF_MAC = Show("moves {vip}", "show evpn mac vni {vni} mac {mac}", parse_move_count)


def _seconds(found: re.Match[str]) -> float:
    hour, minute, second = (int(part) for part in found["time"].split(":"))
    try:
        month = _MONTHS.index(found["month"]) + 1
        return datetime(int(found["year"]), month, int(found["day"]), hour, minute, second, tzinfo=UTC).timestamp()
    except (ValueError, OverflowError) as error:
        raise Garbled(f"no such time: {found.group().strip()!r}") from error
