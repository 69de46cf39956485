"""What can be told before a port goes down: FRR's memory of a virtual MAC that moved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.judge.foresight import left_behind
from tasks.judge.subject import Subject
from tests.unit.builders import GONE, MACS, VMAC, evpn_mac, subject, with_leaf
from tests.unit.judge.fabrics import virtual


def heard(sequence: int | None, *, owner: str = "H1", leaf: str = "L1", kind: str = "local") -> Subject:
    """That leaf has the virtual MAC on its port, and heard of it from elsewhere before."""
    row = evpn_mac(VMAC, port="swp1", kind=kind, local_sequence=(sequence or 0) + 1, remote_sequence=sequence)
    return with_leaf(virtual(owner, 1), leaf, evpn_macs=(row,))


def test_a_leaf_that_heard_a_higher_sequence_is_named_with_its_mend() -> None:
    said = left_behind(heard(2), "H1") or ""
    assert said.startswith("L1 once heard sequence 2 for 00:00:5e:00:01:0b from elsewhere: with swp1 down")
    assert "FRRouting/frr#9327" in said
    assert said.endswith(
        "on L1: sudo ip neigh del 100.65.0.10 dev vlan100; sudo bridge fdb del 00:00:5e:00:01:0b dev swp1 master"
    )


def without_owner(facts: Subject) -> Subject:
    return replace(facts, servers={name: replace(each, interfaces=GONE) for name, each in facts.servers.items()})


PHYSICAL = evpn_mac(MACS["H1"], port="swp1", remote_sequence=2)


@pytest.mark.parametrize(
    ("facts", "port_lost"),
    [
        pytest.param(heard(0), "H1", id="never moved, or with the link down alone"),
        pytest.param(heard(None), "H1", id="an FRR that tells no sequence"),
        pytest.param(heard(2), "H2", id="the port of the backup goes down"),
        pytest.param(heard(2, kind="remote"), "H1", id="not its own at the moment"),
        pytest.param(heard(2, leaf="L2"), "H1", id="another leaf than the owner's"),
        pytest.param(with_leaf(virtual(), "L1", evpn_macs=GONE), "H1", id="MACs not read"),
        pytest.param(with_leaf(subject(), "L1", evpn_macs=(PHYSICAL,)), "H1", id="the MAC of the server itself"),
        pytest.param(without_owner(heard(2)), "H1", id="nobody knows who bears it"),
    ],
)
def test_where_nothing_is_left_behind_nothing_is_said(facts: Subject, port_lost: str) -> None:
    assert left_behind(facts, port_lost) is None
