"""Duplicate address detection: how it is set, and what it holds against an entry. FRR 8.4.4, recorded, and others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.fabric.frr.detection import parse_clock, parse_detection, parse_move_count
from tasks.model.leaf import DuplicateDetection, MoveCount
from tasks.observe.readings import Garbled

SAMPLES = Path(__file__).parents[2] / "data" / "observe"
FROZEN = SAMPLES / "captures" / "vmac_frozen" / "05_many_moves"
ENTRY = "show_evpn_mac_vni_10_mac_00_00_5e_00_01_33.txt"
COUNTING = (FROZEN / "L1" / ENTRY).read_text()
DUPLICATE = (FROZEN / "L2" / ENTRY).read_text()
SETTINGS = (SAMPLES / "frr" / "evpn.json").read_text()
WORDS = (SAMPLES / "frr" / "evpn.txt").read_text()
FROZEN_WORDS = (SAMPLES / "frr" / "evpn_frozen.txt").read_text()
BEGAN = datetime(2026, 11, 22, 8, 58, 1, tzinfo=UTC).timestamp()


def detection(freeze: Any, **changed: Any) -> DuplicateDetection:  # noqa: ANN401
    fields = {"enabled": True, "max_moves": 5, "window_s": 180, "freeze": freeze}
    return DuplicateDetection(**(fields | changed))


def settings(**changed: Any) -> str:  # noqa: ANN401
    """What FRR 8.4 prints, changed; None takes a key away."""
    return json.dumps({key: value for key, value in (json.loads(SETTINGS) | changed).items() if value is not None})


WITHOUT = settings(isDuplicateAddrDetection=None, maxMoves=None, detectionTime=None, detectionFreezeTime=None)
OLD_WORDS = "L2 VNIs: 1\nL3 VNIs: 1\nAdvertise gateway mac-ip: No\n"


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (SETTINGS, WORDS, detection("no")),
        (SETTINGS, FROZEN_WORDS, detection("permanent")),
        # The same 0 without its words means the one or the other.
        (SETTINGS, "", detection(None)),
        (SETTINGS, "% Unknown command: show evpn\n", detection(None)),
        (settings(detectionFreezeTime=600), "", detection(600)),
        (settings(detectionFreezeTime="600"), WORDS, detection(600)),
        (settings(detectionFreezeTime=None), WORDS, detection("no")),
        (settings(isDetectionFreeze=True), "", detection("permanent")),  # FRR 9.0 and later
        (settings(isDetectionFreeze=False), "", detection("no")),
        (settings(isDetectionFreeze=True, detectionFreezeTime=600), "", detection(600)),
        (settings(isDuplicateAddrDetection=False), WORDS, detection("no", enabled=False)),
        (settings(maxMoves="20", detectionTime=30, newKey=[]), WORDS, detection("no", max_moves=20, window_s=30)),
        # A release that tells it in words only.
        (WITHOUT, WORDS, detection("no")),
        (WITHOUT, WORDS.replace("Enable", "Disable"), detection("no", enabled=False)),
        (WITHOUT, FROZEN_WORDS.replace("permanent", "600"), detection(600)),
        # Older than duplicate detection itself.
        (WITHOUT, OLD_WORDS, detection("no", enabled=False, max_moves=0, window_s=0)),
    ],
)
def test_detection(text: str, words: str, expected: DuplicateDetection) -> None:
    assert parse_detection(text, words) == expected


@pytest.mark.parametrize(
    ("text", "words", "reason"),
    [
        ("", WORDS, "nothing was printed"),
        ("{}", WORDS, "EVPN is off"),
        ("zebra is not running\n", WORDS, "zebra is not running"),
        ("% Unknown command: show evpn json\n", WORDS, "Unknown command"),
        (WORDS, WORDS, "not JSON"),
        (SETTINGS[:200], WORDS, "not JSON"),
        (SETTINGS + SETTINGS, WORDS, "2 objects"),
        ('{"numMacs":0}', WORDS, "not the settings of EVPN"),
        (WITHOUT, "", "'isDuplicateAddrDetection' is missing"),
        (WITHOUT, "zebra is not running\n", "'isDuplicateAddrDetection' is missing"),
        (WITHOUT, WORDS.replace("max-moves 5", "max-moves many"), "how moves are counted"),
        (WITHOUT, WORDS.replace("Enable", "Perhaps"), "how moves are counted"),
        (settings(maxMoves=None), WORDS, "'maxMoves' is missing"),
        (settings(maxMoves=[5]), WORDS, "'maxMoves' is not a number"),
        (settings(detectionTime=None), WORDS, "'detectionTime' is missing"),
        (settings(detectionFreezeTime="forever"), WORDS, "'detectionFreezeTime'"),
        (settings(isDuplicateAddrDetection="yes"), WORDS, "'isDuplicateAddrDetection' is not a boolean"),
        (settings(isDetectionFreeze={}), WORDS, "'isDetectionFreeze' is not a boolean"),
    ],
)
def test_garbled_detection(text: str, words: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_detection(text, words)


def count(moves: int = 0, *, duplicate: bool = False, began_at: float | None = None) -> MoveCount:
    return MoveCount(moves=moves, duplicate=duplicate, began_at=began_at, now=None)


QUIET = "IP: 10.1.10.100\n Type: local\n State: active\n MAC: 48:b0:2d:00:00:01\n Local Seq: 1 Remote Seq: 0\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (COUNTING, count(3, began_at=BEGAN)),
        (COUNTING.replace("\n, detection", ", detection"), count(3, began_at=BEGAN)),
        (COUNTING.replace("Nov 22 08", "Nov  2 08"), count(3, began_at=BEGAN - 20 * 86400)),
        (DUPLICATE, count(duplicate=True)),
        (QUIET, count()),
        ("MAC: 48:b0:2d:00:00:01\n Intf: swp1(2) VLAN: 0\n Neighbors:\n    No Neighbors\n\n", count()),  # FRR 4
        ("% Requested neighbor does not exist in VNI 10\n", count()),
        ("% Requested MAC does not exist in VNI 10\n", count()),
    ],
)
def test_move_count(text: str, expected: MoveCount) -> None:
    assert parse_move_count(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not one entry"),
        ("{}", "not one entry"),
        ("% VNI 99 does not exist\n", "VNI 99 does not exist"),
        ("% Unknown command: show evpn\n", "Unknown command"),
        ("zebra is not running\n", "zebra is not running"),
        (QUIET + QUIET, "not one entry"),
        (WORDS, "not one entry"),
        (QUIET[8:], "not one entry"),
        (COUNTING.replace("count 3", "count x"), "duplicate detection is not understood"),
        (COUNTING.partition("\n,")[0] + "\n", "duplicate detection is not understood"),
        (COUNTING.replace("Sun Nov 22", "22.11."), "duplicate detection is not understood"),
        (COUNTING.replace("Nov 22", "Nov 32"), "no such time"),
        (COUNTING.replace("Nov 22", "Nvo 22"), "no such time"),
        (COUNTING.replace("08:58:01", "28:58:01"), "no such time"),
        (COUNTING.replace("2026", "0000"), "no such time"),
    ],
)
def test_garbled_move_count(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_move_count(text)


@pytest.mark.parametrize("text", ["Sun Nov 22 08:58:01 2026\n", " Sun Nov 22 08:58:01 2026"])
def test_clock(text: str) -> None:
    assert parse_clock(text) == BEGAN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sun Nov 22 08:58:01 CET 2026",
        "2026-11-22T08:58:01",
        "So Nov 22 08:58:01 2026",
        "Sun Nov 31 08:58:01 2026",
        "Sun Nov 22 08:58:01 2026 and more",
    ],
)
def test_garbled_clock(text: str) -> None:
    with pytest.raises(Garbled, match="time"):
        parse_clock(text)
