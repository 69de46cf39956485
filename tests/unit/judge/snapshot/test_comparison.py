"""Now against then: what moves by itself is no difference, what was expected is explained, the rest is collateral."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tasks.intent.expect import parse_expectations
from tasks.judge.snapshot.comparison import compare
from tasks.judge.snapshot.entries import snapshot_of
from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.leaf import EvpnSession
from tasks.model.mac import MacAddress
from tasks.model.snapshot import Snapshot
from tasks.model.window import Comparison, WindowVerdict
from tests.unit.builders import (
    GONE,
    MACS,
    VMAC,
    VTEPS,
    config_file,
    evpn_mac,
    evpn_neighbor,
    instance,
    leaf_facts,
    neighbor,
    path,
    ping,
    service,
    silent_leaf,
    silent_server,
    subject,
    with_leaf,
    with_probe,
    with_server,
)
from tests.unit.judge.fabrics import every_mac, virtual

H1, H2 = MACS["H1"], MACS["H2"]
STRANGER = MacAddress("02:00:00:00:be:ef")
HEALTHY = subject(leaves={leaf: leaf_facts(leaf, **every_mac(leaf)) for leaf in VTEPS})
MOVED = subject(owner="H2", leaves={leaf: leaf_facts(leaf, owner="H2", **every_mac(leaf)) for leaf in VTEPS})
MOVES = "web moves to H2"
ASKED = ("H1", "H2", "L1", "L2", "L3", "I1")


def snapshot(facts: Subject, silent: Sequence[str] = (), judged: Subject | None = None) -> Snapshot:
    answered = [host for host in ASKED if host not in silent]
    return snapshot_of([facts], [judged if judged is not None else facts], ASKED, answered)


def compared(
    then: Subject, now: Subject, *expected: str, silent: Sequence[str] = (), failed: Sequence[str] = ()
) -> Comparison:
    """`silent`: hosts that do not answer now; those expected down are not judged."""
    wanted = parse_expectations(expected, [now.cluster])
    down = {each.about for each in wanted if each.kind == "down"}
    left = without(now, down)
    statuses = dict.fromkeys(failed, "fail")
    return compare(snapshot(then), snapshot(now, silent, left), wanted, [now.cluster], ([judge_vip(left)], statuses))


def without(facts: Subject, down: set[str]) -> Subject:
    cluster = facts.cluster
    return replace(
        facts,
        cluster=replace(
            cluster,
            servers=tuple(each for each in cluster.servers if each.name not in down),
            fabric=replace(cluster.fabric, leaves=tuple(leaf for leaf in cluster.fabric.leaves if leaf not in down)),
        ),
        servers={name: each for name, each in facts.servers.items() if name not in down},
        leaves={name: each for name, each in facts.leaves.items() if name not in down},
    )


def collateral(found: Comparison) -> set[str]:
    return {f"{each.host} {each.table}" for each in found.changes if each.explained_by is None}


STALE = neighbor(H1, remote=False, states=frozenset({"STALE"}))
COUNTED = instance("H1", "master", adverts_sent=9999, last_transition=5.0)
BY_ITSELF: dict[str, Subject] = {
    "nothing at all": HEALTHY,
    "an ARP timer": with_leaf(HEALTHY, "L1", neighbors=(STALE,)),
    "a sequence": with_leaf(HEALTHY, "L1", evpn_neighbors=(evpn_neighbor(H1, local_sequence=7, moves=3),)),
    "an RD": with_leaf(HEALTHY, "L1", paths=(path(H1, "10.255.0.11", sequence=9, rd="1:2"),)),
    "counters": with_server(HEALTHY, "H1", later=(COUNTED,)),
    "a reload that changed nothing": with_server(HEALTHY, "H1", service=service(loaded_at=2e9)),
    "a lost echo": with_probe(HEALTHY, "I1", pings=ping(2)),
}


@pytest.mark.parametrize("what", BY_ITSELF)
def test_what_moves_by_itself_is_no_difference(what: str) -> None:
    found = compared(HEALTHY, BY_ITSELF[what])
    assert (found.changes, found.verdict) == ((), WindowVerdict.GO)


def test_a_move_that_was_expected_is_go_and_explains_all_of_it() -> None:
    found = compared(HEALTHY, MOVED, MOVES)
    # The judge itself warns that H1 should bear it; a warning holds.
    assert (found.verdict, found.problems) == (WindowVerdict.GO, ())
    assert {each.explained_by for each in found.changes} == {MOVES}
    assert {each.host for each in found.changes} >= {"H1", "H2", "L1", "L2"}
    assert [(each.happened, each.message) for each in found.expectations] == [(True, "from H1 to H2")]


def test_with_a_virtual_mac_the_places_of_that_mac_belong_to_the_move() -> None:
    found = compared(virtual("H1", 1), virtual("H2", 2), MOVES)
    assert (found.verdict, found.problems) == (WindowVerdict.GO, ())
    assert {each.table for each in found.changes} >= {"kernel FDB", "zebra MAC"}
    assert all(str(VMAC) in each.key for each in found.changes if each.table == "kernel FDB")


@pytest.mark.parametrize(
    ("then", "now", "expected", "problem"),
    [
        (HEALTHY, MOVED, [], "H2 VRRP: VI_web changed: state backup → master"),
        (HEALTHY, HEALTHY, [MOVES], "web moves to H2: H1 bears it"),
        (MOVED, MOVED, [MOVES], "web moves to H2: H2 bore it already when the window was opened"),
        (HEALTHY, HEALTHY, ["keepalived on H1 changes"], "keepalived on H1 changes: nothing of it changed"),
        (HEALTHY, HEALTHY, ["100.65.0.50 changes"], "100.65.0.50 changes: nothing of it changed"),
        (HEALTHY, HEALTHY, ["H2 down"], "H2 down: H2 still answers"),
        # what is wrong now is wrong, whatever was expected
        (
            HEALTHY,
            with_leaf(MOVED, "L3", neighbors=(neighbor(STRANGER, remote=True),)),
            [MOVES],
            f"neighbor L3: L3 still holds {STRANGER} for 100.65.0.10; H2 bears it",
        ),
        # the move explains who is master, and no other priority
        (
            HEALTHY,
            with_server(MOVED, "H2", later=(instance("H2", "master", effective_priority=200),)),
            [MOVES],
            "H2 VRRP: VI_web changed: effective priority 1 → 200, state backup → master",
        ),
        # a restart gives the VIP away for a moment, and is said
        (
            HEALTHY,
            with_server(HEALTHY, "H1", service=service(main_pid=4711)),
            ["keepalived on H2 changes"],
            "H1 keepalived: service changed: pid 77 → 4711",
        ),
        (
            HEALTHY,
            with_server(HEALTHY, "H2", config=config_file(text="other\n")),
            ["firewall on H2 changes"],
            "H2 keepalived: keepalived.conf changed: text changed",
        ),
    ],
)
def test_what_makes_it_no_go(then: Subject, now: Subject, expected: list[str], problem: str) -> None:
    found = compared(then, now, *expected)
    assert found.verdict is WindowVerdict.NO_GO
    assert problem in found.problems, found.problems


def test_a_secret_shows_in_no_difference() -> None:
    found = compared(HEALTHY, with_server(HEALTHY, "H2", config=config_file(text="auth_pass hunter23\n")))
    assert "hunter" not in repr(found)


MAC_ROWS = (*every_mac("L1")["evpn_macs"], evpn_mac(STRANGER, vtep="10.255.0.13"))
WITH_GUEST = with_leaf(HEALTHY, "L1", evpn_macs=MAC_ROWS)
GUEST = evpn_neighbor(STRANGER, vtep="10.255.0.13", address="100.65.0.50")
OWN = evpn_neighbor(H1)


@pytest.mark.parametrize(
    ("then", "now", "alone"),
    [
        # ARP learned it, or forgot it, while the host stayed where it was
        (WITH_GUEST, with_leaf(WITH_GUEST, "L1", evpn_neighbors=(OWN, GUEST)), True),
        (with_leaf(WITH_GUEST, "L1", evpn_neighbors=(OWN, GUEST)), WITH_GUEST, True),
        # the host itself came, or went
        (HEALTHY, with_leaf(WITH_GUEST, "L1", evpn_neighbors=(OWN, GUEST)), False),
        (with_leaf(WITH_GUEST, "L1", evpn_neighbors=(OWN, GUEST)), HEALTHY, False),
        # another MAC has the address now
        (
            with_leaf(WITH_GUEST, "L1", evpn_neighbors=(OWN, GUEST)),
            with_leaf(WITH_GUEST, "L1", evpn_neighbors=(OWN, replace(GUEST, mac=H2))),
            False,
        ),
        # never a VIP's own
        (WITH_GUEST, with_leaf(WITH_GUEST, "L1", evpn_neighbors=()), False),
    ],
)
def test_bindings_that_come_and_go_by_themselves(then: Subject, now: Subject, alone: bool) -> None:  # noqa: FBT001
    found = compared(then, now)
    assert found.changes
    assert {each.explained_by for each in found.changes if each.table == "zebra ARP/ND"} == {
        "comes and goes by itself" if alone else None
    }


def test_an_address_that_is_expected_to_change_explains_what_is_about_it() -> None:
    now = with_leaf(WITH_GUEST, "L1", evpn_neighbors=(OWN, GUEST))
    assert collateral(compared(HEALTHY, now)) == {"L1 zebra MAC", "L1 zebra ARP/ND"}
    assert collateral(compared(HEALTHY, now, "100.65.0.50 changes")) == {"L1 zebra MAC"}
    assert collateral(compared(HEALTHY, now, f"{STRANGER} changes")) == set()


L3_SILENT = replace(HEALTHY, leaves={**HEALTHY.leaves, "L3": silent_leaf("L3")})
H2_GONE = replace(
    HEALTHY,
    servers={"H1": HEALTHY.servers["H1"], "H2": silent_server("H2")},
)


def test_a_server_that_is_expected_down_is_not_judged_and_not_missed() -> None:
    found = compared(HEALTHY, H2_GONE, "H2 down", silent=["H2"])
    assert (found.verdict, found.problems, found.open_questions) == (WindowVerdict.GO, (), ())


def with_h2(facts: Subject) -> Subject:
    """Every leaf knows H2's own address."""
    for leaf in VTEPS:
        paths = (path(H1, "10.255.0.11"), path(H2, "10.255.0.12", address="100.65.0.12"))
        facts = with_leaf(facts, leaf, paths=paths)
    return facts


def without_h2(facts: Subject) -> Subject:
    """No leaf knows H2's MAC any more."""
    for leaf in VTEPS:
        facts = with_leaf(facts, leaf, **{name: tuple(row for row in rows if row.mac != H2) for name, rows in every_mac(leaf).items()})  # fmt: skip  # noqa: E501
    return facts


def test_what_was_its_own_leaves_with_it_and_nothing_else_does() -> None:
    found = compared(with_h2(HEALTHY), without_h2(H2_GONE), "H2 down", silent=["H2"])
    assert (found.verdict, found.problems) == (WindowVerdict.GO, ())
    assert {each.explained_by for each in found.changes} == {"H2 down"}
    assert {each.table for each in found.changes} == {"BGP type-2", "kernel FDB", "zebra MAC"}
    kept = evpn_neighbor(H2, state="inactive", address="100.65.0.12")
    vip = evpn_neighbor(H1, vtep="10.255.0.11")
    known = with_leaf(with_h2(HEALTHY), "L2", evpn_neighbors=(vip, replace(kept, state="active")))
    idle = with_leaf(without_h2(H2_GONE), "L2", evpn_neighbors=(vip, kept))
    assert compared(known, idle, "H2 down", silent=["H2"]).problems == ()
    assert "L2 zebra ARP/ND" in collateral(compared(known, idle))
    more = with_leaf(
        without_h2(H2_GONE), "L3", sessions=(EvpnSession(peer="swp51", state="Active", prefixes_received=None),)
    )
    found = compared(with_h2(HEALTHY), more, "H2 down", silent=["H2"])
    assert collateral(found) == {"L3 EVPN session"}


@pytest.mark.parametrize(
    ("now", "silent", "question"),
    [
        (L3_SILENT, ["L3"], "L3 did not tell its BGP type-2 now"),
        (with_leaf(HEALTHY, "L2", fdb=GONE), [], "L2 did not tell its kernel FDB now: no connection"),
        (H2_GONE, ["H2"], "H2 did not tell its VRRP now"),
    ],
)
def test_what_nobody_told_is_undetermined(now: Subject, silent: list[str], question: str) -> None:
    found = compared(HEALTHY, now, silent=silent)
    assert found.verdict is WindowVerdict.UNDETERMINED, found.problems
    assert any(each.startswith(question) for each in found.open_questions), found.open_questions


def test_what_could_not_be_read_then_is_undetermined_too() -> None:
    found = compared(with_leaf(HEALTHY, "L2", fdb=GONE), HEALTHY)
    assert found.verdict is WindowVerdict.UNDETERMINED
    assert found.open_questions == (
        "L2 did not tell its kernel FDB when the window was opened: no connection to 127.0.0.1:22",
    )


def test_hosts_of_one_moment_alone() -> None:
    then, now = snapshot(HEALTHY), snapshot(HEALTHY)
    more = replace(now, asked=(*ASKED, "L9"))
    found = compare(then, more, (), [HEALTHY.cluster], ((), {}))
    assert found.open_questions == ("L9 was not asked when the window was opened",)
    assert compare(more, then, (), [HEALTHY.cluster], ((), {})).open_questions == ("L9 is asked no more",)


def test_what_failed_before_and_fails_still_is_accepted_and_said() -> None:
    sick = with_leaf(HEALTHY, "L2", neighbors=(neighbor(STRANGER, remote=True),))
    (key,) = (
        f"web/100.65.0.10/{each.check}/L2"
        for each in judge_vip(sick).findings
        if each.target == "L2" and each.check == "neighbor"
    )
    others = [
        f"web/100.65.0.10/{each.check}/{each.target}" for each in judge_vip(sick).findings if each.status == "fail"
    ]
    found = compared(sick, sick, failed=others)
    assert found.verdict is WindowVerdict.GO
    assert key in found.failed_before
    assert compared(sick, sick).verdict is WindowVerdict.NO_GO
