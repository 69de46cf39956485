"""A change window around real changes on the real fabric: GO, NO-GO and UNDETERMINED, with the evidence."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Fabric, bring_back, eventually, holds

pytestmark = pytest.mark.lab

SWAPPED = [("priority: 100", "priority: 50"), ("priority: 1,", "priority: 200,")]
STRANGER = "02:00:00:00:be:ef"


def opened(fabric: Fabric, name: str, *expected: str) -> None:
    words = [word for each in expected for word in ("--expect", each)]
    ran = fabric.vipbook("window", "open", name, *words, "--json")
    assert ran.code == 0, ran.problems()
    assert ran.report["window"]["expected"] == list(expected)


def unexplained(window: dict[str, Any]) -> list[str]:
    return [each["message"] for each in window["changes"] if each["explained_by"] is None]


@pytest.fixture
def swapped(healthy: Fabric, tmp_path: Path) -> Iterator[Fabric]:
    """The inventory in which H2 is the one that should bear the VIP; put back at the end."""
    yield healthy.variant(tmp_path, *SWAPPED)
    back = healthy.vipbook("apply", "--yes", "--json", timeout=300)
    assert back.code == 0, back.problems()


def test_an_apply_that_swaps_the_master_as_expected_is_go(healthy: Fabric, swapped: Fabric, tmp_path: Path) -> None:
    expected = ("web moves to H2", "keepalived on H1 changes", "keepalived on H2 changes")
    opened(healthy, "swap", *expected)
    applied = swapped.vipbook("apply", "--yes", "--json", timeout=300)
    assert applied.code == 0, applied.problems()
    bundle = tmp_path / "swap.tar.gz"
    ran = swapped.vipbook("window", "close", "swap", "--wait", "60", "--bundle", str(bundle), "--json")
    window = ran.report["window"]
    assert (ran.code, window["verdict"]) == (0, "go"), window["problems"] + window["open_questions"]
    assert [(each["text"], each["happened"]) for each in window["expectations"]] == [(each, True) for each in expected]
    moved = [each for each in window["changes"] if each["explained_by"] == "web moves to H2"]
    assert {each["host"] for each in moved} >= {"H1", "H2", "L1", "L2", "L3"}
    priorities = [each for each in window["changes"] if each["key"] == "instance VI_web"]
    assert {each["explained_by"] for each in priorities} == {"keepalived on H1 changes", "keepalived on H2 changes"}

    with tarfile.open(bundle) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    top = tmp_path / "out" / "swap"
    checked = subprocess.run(
        ["sha256sum", "-c", "--quiet", "MANIFEST.sha256"], cwd=top, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    listed = {line.split("  ", 1)[1] for line in (top / "MANIFEST.sha256").read_text().splitlines()}
    files = {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}
    assert files == listed | {"MANIFEST.sha256"}
    assert {"report.json", "report.html", "report.md", "report.xml", "versions.json"} <= files
    assert any(name.startswith("before/L2/") for name in files)
    assert any(name.startswith("after/L2/") for name in files)
    assert json.loads((top / "report.json").read_text())["window"]["verdict"] == "go"
    assert not [path for path in top.rglob("*") if path.is_file() and healthy.secret in path.read_text()]
    kept = list((healthy.state / "windows").iterdir())
    assert not [path for path in kept if healthy.secret.encode() in path.read_bytes()]
    again = swapped.vipbook("window", "check", "swap", "--json")
    assert again.code == 2
    assert "was closed" in again.err


def test_the_same_with_one_forged_neighbor_is_no_go_and_names_it(healthy: Fabric, swapped: Fabric) -> None:
    opened(healthy, "forged", "web moves to H2", "keepalived on H1 changes", "keepalived on H2 changes")
    applied = swapped.vipbook("apply", "--yes", "--json", timeout=300)
    assert applied.code == 0, applied.problems()
    row = ("100.65.0.10", "lladdr", STRANGER, "dev", "vlan100")
    healthy.shell("L3", "ip", "neigh", "replace", *row, "nud", "noarp", "extern_learn")
    try:
        ran = swapped.vipbook("window", "close", "forged", "--json")
        window = ran.report["window"]
        assert (ran.code, window["verdict"]) == (1, "no-go")
        assert any("neighbor L3" in each and STRANGER in each for each in window["problems"]), window["problems"]
        (forged,) = [each for each in window["changes"] if (each["host"], each["table"]) == ("L3", "kernel neighbor")]
        assert forged["after"]["mac"] == STRANGER
        assert Path(window["bundle"]).is_file()
    finally:
        healthy.shell("L3", "ip", "neigh", "del", "100.65.0.10", "dev", "vlan100")


def test_what_nobody_expected_is_collateral(healthy: Fabric) -> None:
    opened(healthy, "quiet")
    assert healthy.vipbook("window", "check", "quiet").code == 0
    healthy.shell("H2", "nft", "add", "rule", "inet", "filter", "input", "tcp", "dport", "8080", "accept")
    try:
        ran = healthy.vipbook("window", "check", "quiet", "--json")
        assert ran.report["window"]["verdict"] == "no-go"
        assert unexplained(ran.report["window"]) == ["H2 firewall: inet filter input changed: rules changed"]
        explained = healthy.vipbook("window", "open", "other", "--expect", "firewall on H2 changes")
        assert explained.code == 0
        missed = healthy.vipbook("window", "check", "other", "--json")
        assert missed.report["window"]["problems"] == ["firewall on H2 changes: nothing of it changed"]
    finally:
        rules = json.loads(healthy.shell("H2", "nft", "-j", "-a", "list", "chain", "inet", "filter", "input"))[
            "nftables"
        ]
        (handle,) = [each["rule"]["handle"] for each in rules if "8080" in json.dumps(each)]
        healthy.shell("H2", "nft", "delete", "rule", "inet", "filter", "input", "handle", str(handle))
    assert healthy.vipbook("window", "check", "quiet").code == 0


def test_a_leaf_that_went_unreachable_is_undetermined(healthy: Fabric) -> None:
    opened(healthy, "silent")
    healthy.shell("L3", "systemctl", "stop", "ssh")
    try:
        ran = healthy.vipbook("window", "close", "silent", "--json")
    finally:
        healthy.shell("L3", "systemctl", "start", "ssh")
    window = ran.report["window"]
    assert (ran.code, window["verdict"], window["problems"]) == (3, "undetermined", [])
    assert any(each.startswith("L3 did not tell its") for each in window["open_questions"])


def test_a_server_that_goes_down_as_expected_is_go(healthy: Fabric) -> None:
    """H2 is taken out of service: what the fabric had of it is gone, and nothing else."""
    opened(healthy, "out", "H2 down")
    healthy.shell("H2", "systemctl", "stop", "keepalived", "ssh")
    healthy.shell("H2", "ip", "link", "set", "dev", "enp0s8", "down")
    try:
        ran = eventually(
            lambda: healthy.vipbook("window", "check", "out", "--json"),
            lambda each: each.report["window"]["verdict"] == "go",
            timeout=30,
        )
        assert [each["happened"] for each in ran.report["window"]["expectations"]] == [True]
        assert {each["explained_by"] for each in ran.report["window"]["changes"]} <= {
            "H2 down",
            "comes and goes by itself",
        }
    finally:
        healthy.shell("H2", "systemctl", "start", "ssh")
        healthy.shell("H2", "ip", "link", "set", "dev", "enp0s8", "up")
        healthy.shell("H2", "ip", "route", "replace", "default", "via", "100.65.0.1", "dev", "enp0s8")
        healthy.shell("H2", "systemctl", "start", "keepalived")
        holds(healthy, "H1")
    back = healthy.vipbook("verify", "--wait", "60", "--json")
    assert back.report["verdict"] == "pass", back.problems()
    ended = healthy.vipbook("window", "close", "out", "--json")
    assert ended.report["window"]["problems"][0] == "H2 down: H2 still answers"


def test_an_unhealthy_cluster_opens_only_when_that_is_accepted(healthy: Fabric) -> None:
    healthy.shell("H1", "ip", "link", "set", "dev", "enp0s8", "down")
    try:
        holds(healthy, "H2")
        refused = healthy.vipbook("window", "open", "sick", "--json")
        assert refused.code == 1
        assert "--accept-failing" in refused.report["reason"]
        assert healthy.vipbook("window", "check", "sick").code == 2
        accepted = healthy.vipbook("window", "open", "sick", "--accept-failing", "--json")
        assert accepted.code == 0
        assert accepted.report["window"]["accepted_failing"] is True
        ran = eventually(
            lambda: healthy.vipbook("window", "check", "sick", "--json"),
            lambda each: not each.report["window"]["open_questions"],
            timeout=20,
        )
        assert "interface/H1" in " ".join(ran.report["window"]["failed_before"])
        assert ran.report["window"]["accepted_failing"] is True
    finally:
        bring_back(healthy)
    back = healthy.vipbook("verify", "--wait", "60", "--json")
    assert back.report["verdict"] == "pass", back.problems()
