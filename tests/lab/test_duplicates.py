"""Duplicate address detection on the real fabric: the budget that is left, the flag, the freeze, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import Fabric, Ran, detect_duplicates, eventually, fail_over_and_back, hand_over_and_back, holds

pytestmark = pytest.mark.lab

GENEROUS = "max-moves 1000 time 180"


@pytest.fixture
def counted(healthy: Fabric) -> Iterator[Fabric]:
    """The default of FRR and Cumulus: five moves in three minutes, warn only; afterwards generous again."""
    detect_duplicates(healthy, "no dup-addr-detection freeze permanent", "max-moves 5 time 180")
    yield healthy
    detect_duplicates(healthy, "no dup-addr-detection freeze permanent", GENEROUS)
    forgotten(healthy)


def steps_until_healthy(fabric: Fabric, steps: list[str]) -> Ran:
    """As the last step says: again from the first one while a leaf lacks the VIP."""
    for _ in range(3):
        ran = fabric.vipbook("verify", "--wait", "20", "--json")
        if ran.state() == "healthy":
            break
        fabric.follow(steps, again=True)
    return ran


def forgotten(fabric: Fabric) -> None:
    """After moves in a row FRR may keep the VIP inactive where it is attached; follow the advice for that."""
    ran = fabric.vipbook("verify", "--json")
    for cause in ran.vip()["known_causes"]:
        if cause["id"] == "inactive-while-local":
            fabric.follow(cause["advice"])


def follow(fabric: Fabric, ran: Ran) -> list[str]:
    """Do what the advice for a frozen VIP says, step by step, as a person would; the steps."""
    (cause,) = [each for each in ran.vip()["known_causes"] if each["id"] == "frozen-duplicate"]
    steps: list[str] = cause["advice"]
    fabric.follow(steps)
    return steps


def test_the_budget_shrinks_and_a_drill_waits_for_it_or_is_refused(counted: Fabric) -> None:
    detect_duplicates(counted, "max-moves 5 time 100")
    # A quick move may pass L1 by, and is not counted then.
    eventually(lambda: moved_back(counted), lambda text: "detection count 3" in text or "count 4" in text, timeout=90)
    ran = counted.vipbook("verify", "--wait", "30", "--json")
    assert ran.code == 0, ran.problems()
    left = {leaf: ran.checks()[f"duplicate/{leaf}"]["actual"] for leaf in ("L1", "L2", "L3")}
    # A link that goes down takes the entry along, so that the other leaf learns it as a new one: only L1, where it
    # comes back to while it is known from elsewhere, counts.
    assert left["L3"] == "4 left of 4"
    assert left["L1"] in {"0 left of 4", "1 left of 4"}, left
    refused = counted.vipbook("drill", "web", "--probe", "I1", "--no-pace", "--yes")
    assert refused.code == 1
    assert "flags 100.65.0.10 as a duplicate at 5 moves in 100 s" in refused.err
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
    eventually(lambda: moved_back(counted), lambda text: "Duplicate, detected" in text, timeout=90)
    ran = eventually(
        lambda: counted.vipbook("verify", "--json"),
        lambda each: each.state() == "healthy" and each.report["verdict"] == "warn",
        timeout=30,
    )
    assert ran.code == 0, ran.problems()
    warned = {key for key, check in ran.checks().items() if check["status"] == "warn"}
    assert warned <= {"duplicate/L1", "duplicate/L2", "gateway-neighbor/L1", "gateway-neighbor/L2"}
    assert any(key.startswith("duplicate") for key in warned)


def moved_back(fabric: Fabric) -> str:
    """What L1 says of the VIP after another move and back."""
    fail_over_and_back(fabric)
    return fabric.shell("L1", "vtysh", "-c", "show evpn arp-cache vni 100 ip 100.65.0.10", check=False)


def freeze(fabric: Fabric) -> None:
    """Back and forth until L1 freezes the VIP that has just come back to it."""
    detect_duplicates(fabric, "max-moves 3 time 180", "freeze permanent")
    eventually(lambda: moved_back(fabric), lambda text: "Duplicate, detected" in text, timeout=90)


def test_a_frozen_vip_is_healed_by_the_advice_while_its_server_is_there(counted: Fabric) -> None:
    """H1 bears it and L1 froze it: let go there, then tell everybody."""
    freeze(counted)
    ran = eventually(
        lambda: counted.vipbook("verify", "--json"), lambda each: each.state() == "not-advertised", timeout=30
    )
    assert ran.code == 1, ran.problems()
    assert ran.checks()["duplicate/L1"]["status"] == "fail"
    assert "frozen" in ran.checks()["duplicate/L1"]["message"]
    refused = counted.vipbook("drill", "web", "--probe", "I1", "--yes", "--json")
    assert (refused.code, "drill" in refused.report) == (1, False)
    steps = follow(counted, ran)
    assert not any("neigh del" in step for step in steps), steps
    forgotten(counted)
    healed = counted.vipbook("verify", "--wait", "60", "--json")
    assert healed.report["verdict"] == "pass", healed.problems()


def test_a_leaf_that_froze_what_has_left_it_is_healed_by_the_advice(counted: Fabric) -> None:
    """H2 bears it, and L1 still holds what it froze: its kernel's entry goes before the flag."""
    freeze(counted)
    counted.shell("H1", "systemctl", "stop", "keepalived")
    try:
        holds(counted, "H2")
        ran = eventually(
            lambda: counted.vipbook("verify", "--json"),
            lambda each: any(cause["host"] == "L1" for cause in each.vip()["known_causes"]),
            timeout=30,
        )
        assert ran.checks()["duplicate/L1"]["status"] == "fail"
        steps = follow(counted, ran)
        on_l1 = [step for step in steps if step.startswith("on L1")]
        assert ["neigh del" in on_l1[0], "clear evpn dup-addr" in on_l1[-1]] == [True, True], on_l1
        healed = steps_until_healthy(counted, steps)
        assert healed.vip()["owner"] == "H2"
        assert healed.checks()["duplicate/L1"]["status"] == "pass"
    finally:
        counted.shell("H1", "systemctl", "start", "keepalived")
        holds(counted, "H1")


def test_a_frozen_virtual_mac_is_healed_by_the_advice(counted: Fabric, tmp_path: Path) -> None:
    """The MAC is what moves and what is frozen, wherever the third move ended."""
    virtual = counted.variant(tmp_path, ("vrid: 11", "vrid: 11\n    use_vmac: true"))
    try:
        applied = virtual.vipbook("apply", "--yes", "--json")
        assert applied.code == 0, applied.problems()
        detect_duplicates(counted, "max-moves 3 time 180", "freeze permanent")
        for _ in range(2):
            hand_over_and_back(counted)
        ran = eventually(
            lambda: virtual.vipbook("verify", "--json"),
            lambda each: any(cause["id"] == "frozen-duplicate" for cause in each.vip()["known_causes"]),
            timeout=40,
        )
        for cause in ran.vip()["known_causes"]:
            if cause["id"] == "frozen-duplicate":
                counted.follow(cause["advice"])
        # The moves are counted on for three minutes, which warns; frozen is what it must not be.
        healed = eventually(
            lambda: virtual.vipbook("verify", "--json"), lambda each: each.state() == "healthy", timeout=90
        )
        assert healed.report["verdict"] in {"pass", "warn"}, healed.problems()
        assert not healed.vip()["known_causes"]
    finally:
        detect_duplicates(counted, "no dup-addr-detection freeze permanent", GENEROUS)
        back = counted.vipbook("apply", "--yes", "--json")
    assert back.code == 0, back.problems()


def test_the_product_never_clears_by_itself(counted: Fabric) -> None:
    """vtysh logs nothing, so the counters tell: what was flagged is still flagged after every command that looks."""
    eventually(lambda: moved_back(counted), lambda text: "Duplicate, detected" in text, timeout=90)
    before = eventually(
        lambda: counted.vipbook("verify", "--json"), lambda each: each.report["verdict"] == "warn", timeout=30
    )
    counted.vipbook("verify", "--wait", "5")
    counted.vipbook("locate", "100.65.0.10")
    again = counted.vipbook("verify", "--json")
    for leaf in ("L1", "L2"):
        assert again.checks()[f"duplicate/{leaf}"]["status"] == before.checks()[f"duplicate/{leaf}"]["status"]
