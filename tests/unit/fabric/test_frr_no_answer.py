"""FRR's answers that are none, whichever question they are given to, and what it tells of a VNI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks.fabric.frr.bgp import parse_macip_paths, parse_sessions
from tasks.fabric.frr.detection import parse_detection
from tasks.fabric.frr.zebra import (
    parse_evpn_mac_entry,
    parse_evpn_macs,
    parse_evpn_neighbor_entry,
    parse_evpn_neighbors,
    parse_vni,
)
from tasks.model.leaf import VniFacts
from tasks.observe.readings import Garbled

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parents[2] / "data" / "observe" / "frr"


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


NO_ANSWER = [
    ("% VNI 99 does not exist\n", "% VNI 99 does not exist"),
    ("% Unknown command: show evpn mac vni 10 json\n", "% Unknown command"),
    ("zebra is not running\n", "zebra is not running"),
    ("Exiting: failed to connect to any daemons.\n", "not JSON"),
    ('{"numMacs":1', "not JSON"),
    ("[]", "the answer is not an object"),
    ("null", "the answer is not an object"),
    ('{"a":1}{"b":2}', "2 objects where one was expected"),
    ('{"warning":"VNI 99 not found"}', "VNI 99 not found"),
    ('{"error":5}', "'error' is not text"),
]


@pytest.mark.parametrize(
    "parse",
    [
        parse_evpn_macs,
        parse_evpn_neighbors,
        parse_macip_paths,
        parse_vni,
        parse_sessions,
        parse_detection,
        parse_evpn_mac_entry,
        parse_evpn_neighbor_entry,
    ],
)
@pytest.mark.parametrize(("text", "reason"), NO_ANSWER)
def test_errors_in_place_of_an_answer(parse: Callable[[str], object], text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse(text)


@pytest.mark.parametrize(
    "parse", [parse_evpn_macs, parse_evpn_neighbors, parse_macip_paths, parse_vni, parse_sessions, parse_detection]
)
@pytest.mark.parametrize("text", ["", "\n"])
def test_nothing_printed(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(Garbled, match="nothing was printed"):
        parse(text)


@pytest.mark.parametrize("parse", [parse_evpn_macs, parse_evpn_neighbors, parse_vni])
@pytest.mark.parametrize("text", ["{}", "{\n}\n", "{ }{ }", sample("mac_unknown_vni.json"), sample("vni_unknown.json")])
def test_an_unknown_vni_is_not_an_empty_table(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(Garbled, match="does not know this VNI"):
        parse(text)


def test_recorded_errors() -> None:
    with pytest.raises(Garbled, match="VNI 99 does not exist"):
        parse_evpn_neighbors(sample("arp-cache_unknown_vni.txt"))
    with pytest.raises(Garbled, match="nothing was printed"):
        parse_evpn_macs(sample("mac_nothing.json"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sample("vni.json"), VniFacts(vni=10, local_vtep="10.0.0.11", vxlan="vni10")),
        (
            json.dumps(json.loads(sample("vni_detail.json"))[1]),
            VniFacts(vni=4001, local_vtep="10.0.0.13", vxlan="vniRED"),
        ),
        ('{"vni":"10","vtepIp":"0.0.0.0","vxlanInterface":"unknown"}', VniFacts(vni=10, local_vtep=None, vxlan=None)),
        (
            '{"vni":10,"type":"L2","numRemoteVteps":1,"remoteVteps":[{"ip":"10.0.0.12"}]}',
            VniFacts(vni=10, local_vtep=None, vxlan=None),
        ),
        (
            '{"vni":10,"vxlanIf":"vxlan48","vtepIp":"10.0.0.112"}\n{ }',
            VniFacts(vni=10, local_vtep="10.0.0.112", vxlan="vxlan48"),
        ),
    ],
)
def test_vni(text: str, expected: VniFacts) -> None:
    assert parse_vni(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (sample("vni_list.json"), "does not know this VNI"),
        (sample("vni_detail.json"), "the answer is not an object"),
        (sample("vni.json")[:100], "not JSON"),
        ('{"vni":null}', "'vni' is missing"),
        ('{"vni":"L2"}', "'vni' is not a number"),
        ('{"vni":10,"vtepIp":167772171}', "'vtepIp' is not text"),
    ],
)
def test_garbled_vni(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_vni(text)
