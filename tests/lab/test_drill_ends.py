"""A drill that is refused, that fails, that is interrupted or killed: the server ends as it began.

None of it depends on how long a failover takes, so adverts come every 0.3 s here, and by VRRPv3, which allows that.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.lab.conftest import Fabric, Ran, eventually, made_healthy
from tests.lab.proof import Proof
from tests.lab.test_drill import leftovers, link_is_up

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def faster(fabric: Fabric, applied: Ran, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fabric]:
    """web with fast adverts; as it is declared again at the end."""
    made_healthy(fabric, "web")
    password = re.search(r"(?m)^    auth_pass: .*\n", (fabric.inventory / "clusters.yaml").read_text())
    assert password is not None
    changed = fabric.variant(
        tmp_path_factory.mktemp("quick"),
        ("version: 2", "version: 3"),
        ("advert_int: 1", "advert_int: 0.3"),
        (password[0], ""),
    )
    changed = replace(changed, varied=False, proof=Proof(changed.inventory, []))
    _applied_from_parked(changed)
    yield changed
    changed.proof.close()
    fabric.proof.touched()
    _applied_from_parked(fabric)


def _applied_from_parked(fabric: Fabric) -> None:
    """Members with another version do not understand each other: the backup is stopped first."""
    fabric.shell("H2", "systemctl", "stop", "keepalived")
    ran = fabric.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()


@pytest.fixture
def quick(faster: Fabric) -> Iterator[Fabric]:
    """Healthy at the beginning and at the end."""
    made_healthy(faster, "web")
    yield faster
    problem = faster.proof.problem(["web"])
    assert not problem, problem


def started_drill(fabric: Fabric, word: str) -> subprocess.Popen[str]:
    """A drill that has just said `word` on stderr."""
    running = fabric.start("drill", "web", "--probe", "I1", "--yes")
    assert running.stderr is not None
    for line in running.stderr:
        if word in line:
            return running
    raise AssertionError(f"the drill ended without saying {word!r}")


def test_a_fault_on_the_backup_costs_nothing(quick: Fabric) -> None:
    ran = quick.vipbook("drill", "web", "--probe", "I1", "--target", "H2", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert ran.report["drill"]["outages"][0]["seconds"] < 0.5
    assert ran.report["clusters"][0]["vips"][0]["owner"] == "H1"


def test_an_unhealthy_cluster_is_not_drilled(quick: Fabric) -> None:
    quick.shell("H2", "systemctl", "stop", "keepalived")
    try:
        ran = quick.vipbook("drill", "web", "--probe", "I1", "--yes", "--json")
        assert ran.code == 1
        assert "not healthy" in ran.report["reason"]
        assert "drill" not in ran.report
        assert link_is_up(quick)
    finally:
        quick.shell("H2", "systemctl", "start", "keepalived")


def test_a_fabric_that_does_not_follow_fails_the_drill(quick: Fabric) -> None:
    """Without neighmgrd the failback ends in a black hole: the drill says so, and the link is up all the same."""
    for leaf in ("L1", "L2"):
        quick.shell(leaf, "systemctl", "stop", "neighmgrd")
    try:
        ran = quick.vipbook("drill", "web", "--probe", "I1", "--yes", "--json")
        assert ran.code in {1, 5}, ran.problems()
        assert ran.report["verdict"] == "fail"
        assert "still holds 08:00:27:70:07:ae" in ran.report["reason"] + ran.out
        assert link_is_up(quick)
        assert leftovers(quick) == ""
    finally:
        for leaf in ("L1", "L2"):
            quick.shell(leaf, "systemctl", "start", "neighmgrd")


@pytest.mark.parametrize("word", ["injecting", "failover: waiting", "restoring", "failback: waiting"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_undoes_first(quick: Fabric, word: str, number: signal.Signals) -> None:
    running = started_drill(quick, word)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, out + err
    assert "Traceback" not in err
    assert link_is_up(quick)
    assert leftovers(quick) == ""


def test_a_killed_drill_is_healed_by_the_server_itself(quick: Fabric) -> None:
    running = started_drill(quick, "failover: waiting")
    running.kill()
    running.communicate(timeout=10)
    assert not link_is_up(quick)
    began = time.monotonic()
    eventually(lambda: link_is_up(quick), bool, timeout=60)
    assert time.monotonic() - began < 45
    eventually(lambda: quick.shell("I1", "sh", "-c", "pgrep -a ping || true"), lambda text: text == "", timeout=15)
    assert quick.vipbook("verify", "--wait", "30").code == 0
    # Its lock lasts as long as the drill might have.
    refused = quick.vipbook("drill", "web", "--yes", "--probe", "I1")
    assert "web is locked on" in refused.err
    assert "(drill) since" in refused.err
    for server in ("H1", "H2"):
        quick.shell(server, "sh", "-c", "rm -f /run/vipbook/*.lock")
