"""A server leaves a cluster, or a VIP goes to another one: no moment has two that hold it, and none is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.conftest import Fabric, eventually
from tests.lab.test_apply import snapshot
from tests.lab.test_take_over import held, watched

pytestmark = pytest.mark.lab
ALL = ("H1", "H2", "H3")
UNICAST = ("    vrid: 11\n", "    vrid: 11\n    unicast: true\n")
SLOWER = ("    advert_int: 1\n", "    advert_int: 2\n")
LOST = "peer 100.65.0.13 of VI_web: nothing is sent to it any more; if keepalived runs there, it becomes master"


def joined(priority: int) -> tuple[str, str]:
    """H3 is in web, too."""
    own = f"H3: {{interface: enp0s8, address: 100.65.0.13/24, priority: {priority}, leaf: L1, port: swp2}}"
    return "      H1: {", f"      {own}\n      H1: {{"


def with_three(db: Fabric, directory: Path, priority: int) -> None:
    """web has three servers that send their adverts to each other alone."""
    ran = db.variant(directory, joined(priority), UNICAST).vipbook(
        "apply", "--yes", "--allow-gap", "--json", timeout=300
    )
    assert ran.code == 0, ran.problems()
    leads = "H3" if priority > 100 else "H1"
    eventually(lambda: held(db, ALL), lambda now: now == [leads], 30)


def test_a_router_that_no_intent_names_any_more_is_not_left_behind(db: Fabric, fabric: Fabric, tmp_path: Path) -> None:
    """H3 runs what H1 and H2 would not send to any more, and no server of this run is H3."""
    with_three(db, tmp_path / "three", 50)
    before = {host: snapshot(db, host) for host in ALL}
    alone = fabric.variant(tmp_path / "alone", UNICAST)
    planned = alone.vipbook("plan", "--json")
    assert planned.code == 1
    assert [LOST in each["losses"] for each in planned.report["servers"]] == [True, True]
    refused = alone.vipbook("apply", "--yes", "--json")
    assert refused.code == 1
    assert "make sure that keepalived does not run there" in refused.report["servers"][0]["reason"]
    assert {host: snapshot(db, host) for host in ALL} == before
    db.shell("H3", "systemctl", "stop", "keepalived")
    with watched(db, ALL) as seen:
        ran = alone.vipbook("apply", "--yes", "--take-over", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert (seen.split, seen.gap) == (False, False), seen.states


def test_a_server_that_leaves_in_the_same_run_gives_it_up_first(db: Fabric, tmp_path: Path) -> None:
    """H3 stays a server of db, so this run changes it: nobody has to agree to anything."""
    with_three(db, tmp_path / "three", 50)
    with watched(db, ALL) as seen:
        ran = db.variant(tmp_path / "two", UNICAST).vipbook("apply", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert (seen.split, seen.gap) == (False, False), seen.states
    order = [each["host"] for each in ran.report["servers"]]
    assert order.index("H3") < order.index("H1")


def test_a_master_that_leaves_while_the_others_are_stopped_is_a_gap(db: Fabric, tmp_path: Path) -> None:
    """H1 and H2 would not hear H3 as it is: nobody is master until one of them is started."""
    with_three(db, tmp_path / "three", 200)
    before = {host: snapshot(db, host) for host in ALL}
    other = db.variant(tmp_path / "two", UNICAST, SLOWER)
    refused = other.vipbook("apply", "--yes")
    assert refused.code == 1
    assert "web leaves its master H3 before another server can take over" in refused.err
    assert {host: snapshot(db, host) for host in ALL} == before
    with watched(db, ALL) as seen:
        ran = other.vipbook("apply", "--yes", "--allow-gap", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert (seen.split, seen.gap) == (False, True), seen.states
    assert held(db, ALL) == ["H1"]


MOVED = "excluded: [100.65.0.30/24]"
OTHERS, SAME = "{H1: 1, H2: 100}", "{H1: 100, H2: 1}"


def with_front(priorities: str, web: str, front: str) -> tuple[str, str]:
    """web has a second instance, and each of them what is said."""
    lines = [
        "vrid: 11",
        web,
        "instances:",
        f"  front: {{vrid: 12, vips: [100.65.0.40/24], {front}priorities: {priorities}}}",
    ]
    return "    vrid: 11\n", "".join(f"    {line}\n" for line in lines if line)


def test_a_vip_outside_the_adverts_goes_from_one_instance_to_another(healthy: Fabric, tmp_path: Path) -> None:
    """H1 leads web and H2 leads front: no advert tells one of them what the other one holds."""
    web = healthy.variant(tmp_path / "web", with_front(OTHERS, MOVED, ""))
    front = healthy.variant(tmp_path / "front", with_front(OTHERS, "", f"{MOVED}, "))
    ran = web.vipbook("apply", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert held(healthy, vip="100.65.0.30") == ["H1"]
    refused = front.vipbook("apply", "--yes")
    assert refused.code == 1
    assert (
        "100.65.0.30 moves from VI_web to VI_web_front, which H1 does not lead; apply with --allow-gap" in refused.err
    )
    for there, owner in ((front, "H2"), (web, "H1")):
        with watched(healthy, vip="100.65.0.30") as seen:
            ran = there.vipbook("apply", "--yes", "--allow-gap", "--json", timeout=300)
        assert ran.code == 0, ran.problems()
        assert (seen.split, seen.gap) == (False, True), seen.states
        assert held(healthy, vip="100.65.0.30") == [owner]
    assert healthy.vipbook("apply", "--yes", timeout=300).code == 0


def test_a_vip_that_goes_to_another_instance_of_the_same_master_stays_on_it(healthy: Fabric, tmp_path: Path) -> None:
    web = healthy.variant(tmp_path / "web", with_front(SAME, MOVED, ""))
    ran = web.vipbook("apply", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    with watched(healthy, vip="100.65.0.30") as seen:
        front = healthy.variant(tmp_path / "front", with_front(SAME, "", f"{MOVED}, "))
        ran = front.vipbook("apply", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert not seen.split, seen.states
    assert held(healthy, vip="100.65.0.30") == ["H1"]
    assert healthy.vipbook("apply", "--yes", timeout=300).code == 0
