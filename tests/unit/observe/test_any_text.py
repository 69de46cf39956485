"""Whatever a host prints, a parser gives a value or raises Garbled, and nothing else."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.observe.frr import parse_evpn_macs, parse_evpn_neighbors, parse_vni
from tasks.observe.frr_bgp import parse_macip_paths
from tasks.observe.iproute2 import parse_fdb, parse_interfaces, parse_neighbors
from tasks.observe.json_text import documents
from tasks.observe.keepalived_json import parse_instances
from tasks.observe.keepalived_log import parse_transitions
from tasks.observe.ping import parse_ping, parse_probe_stream
from tasks.observe.readings import Garbled

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parents[2] / "data" / "observe"
SUMMARY = (
    "3 packets transmitted, 3 received, 0% packet loss, time 2031ms\n"
    "rtt min/avg/max/mdev = 0.211/0.342/0.523/0.131 ms\n"
)


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def journal() -> str:
    lines = sample("keepalived/srv1.log").splitlines()[:40]
    entries = ({"__REALTIME_TIMESTAMP": str(index), "MESSAGE": line} for index, line in enumerate(lines))
    return "\n".join(map(json.dumps, entries))


CASES: list[tuple[Callable[[str], object], str]] = [
    (documents, sample("frr/vni_detail.json")),
    (parse_neighbors, sample("iproute2/neigh.json")),
    (parse_neighbors, sample("iproute2/neigh.txt")),
    (parse_fdb, sample("iproute2/fdb.json")),
    (parse_fdb, sample("iproute2/fdb.txt")),
    (parse_interfaces, sample("iproute2/addr.json")),
    (parse_evpn_macs, sample("frr/mac_frozen.json")),
    (parse_evpn_neighbors, sample("frr/arp-cache_frozen.json")),
    (parse_macip_paths, sample("frr/macip_by_rd.json")),
    (parse_macip_paths, sample("frr/macip_of_vni.json")),
    (parse_vni, sample("frr/vni.json")),
    (parse_instances, sample("keepalived/state_v2.json")),
    (parse_transitions, journal()),
    (parse_ping, SUMMARY),
    (parse_probe_stream, "\n".join(sample("ping/stream.txt").splitlines()[:40]) + "\n"),
]
QUIET = settings(
    max_examples=150,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["10.1.10.1", "::1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def name_of(value: object) -> str:
    return getattr(value, "__name__", "sample")


def is_value_or_garbled(parse: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(Garbled):
        parse(text)


@pytest.mark.parametrize(("parse", "text"), CASES, ids=name_of)
@QUIET
@given(noise=st.text())
def test_arbitrary_text(parse: Callable[[str], object], text: str, noise: str) -> None:
    is_value_or_garbled(parse, noise)
    is_value_or_garbled(parse, text + noise)


@pytest.mark.parametrize(("parse", "text"), CASES, ids=name_of)
@QUIET
@given(choices=st.data())
def test_a_capture_with_a_piece_replaced(parse: Callable[[str], object], text: str, choices: st.DataObject) -> None:
    begin = choices.draw(st.integers(0, len(text)))
    end = choices.draw(st.integers(begin, min(len(text), begin + 60)))
    piece = choices.draw(
        st.text(max_size=6) | st.sampled_from(["null", "-1", "[]", "{}", '""', "1e999", "9" * 30, "\n", "0"])
    )
    is_value_or_garbled(parse, text[:begin] + piece + text[end:])


@pytest.mark.parametrize(("parse", "text"), CASES, ids=name_of)
def test_a_capture_cut_short(parse: Callable[[str], object], text: str) -> None:
    for end in range(0, len(text), max(1, len(text) // 400)):
        is_value_or_garbled(parse, text[:end])


@pytest.mark.parametrize(("parse", "text"), [case for case in CASES if case[1].lstrip()[:1] in "[{"], ids=name_of)
@QUIET
@given(choices=st.data())
def test_a_capture_with_a_value_of_another_type(
    parse: Callable[[str], object], text: str, choices: st.DataObject
) -> None:
    document: Any = json.loads(text.splitlines()[0] if parse is parse_transitions else text)
    holder, key = choices.draw(st.sampled_from(list(places(document))))
    holder[key] = choices.draw(JSON_VALUES)
    is_value_or_garbled(parse, json.dumps(document))


def places(node: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """Every place in the document that holds a value."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [(node, key) for key in keys] + [place for key in keys for place in places(node[key])]


def test_cut_json_is_never_a_shorter_table() -> None:
    for parse, name in [
        (parse_neighbors, "iproute2/neigh.json"),
        (parse_fdb, "iproute2/fdb.json"),
        (parse_interfaces, "iproute2/addr.json"),
        (parse_evpn_macs, "frr/mac.json"),
        (parse_evpn_neighbors, "frr/arp-cache.json"),
        (parse_macip_paths, "frr/macip_by_rd.json"),
        (parse_instances, "keepalived/state_v2.json"),
    ]:
        text = sample(name).rstrip()
        for end in range(1, len(text), 7):
            with pytest.raises(Garbled):
                parse(text[:end])
