"""Names, paths and addresses of labs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabUsageError
from lab.place import DEFAULT_STATE, STATE_VARIABLE, Lab, LabPaths, lab_paths, lab_prefix, state_directory
from lab.topology import load_topology

DEFAULT = LabPaths(name=None, state=Path("/state"))
NAMED = LabPaths(name="t1", state=Path("/state"))


def test_prefix_and_namespace() -> None:
    assert (DEFAULT.prefix, NAMED.prefix) == ("vipbook", "vipbook-t1")
    assert (DEFAULT.namespace("H1"), NAMED.namespace("H1")) == ("vipbook-H1", "vipbook-t1-H1")


@pytest.mark.parametrize("name", ["", "T1", "1a", "t-1", "t_1", "ninechars", "../x", "t1\n", "é", " t1", "t1/x"])
def test_a_bad_name_is_refused(name: str) -> None:
    for refuses in (lab_prefix, lab_paths):
        with pytest.raises(LabUsageError, match="is no name for a lab"):
            refuses(name)


@pytest.mark.parametrize("name", ["a", "t1", "eightchr"])
def test_a_good_name(name: str) -> None:
    assert lab_prefix(name) == f"vipbook-{name}"


@pytest.mark.parametrize(
    ("paths", "namespace", "mine"),
    [
        (DEFAULT, "vipbook-H1", True),
        (DEFAULT, "vipbook-OLD9", True),
        (DEFAULT, "vipbook-t1-H1", False),
        (DEFAULT, "vipbook", False),
        (DEFAULT, "vipbook-", False),
        (DEFAULT, "xvipbook-H1", False),
        (DEFAULT, "vipbook-H1x-y", False),
        (DEFAULT, "vipbook-ninechars", False),
        (NAMED, "vipbook-t1-H1", True),
        (NAMED, "vipbook-H1", False),
        (NAMED, "vipbook-t11-H1", False),
        (NAMED, "vipbook-t2-H1", False),
    ],
)
def test_a_lab_knows_its_own_namespaces(paths: LabPaths, namespace: str, *, mine: bool) -> None:
    assert bool(paths.namespace_pattern.fullmatch(namespace)) is mine


def test_addresses_go_by_position() -> None:
    lab = Lab(paths=DEFAULT, topology=load_topology(), octet=1)
    assert [lab.address(node.name) for node in lab.topology.nodes] == [f"127.0.1.{last}" for last in range(11, 21)]
    assert Lab(paths=NAMED, topology=load_topology(), octet=9).address("H2") == "127.0.9.12"


def test_a_lab_without_addresses_has_none() -> None:
    assert Lab(paths=NAMED, topology=load_topology(), octet=None).address("H1") == ""


def test_the_state_directory_is_absolute_and_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    assert state_directory() == DEFAULT_STATE
    monkeypatch.setenv(STATE_VARIABLE, "")
    assert state_directory() == DEFAULT_STATE
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(STATE_VARIABLE, "state")
    assert state_directory() == tmp_path / "state"
