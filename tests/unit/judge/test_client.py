"""What a host in the VIP's own subnet holds for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.judge.subject import Subject
from tasks.judge.vip import judge_vip
from tasks.model.verdict import VipState
from tests.unit.builders import (
    AWAY,
    GONE,
    MACS,
    OTHER_MAC,
    VIP,
    VMAC,
    interface,
    neighbor,
    subject,
    with_probe,
    with_server,
)
from tests.unit.judge.broken import changed_by, message_of
from tests.unit.judge.fabrics import virtual

H1, H2 = MACS["H1"], MACS["H2"]


def held(mac: Any, state: str = "REACHABLE", **changed: Any) -> dict[str, Any]:  # noqa: ANN401
    row = neighbor(mac, interface="eth1", remote=False, states=frozenset({state} if state else ()))
    return {"neighbors": (replace(row, **changed),)}


@pytest.mark.parametrize(
    ("values", "status", "piece"),
    [
        (held(H1, "STALE"), None, ""),
        (held(H1, "DELAY"), None, ""),
        ({"neighbors": ()}, "skip", "C1 held no MAC for 100.65.0.10, so it asks anew"),
        (held(None, "FAILED"), "skip", "held no MAC"),
        (held(H2, "FAILED"), "skip", "held no MAC"),
        (held(None, "INCOMPLETE"), "skip", "held no MAC"),
        (held(H2, ""), "skip", "held no MAC"),
        (held(H2, interface="eth2"), "skip", "held no MAC"),  # not the way that it sends
        (held(H2, address=VIP.ip + 1), "skip", "held no MAC"),
        ({"routes": AWAY}, "skip", "C1 is in another subnet"),
        (held(H2), "fail", "C1 still sends to 08:00:27:70:07:ae (H2) for 100.65.0.10; H1 bears it"),
        (held(H2, "STALE"), "fail", "still sends to"),
        (held(H2, "PERMANENT", permanent=True), "fail", "still sends to"),
        (held(OTHER_MAC), "fail", "still sends to 08:00:27:ff:ff:ff for"),
        (held(H1, "PERMANENT", permanent=True), "warn", "C1 has a static entry"),
        ({"neighbors": GONE}, "unknown", GONE.reason),
        ({"routes": GONE}, "unknown", GONE.reason),
        ({"routes": AWAY, "neighbors": GONE}, "skip", "C1 is in another subnet"),
    ],
)
def test_exactly_this_check_changes(values: dict[str, Any], status: str | None, piece: str) -> None:
    facts = with_probe(subject(), "C1", **values)
    assert changed_by(facts) == ({"client-neighbor C1": status} if status else {})
    assert not piece or piece in message_of(facts, "client-neighbor C1")
    state = {"fail": VipState.STALE_NEIGHBOR, "unknown": VipState.UNKNOWN}.get(status or "", VipState.HEALTHY)
    assert judge_vip(facts).state is state


@pytest.mark.parametrize(
    ("mac", "permanent", "status"), [(VMAC, False, "pass"), (VMAC, True, "pass"), (H1, False, "fail")]
)
def test_a_virtual_mac_moves_with_the_vip(mac: Any, permanent: bool, status: str) -> None:  # noqa: ANN401, FBT001
    facts = with_probe(virtual(), "C1", **held(mac, permanent=permanent))
    verdict = {finding.target: finding for finding in judge_vip(facts).findings if finding.check == "client-neighbor"}
    assert verdict["C1"].status == status


def test_without_an_owner_there_is_nothing_to_compare_with() -> None:
    nobody: Subject = with_server(subject(), "H1", interfaces=(interface("H1", "100.65.0.11/24"),))
    assert "no single server bears the VIP" in message_of(nobody, "client-neighbor C1")
