"""Whole leaves, from their recorded answers to their facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from tasks.fabric import kernel
from tasks.fabric import leaf as leaf_module
from tasks.fabric.leaf import LeafReader
from tasks.model.answer import Answers, NoAnswer
from tasks.model.leaf import DuplicateDetection, EvpnSession, LeafFacts, LldpNeighbor, MoveCount
from tasks.model.mac import MacAddress
from tasks.model.reading import Read, Unread
from tasks.observe.shell import NOT_ASKED
from tests.unit.builders import AT
from tests.unit.fabric.captured import STAGES, VIP, VTEPS, captured_answers, captured_cluster, captured_leaf, facts_of

SRV1, SRV2 = MacAddress("48:b0:2d:00:00:01"), MacAddress("48:b0:2d:00:00:02")
VMAC = MacAddress("00:00:5e:00:01:33")
FROZEN = "vmac_frozen/05_many_moves"
NOW = datetime(2026, 11, 22, 9, 0, 21, tzinfo=UTC).timestamp()
READINGS = [field.name for field in fields(LeafFacts) if field.name != "host"]
MOVES = f"moves {VIP.ip}"
TABLES = ("MACS", "NEIGHBORS", "PATHS", "VNI", "DETECTION", "SESSIONS")


def value(reading: object) -> Any:  # noqa: ANN401
    assert isinstance(reading, Read), reading
    return reading.value


@pytest.mark.parametrize("leaf", VTEPS)
@pytest.mark.parametrize("stage", STAGES)
def test_everything_recorded_can_be_read(stage: str, leaf: str) -> None:
    facts = captured_leaf(stage, leaf)
    unread = [name for name in READINGS if isinstance(getattr(facts, name), Unread)]
    assert unread in ([], ["moves"])
    assert facts.lldp is None
    assert value(facts.vni).local_vtep == VTEPS[leaf]
    assert value(facts.sessions) == (EvpnSession(peer="swp51", state="Established", prefixes_received=4),)


@pytest.mark.parametrize(
    ("stage", "mac", "home"),
    [
        ("no_neighmgrd/02_failover", SRV1, "L1"),  # wrong, but present everywhere
        ("neighmgrd/02_failover", SRV2, "L2"),
        ("vmac/01_on_srv1", VMAC, "L1"),
        ("vmac/02_failover", VMAC, "L2"),
        (FROZEN, VMAC, "L1"),
    ],
)
@pytest.mark.parametrize("leaf", VTEPS)
def test_where_the_vip_is(stage: str, mac: MacAddress, home: str, leaf: str) -> None:
    facts = captured_leaf(stage, leaf)
    entry = next(row for row in value(facts.evpn_neighbors) if row.address == str(VIP.ip))
    assert entry.mac == mac
    if leaf == home:
        assert (entry.kind, entry.vtep) == ("local", None)
    elif (stage, leaf) == (FROZEN, "L2"):
        assert (entry.kind, entry.state, entry.duplicate) == ("local", "inactive", True)
    else:
        assert (entry.kind, entry.vtep) == ("remote", VTEPS[home])
    own = [row for row in value(facts.neighbors) if row.interface == "vlan10"]
    assert [row.mac for row in own] == [mac]


@pytest.mark.parametrize(
    ("stage", "freeze"), [("neighmgrd/02_failover", "no"), ("vmac/02_failover", "no"), (FROZEN, "permanent")]
)
def test_only_words_tell_a_permanent_freeze(stage: str, freeze: str) -> None:
    told = DuplicateDetection(enabled=True, max_moves=5, window_s=180, freeze=freeze)  # type: ignore[arg-type]
    assert value(captured_leaf(stage, "L1").detection) == told
    assert value(captured_leaf(stage, "L1", {"detection text": ""}).detection) == replace(told, freeze=None)


def test_moves_that_are_being_counted() -> None:
    began = datetime(2026, 11, 22, 8, 58, 1, tzinfo=UTC).timestamp()
    assert value(captured_leaf(FROZEN, "L1").moves) == MoveCount(moves=3, duplicate=False, began_at=began, now=NOW)


@pytest.mark.parametrize(
    ("texts", "moves"),
    [
        ({}, 5),
        ({"macs 10": ""}, 5),  # without the table: at least as many as flag an entry
        ({"macs 10": "", "detection": ""}, 0),
    ],
)
def test_moves_of_a_flagged_entry_are_those_of_the_table(texts: dict[str, str], moves: int) -> None:
    found = value(captured_leaf(FROZEN, "L2", texts).moves)
    assert found == MoveCount(moves=moves, duplicate=True, began_at=None, now=NOW)


@pytest.mark.parametrize("clock", ["", "09:00", "Sun Nov 22 09:00:21 CET 2026\n"])
def test_moves_without_the_leafs_clock(clock: str) -> None:
    assert value(captured_leaf(FROZEN, "L1", {"clock text": clock}).moves).now is None


def test_without_a_virtual_mac_the_address_is_counted() -> None:
    text = "IP: 10.1.10.100\n Type: local\n Duplicate, detected at Sun Nov 22 08:58:45 2026\n"
    answers = captured_answers("neighmgrd/02_failover", "L2", {MOVES: text})
    arp = answers["arp 10"]
    counted = replace(arp, stdout=arp.stdout.replace('"detectionCount":1', '"detectionCount":7'))
    answers = Answers(host="L2", by_key=answers.by_key | {"arp 10": counted}, clock_offset_s=0.0)
    moves = facts_of("L2", answers, captured_cluster("neighmgrd/02_failover"), VIP.ip).moves
    assert value(moves) == MoveCount(moves=7, duplicate=True, began_at=None, now=NOW)


def test_lldp() -> None:
    text = '{"lldp": {"interface": {"swp1": {"chassis": {"srv1": {}}, "port": {"descr": "eth1"}}}}}'
    facts = captured_leaf("vmac/01_on_srv1", "L1", {"lldp": text})
    assert value(facts.lldp) == (LldpNeighbor(port="swp1", system="srv1", remote_port="eth1"),)
    assert isinstance(captured_leaf("vmac/01_on_srv1", "L1", {"lldp": "{"}).lldp, Unread)


def test_a_silent_leaf() -> None:
    gone = NoAnswer(host="L1", reason="no connection to 10.0.0.11:22", at=AT)
    facts = facts_of("L1", gone, captured_cluster(FROZEN), VIP.ip)
    for name in READINGS:
        assert getattr(facts, name) == Unread(reason="no connection to 10.0.0.11:22", source=None)


def test_a_script_cut_short() -> None:
    nothing = Answers(host="L1", by_key={}, clock_offset_s=0.0)
    facts = facts_of("L1", nothing, captured_cluster(FROZEN), VIP.ip)
    for name in READINGS:
        assert getattr(facts, name) == Unread(reason="was not asked, or the command did not finish", source=None)


@pytest.mark.parametrize(
    ("key", "reading"),
    [
        ("macs 10", "evpn_macs"),
        ("arp 10", "evpn_neighbors"),
        ("paths 10", "paths"),
        ("vni 10", "vni"),
        ("detection", "detection"),
        (MOVES, "moves"),
        ("sessions", "sessions"),
    ],
)
def test_nclu_gives_frrs_own_answers(key: str, reading: str) -> None:
    by_key = dict(captured_answers(FROZEN, "L1").by_key)
    refused = replace(by_key[key], status=1, stdout="", stderr="sudo: a password is required\n")
    unasked = replace(by_key[key], status=NOT_ASKED, stdout="", stderr="")
    by_key |= {f"{key} nclu": by_key[key], key: refused, f"{key} nvue": unasked}
    facts = facts_of("L1", Answers(host="L1", by_key=by_key, clock_offset_s=0.0), captured_cluster(FROZEN), VIP.ip)
    expected = captured_leaf(FROZEN, "L1")
    if reading == "detection":  # the words that are asked for are those of the same program
        assert value(facts.detection).freeze is None
    else:
        assert value(getattr(facts, reading)) == value(getattr(expected, reading))


@pytest.mark.parametrize("key", ["macs 10", "arp 10", "paths 10", "vni 10", "detection", MOVES, "sessions", "lldp"])
@pytest.mark.parametrize("text", ["", "{", "zebra is not running\n", "[]", "null", "% VNI 10 does not exist\n"])
def test_one_bad_answer_spoils_only_its_own_reading(key: str, text: str) -> None:
    facts = captured_leaf(FROZEN, "L1", {key: text})
    unread = {name for name in READINGS if isinstance(getattr(facts, name), Unread)}
    assert len(unread) == (0 if (key, text) == ("lldp", "") else 1)
    for name in unread:
        source = getattr(facts, name).source
        assert source is not None
        assert source.stdout == text


def test_each_table_is_parsed_once_whatever_the_number_of_vips(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counting(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def parse(*texts: str) -> object:
            parsed.append(name)
            return real(*texts)

        return parse

    for name in TABLES:
        show = getattr(leaf_module, name)
        monkeypatch.setattr(leaf_module, name, replace(show, parse=counting(name, show.parse)))
    monkeypatch.setattr(kernel, "parse_fdb", counting("fdb", kernel.parse_fdb))
    reader = LeafReader("L1", captured_answers("neighmgrd/02_failover", "L1"))
    cluster = captured_cluster("neighmgrd/02_failover")
    first = reader.facts(cluster, VIP.ip)
    for address in (VIP.ip, ip_address("10.1.10.101"), ip_address("10.1.10.102")):
        assert reader.facts(cluster, address).fdb is first.fdb
    assert sorted(parsed) == sorted((*TABLES, "fdb"))
