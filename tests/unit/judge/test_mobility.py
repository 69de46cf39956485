"""The mobility sequence supports a verdict and never makes one: exactly when it warns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.leaf import LeafFacts
from tasks.model.verdict import VipState
from tests.unit.builders import GONE, MACS, VTEPS, evpn_neighbor, path, subject, with_leaf
from tests.unit.judge.broken import by_name, changed_by
from tests.unit.judge.fabrics import V1, mlag, moved_tables

H1, H2 = MACS["H1"], MACS["H2"]


def at(sequence: int | None, **others: int | None) -> Subject:
    """The VIP at H1 with that sequence on every leaf, but what `others` hold."""
    facts = subject()
    for leaf in VTEPS:
        own = others.get(leaf, sequence)
        tables = moved_tables(leaf, "H1", own or 0)
        if own is None:
            untold = evpn_neighbor(H1, vtep=None if leaf == "L1" else V1, local_sequence=None, remote_sequence=None)
            tables = replace(tables, evpn_neighbors=replace(tables.evpn_neighbors, value=(untold,)))
        facts = replace(facts, leaves={**facts.leaves, leaf: tables})
    return facts


def before(facts: Subject, sequence: int | None, **changed: Any) -> Subject:  # noqa: ANN401
    """The same, seen in a drill that began with that sequence on L2."""
    then = replace(evpn_neighbor(H1, vtep=V1, remote_sequence=sequence), **changed)
    leaves: dict[str, LeafFacts] = dict(with_leaf(facts, "L2", evpn_neighbors=(then,)).leaves)
    return replace(facts, before=leaves)


@pytest.mark.parametrize(
    ("facts", "changed", "piece"),
    [
        (at(0), {}, ""),
        (at(7), {}, ""),
        (at(None), {"mobility L1": "skip", "mobility L2": "skip", "mobility L3": "skip"}, "tells no sequence"),
        (at(3, L2=None), {"mobility L2": "skip"}, "this FRR tells no sequence"),
        # the owner's leaf alone tells none: nothing to compare with
        (at(3, L1=None), {"mobility L1": "skip"}, "this FRR tells no sequence"),
        (at(3, L2=2), {"mobility L2": "warn"}, "L2 holds sequence 2, L1 says 3"),
        (at(3, L2=9), {"mobility L2": "warn"}, "L2 holds sequence 9, L1 says 3"),
        (at(3, L2=0), {"mobility L2": "warn"}, "L2 holds sequence 0, L1 says 3"),
        (at(0, L1=1), {"mobility L2": "warn", "mobility L3": "warn"}, "L2 holds sequence 0, L1 says 1"),
        # zebra and BGP of one leaf
        (with_leaf(at(3), "L2", paths=(path(H1, V1, sequence=2),)), {"mobility L2": "warn"}, "3, BGP 2"),
        (with_leaf(at(3), "L1", paths=(path(H1, V1, sequence=4),)), {"mobility L1": "warn"}, "zebra on L1 holds"),
        (with_leaf(at(3), "L2", paths=(path(H1, V1),)), {"mobility L2": "warn"}, "sequence 3, BGP 0"),
        (with_leaf(at(3), "L2", paths=(path(H1, V1, sequence=3), path(H1, V1, sequence=2, best=False))), {}, ""),
        # in a drill
        (before(at(3), 2), {}, ""),
        (before(at(3), 3), {}, ""),
        (before(at(3), None), {}, ""),
        (before(at(0), 5), {}, "a route that was withdrawn begins anew"),
        (before(at(3), 5), {"mobility L2": "warn"}, "L2: the sequence fell from 5 to 3 although the entry stayed"),
        (before(at(1), 2), {"mobility L2": "warn"}, "fell from 2 to 1"),
        # another entry than before has another sequence
        (before(at(3), 5, mac=H2), {}, ""),
        (before(at(3), 5, vtep="10.255.0.99"), {}, ""),
        (before(at(3), 5, kind="local"), {}, ""),
        (before(at(3), 5, address="100.65.0.99"), {}, ""),
    ],
)
def test_exactly_these_checks_change(facts: Subject, changed: dict[str, str], piece: str) -> None:
    assert changed_by(facts) == changed
    assert judge_vip(facts).state is VipState.HEALTHY
    if changed:
        assert any(piece in by_name(judge_vip(facts))[name].message for name in changed)


def test_a_leaf_that_is_new_or_did_not_tell_before_has_nothing_to_fall_from() -> None:
    facts = at(3)
    assert changed_by(replace(facts, before={})) == {}
    assert changed_by(replace(facts, before=dict(with_leaf(facts, "L2", evpn_neighbors=GONE).leaves))) == {}


@pytest.mark.parametrize(
    "row", [evpn_neighbor(H2, vtep=V1, remote_sequence=9), evpn_neighbor(H1, kind="auto", remote_sequence=9)]
)
def test_of_an_entry_that_is_wrong_the_sequence_means_nothing(row: object) -> None:
    finding = by_name(judge_vip(with_leaf(at(3), "L2", evpn_neighbors=(row,))))["mobility L2"]
    assert (finding.status, finding.message.partition(";")[0]) == (
        "skip",
        "other checks say what is wrong with the entry",
    )


@pytest.mark.parametrize(
    ("first", "second", "status"), [(4, 2, "pass"), (2, 4, "pass"), (3, 3, "warn"), (9, 4, "warn")]
)
def test_each_leaf_of_a_pair_counts_for_itself_and_all_others_follow_the_higher(
    first: int, second: int, status: str
) -> None:
    facts = with_leaf(mlag(), "L1", evpn_neighbors=(evpn_neighbor(H1, local_sequence=first),))
    facts = with_leaf(facts, "L2", evpn_neighbors=(evpn_neighbor(H1, local_sequence=second),))
    vtep = facts.vtep_of("L1")
    facts = with_leaf(facts, "L3", evpn_neighbors=(evpn_neighbor(H1, vtep=vtep, remote_sequence=4),))
    found = by_name(judge_vip(facts))
    assert found["mobility L3"].status == status
    assert (found["mobility L1"].status, found["mobility L2"].status) == ("pass", "pass")
