"""Nothing that was recorded and matters can be corrupted without some check going red."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.unit.judge.recorded import (
    OWNER_MAC,
    Path_,
    healthy,
    recorded,
    reddened,
    scalars,
    statuses,
    with_value,
    wrong,
)

VIP = "100.65.0.10"
TABLES = ("neighbors", "fdb", "macs", "arp", "paths", "vni", "detection", "sessions", "json", "later", "interfaces")
TABLES += ("route", "neighbor")

# What decides nothing, each with its reason: (answer, last name on the way to the value).
INDIFFERENT: dict[tuple[str, str], str] = {}


def about_the_vip(key: str, at: Path_, document: object) -> bool:
    """Rows of other hosts are other verdicts' business."""
    row: object = document
    for depth, step in enumerate(at):
        if isinstance(row, list) and isinstance(step, int) and isinstance(row[step], dict):
            text = json.dumps(row[step])
            if key.split()[0] in {"fdb", "neighbors", "neighbor"} and OWNER_MAC not in text and VIP not in text:
                return False
            if key == "interfaces" and row[step].get("ifname", "enp0s8") != "enp0s8":
                return False
        if isinstance(step, str):
            named = re.search(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}|\d+\.\d+\.\d+\.\d+|fe80::|fd00:|\[2\]", step)
            if named and key.split()[0] in {"macs", "arp", "paths"} and VIP not in step and step != OWNER_MAC:
                return False
        row = row[step]  # type: ignore[index]
        del depth
    return True


def corruptions() -> Iterator[tuple[str, str, Path_, str]]:
    for host, answers in recorded()["replies"].items():
        for key, answer in answers.items():
            if key.split()[0] not in TABLES or " " in key and key.split()[-1] in {"nvue", "nclu", "text"}:
                continue
            document = json.loads(answer["stdout"])
            for at, value in scalars(document):
                if about_the_vip(key, at, document):
                    text = json.dumps(with_value(document, at, wrong(value)))
                    yield host, key, at, text


def test_the_recorded_lab_is_healthy() -> None:
    assert set(map(str, statuses(healthy()).values())) == {"pass", "skip"}


def test_every_value_that_matters_is_watched() -> None:
    unwatched: dict[tuple[str, str], list[str]] = {}
    for host, key, at, text in corruptions():
        name = next((str(step) for step in reversed(at) if isinstance(step, str)), "")
        if not reddened(host, key, text):
            unwatched.setdefault((key.split()[0], name), []).append(f"{host} {'/'.join(map(str, at))}")
    surprising = {where: places for where, places in unwatched.items() if where not in INDIFFERENT}
    assert not surprising, "\n".join(f"{where}: {places[0]}" for where, places in surprising.items())
