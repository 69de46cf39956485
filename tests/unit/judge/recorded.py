"""A healthy lab's real answers, from the raw text to the verdict, and one thing in them corrupted at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tasks.client.probe import probe_facts
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.answer import Answer, Answers
from tasks.model.cluster import Desired
from tasks.model.verdict import Status
from tasks.server.facts import server_facts
from tests.unit.builders import AT, VIP, cluster, fabric
from tests.unit.fabric.captured import facts_of

DATA = Path(__file__).parents[2] / "data" / "verify" / "healthy.json"
CLUSTER = cluster(fabric=fabric(leaves=("L1", "L2", "L3")), probes=("I1", "C1"))
OWNER_MAC = "08:00:27:7d:af:b4"
Raw = Mapping[str, Mapping[str, Any]]


@cache
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def replies(changed: Mapping[tuple[str, str], str] | None = None) -> dict[str, Answers]:
    """Every host's answers; `changed` gives other text to (host, key)."""
    texts = changed or {}
    return {
        host: Answers(
            host=host,
            by_key={
                key: Answer(
                    host=host,
                    command=each["command"],
                    status=each["status"],
                    stdout=texts.get((host, key), each["stdout"]),
                    stderr=each["stderr"],
                    at=AT,
                )
                for key, each in by_key.items()
            },
            clock_offset_s=0.0,
        )
        for host, by_key in recorded()["replies"].items()
    }


def whole(changed: Mapping[tuple[str, str], str] | None = None) -> Subject:
    """The subject of these answers."""
    said = replies(changed)
    desired = {
        name: Desired(host=name, config=text, openings=CLUSTER.openings(name))
        for name, text in recorded()["desired"].items()
    }
    return Subject(
        cluster=CLUSTER,
        vip=VIP,
        servers={name: server_facts(name, said[name]) for name in ("H1", "H2")},
        leaves={leaf: facts_of(leaf, said[leaf], CLUSTER, VIP.ip) for leaf in CLUSTER.fabric.leaves},
        probes={probe: probe_facts(probe, said[probe], [CLUSTER]) for probe in CLUSTER.probes},
        desired=desired,
    )


@cache
def healthy() -> Subject:
    return whole()


def corrupted(host: str, key: str, text: str) -> Subject:
    """The same, one answer of one host replaced; only that host is read anew."""
    base, said = healthy(), replies({(host, key): text})[host]
    if host in base.servers:
        return replace(base, servers={**base.servers, host: server_facts(host, said)})
    if host in base.leaves:
        return replace(base, leaves={**base.leaves, host: facts_of(host, said, CLUSTER, VIP.ip)})
    return replace(base, probes={**base.probes, host: probe_facts(host, said, [CLUSTER])})


def statuses(subject: Subject) -> dict[str, Status]:
    return {f"{each.check} {each.target}": each.status for each in judge_vip(subject).findings}


def reddened(host: str, key: str, text: str) -> set[str]:
    """The checks that the corruption turns from pass or skip to something worse."""
    before, after = statuses(healthy()), statuses(corrupted(host, key, text))
    fine = {Status.PASS, Status.SKIP}
    return {name for name, status in after.items() if status not in fine and before[name] in fine}


Path_ = tuple[str | int, ...]


def scalars(document: Any, at: Path_ = ()) -> Iterator[tuple[Path_, Any]]:  # noqa: ANN401 - JSON is anything
    """Every leaf of a JSON document with the way to it."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from scalars(value, (*at, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from scalars(value, (*at, index))
    else:
        yield at, document


def with_value(document: Any, at: Path_, value: Any) -> Any:  # noqa: ANN401 - as above
    """A copy of the document with another value there."""
    if not at:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[at[0]] = with_value(document[at[0]], at[1:], value)
    return copy


def wrong(value: Any) -> Any:  # noqa: ANN401 - as above
    """Another value of the same kind, as a device might say it."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 7
        case None:
            return "x"
        case str() if value.count(":") == 5:
            return "02:00:00:00:00:99"
        case str() if value.count(".") == 3:
            return "192.0.2.99"
        case str() if value.isdigit():
            return str(int(value) + 7)
    return f"{value}x"
