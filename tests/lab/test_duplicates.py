"""Duplicate address detection on the real fabric: the budget that is left, the flag, the freeze, and the way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric, Ran, detect_duplicates, eventually, fail_over, fail_over_and_back, holds

pytestmark = pytest.mark.lab

GENEROUS = "max-moves 1000 time 180"


@pytest.fixture
def counted(healthy: Fabric) -> Iterator[Fabric]:
    """The default of FRR and Cumulus: five moves in three minutes, warn only; afterwards generous again."""
    detect_duplicates(healthy, "no dup-addr-detection freeze permanent", "max-moves 5 time 180")
    yield healthy
    detect_duplicates(healthy, "no dup-addr-detection freeze permanent", GENEROUS)
    ran = healthy.vipbook("verify", "--wait", "60", "--json")
    assert ran.report["verdict"] == "pass", ran.problems()


def follow(fabric: Fabric, ran: Ran) -> list[str]:
    """Do what the advice for a frozen VIP says, step by step, as a person would; the steps."""
    (cause,) = [each for each in ran.vip()["known_causes"] if each["id"] == "frozen-duplicate"]
    steps: list[str] = cause["advice"]
    fabric.follow(steps)
    return steps


def test_the_budget_shrinks_and_a_drill_waits_for_it_or_is_refused(counted: Fabric) -> None:
    detect_duplicates(counted, "max-moves 5 time 40")
    fail_over_and_back(counted)
    fail_over_and_back(counted)
    ran = counted.vipbook("verify", "--wait", "30", "--json")
    assert ran.code == 0, ran.problems()
    left = {leaf: ran.checks()[f"duplicate/{leaf}"]["actual"] for leaf in ("L1", "L2", "L3")}
    assert left["L3"] == "4 left of 4"
    assert "4 left of 4" not in {left["L1"], left["L2"]}, left
    refused = counted.vipbook("drill", "web", "--probe", "I1", "--no-pace", "--yes")
    assert refused.code == 1
    assert "flags 100.65.0.10 as a duplicate at 5 moves in 40 s" in refused.err
    paced = counted.vipbook("drill", "web", "--probe", "I1", "--yes", "--json")
    assert paced.code == 0, paced.problems()
    assert "until then two more moves would flag the VIP" in paced.err
    assert paced.report["drill"]["flagged_duplicate"] == {"before": [], "after": []}


def test_a_detection_that_allows_no_drill_at_all(counted: Fabric) -> None:
    detect_duplicates(counted, "max-moves 2 time 180")
    ran = counted.vipbook("drill", "web", "--probe", "I1", "--yes")
    assert ran.code == 1
    assert "a drill makes 2" in ran.err


def test_too_many_moves_are_flagged_and_only_warned_of(counted: Fabric) -> None:
    for _ in range(3):
        fail_over_and_back(counted)
    ran = eventually(
        lambda: counted.vipbook("verify", "--json"),
        lambda each: each.state() == "healthy" and each.report["verdict"] == "warn",
        timeout=30,
    )
    assert ran.code == 0, ran.problems()
    warned = {key for key, check in ran.checks().items() if check["status"] == "warn"}
    assert warned <= {"duplicate/L1", "duplicate/L2", "gateway-neighbor/L1", "gateway-neighbor/L2"}
    assert any(key.startswith("duplicate") for key in warned)


def test_a_frozen_vip_is_healed_by_the_advice_while_its_server_is_there(counted: Fabric) -> None:
    """The third move freezes it where H2 is, and H2 is master: let go there, then tell everybody."""
    detect_duplicates(counted, "max-moves 3 time 180", "freeze permanent")
    fail_over_and_back(counted)
    fail_over(counted)
    try:
        ran = eventually(
            lambda: counted.vipbook("verify", "--json"), lambda each: each.state() == "not-advertised", timeout=30
        )
        assert ran.code == 1, ran.problems()
        check = ran.checks()["duplicate/L2"]
        assert check["status"] == "fail"
        assert "frozen" in check["message"]
        assert not any("neigh del" in step for step in follow(counted, ran) if step.startswith("on L2"))
        after = eventually(
            lambda: counted.vipbook("verify", "--json"), lambda each: each.state() == "healthy", timeout=60
        )
        assert after.vip()["owner"] == "H2"
    finally:
        counted.shell("H1", "ip", "link", "set", "dev", "enp0s8", "up")
        counted.shell("H1", "ip", "route", "replace", "default", "via", "100.65.0.1", "dev", "enp0s8")
        holds(counted, "H1")


def test_a_frozen_leaf_without_the_vip_is_healed_by_the_advice(counted: Fabric) -> None:
    """H1 bears it again, and L2 still holds what it froze: its kernel entry goes before the flag."""
    detect_duplicates(counted, "max-moves 3 time 180", "freeze permanent")
    fail_over_and_back(counted)
    fail_over_and_back(counted)
    ran = eventually(
        lambda: counted.vipbook("verify", "--json"),
        lambda each: any(cause["host"] == "L2" for cause in each.vip()["known_causes"]),
        timeout=30,
    )
    steps = follow(counted, ran)
    on_l2 = [step for step in steps if step.startswith("on L2")]
    assert ["neigh del" in on_l2[0], "clear evpn dup-addr" in on_l2[-1]] == [True, True], steps
    healed = counted.vipbook("verify", "--wait", "90", "--json")
    assert healed.report["verdict"] == "pass", healed.problems()


def test_the_product_never_clears_by_itself(counted: Fabric) -> None:
    """vtysh logs nothing, so the counters tell: what was flagged is still flagged after every command that looks."""
    for _ in range(3):
        fail_over_and_back(counted)
    before = eventually(
        lambda: counted.vipbook("verify", "--json"), lambda each: each.report["verdict"] == "warn", timeout=30
    )
    counted.vipbook("verify", "--wait", "5")
    counted.vipbook("locate", "100.65.0.10")
    again = counted.vipbook("verify", "--json")
    for leaf in ("L1", "L2"):
        assert again.checks()[f"duplicate/{leaf}"]["status"] == before.checks()[f"duplicate/{leaf}"]["status"]
