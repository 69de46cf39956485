"""Which nodes can be rebooted."""

from __future__ import annotations

import pytest

from lab.errors import LabUsageError
from lab.place import Lab, lab_paths
from lab.power import rebootable
from lab.topology import load_topology

LAB = Lab(paths=lab_paths("t1"), topology=load_topology(), octet=None)


@pytest.mark.parametrize("name", ["H1", "H4", "I1", "C1"])
def test_servers_and_clients_can(name: str) -> None:
    assert rebootable(LAB, name).name == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("L1", "L1 is a leaf and its interfaces are the lab's (nodes that can be rebooted: H1, H2, I1, C1, H3, H4)"),
        ("S1", "S1 is a spine and its interfaces are the lab's"),
        ("H9", "the lab has no node 'H9' (nodes that can be rebooted: H1, H2, I1, C1, H3, H4)"),
        ("h1", "the lab has no node 'h1'"),
        ("", "the lab has no node ''"),
    ],
)
def test_others_are_refused(name: str, said: str) -> None:
    with pytest.raises(LabUsageError) as caught:
        rebootable(LAB, name)
    assert str(caught.value).startswith(said)
    assert caught.value.exit_code == 2
