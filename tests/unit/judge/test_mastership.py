"""Who has the VIP: exactly which checks go red, the state, and what is said."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.judge.vip import judge_vip
from tasks.model.verdict import VipState
from tests.unit.builders import GONE, VIP, instance, interface, ping, probe_facts, subject, with_server
from tests.unit.judge.broken import changed_by, message_of

HEALTHY, NO_MASTER, SPLIT = VipState.HEALTHY, VipState.NO_MASTER, VipState.SPLIT_BRAIN
VIP_ON_H1 = (interface("H1", "100.65.0.11/24"),)

SKIPPED = {
    f"{check} {leaf}": "skip"
    for check in ("neighbor", "fdb", "evpn-mac", "evpn-arp", "bgp-type2")
    for leaf in ("L1", "L2")
} | {"preferred-master web": "skip"}
MASTERSHIP = [
    # server, what it says instead, every status that is not as on the healthy cluster, state, piece of a message
    (
        "H1",
        {"interfaces": (interface("H1", "100.65.0.11/24"), interface("H1", str(VIP), name="lo"))},
        {"vip-address H1": "fail"},
        HEALTHY,
        "H1 bears 100.65.0.10 on lo",
    ),
    (
        "H1",
        {"interfaces": (interface("H1", str(VIP)), interface("H1", str(VIP), name="lo"))},
        {"vip-address H1": "fail"},
        HEALTHY,
        "on enp0s8, lo",
    ),
    ("H1", {"interfaces": (interface("H1", "100.65.0.10/32"),)}, {"vip-address H1": "fail"}, HEALTHY, "has prefix 32"),
    (
        "H2",
        {"instances": GONE},
        {"adverts H2": "unknown", "running-config H2": "unknown", "master web": "unknown"},
        VipState.UNKNOWN,
        f"H2 did not tell: {GONE.reason}",
    ),
    (
        "H1",
        {"instances": GONE},
        {"adverts H1": "unknown", "running-config H1": "unknown", "master web": "unknown", "vip-address H1": "unknown"},
        VipState.UNKNOWN,
        f"H1 did not tell: {GONE.reason}",
    ),
    (
        "H2",
        {"instances": (instance("H2", "master"),)},
        {"master web": "fail", "vip-address H2": "fail", "adverts H2": "skip"},
        SPLIT,
        "H1 and H2 are master at once",
    ),
    (
        "H1",
        {"instances": (instance("H1", "backup"),), "interfaces": VIP_ON_H1},
        {"master web": "fail", "adverts H1": "fail"} | SKIPPED,
        NO_MASTER,
        "no server is master",
    ),
    (
        "H1",
        {"instances": (instance("H1", "fault"),), "interfaces": VIP_ON_H1},
        {"master web": "fail"} | SKIPPED,
        NO_MASTER,
        "no server is master",
    ),
    (
        "H1",
        {"instances": (), "interfaces": VIP_ON_H1},
        {"master web": "fail", "running-config H1": "fail", "adverts H1": "fail"} | SKIPPED,
        NO_MASTER,
        "no server is master",
    ),
    # what changes while we look is never a pass: the backup that hears nothing becomes master just then
    (
        "H2",
        {"later": (instance("H2", "master"),)},
        {"master web": "fail", "vip-address H2": "fail", "adverts H2": "unknown"},
        SPLIT,
        "H2 was backup and became master while we looked",
    ),
    (
        "H1",
        {"later": (instance("H1", "backup"),), "interfaces": VIP_ON_H1},
        {"master web": "unknown", "adverts H1": "unknown"} | SKIPPED,
        VipState.UNKNOWN,
        "the master changed while we looked: H1 was master, then backup",
    ),
    ("H2", {"later": ()}, {"adverts H2": "fail", "master web": "warn"}, HEALTHY, "keepalived runs without VI_web"),
    ("H2", {"later": GONE}, {"adverts H2": "unknown", "master web": "unknown"}, VipState.UNKNOWN, GONE.reason),
    (
        "H1",
        {"interfaces": VIP_ON_H1},
        {"vip-address H1": "fail"} | SKIPPED,
        NO_MASTER,
        "H1 is master but does not bear",
    ),
    (
        "H2",
        {"interfaces": (interface("H2", "100.65.0.12/24", str(VIP)),)},
        {"vip-address H2": "fail"} | SKIPPED,
        SPLIT,
        "H2 bears 100.65.0.10 on enp0s8 without being master",
    ),
    (
        "H2",
        {"interfaces": (interface("H2", str(VIP)),), "instances": (instance("H2", "master"),)},
        {"master web": "fail", "adverts H2": "skip"} | SKIPPED,
        SPLIT,
        "their adverts do not reach each other",
    ),
    ("H2", {"interfaces": GONE}, {"vip-address H2": "unknown"} | SKIPPED, VipState.UNKNOWN, GONE.reason),
    # no pair is whole while the other member can't take over
    (
        "H2",
        {"instances": (instance("H2", "fault"),), "later": (instance("H2", "fault"),)},
        {"master web": "warn", "adverts H2": "skip"},
        HEALTHY,
        "H2",
    ),
    (
        "H2",
        {"instances": ()},
        {"master web": "warn", "adverts H2": "fail", "running-config H2": "fail"},
        HEALTHY,
        "without VI_web; reload it",
    ),
]


@pytest.mark.parametrize(("host", "values", "changed", "state", "piece"), MASTERSHIP)
def test_exactly_these_checks_change(
    host: str, values: dict[str, Any], changed: dict[str, str], state: VipState, piece: str
) -> None:
    both = {"later": values["instances"]} if "instances" in values else {}
    broken = with_server(subject(), host, **{**both, **values})
    assert changed_by(broken) == changed
    assert judge_vip(broken).state is state
    assert not piece or any(piece in message_of(broken, name) for name in changed)


@pytest.mark.parametrize(
    ("received", "changed", "state", "piece"),
    [
        (0, {"reachable I1": "fail"}, VipState.BLACK_HOLE, "100.65.0.10 does not answer I1"),
        (1, {"reachable I1": "warn"}, HEALTHY, "but not always"),
        (2, {"reachable I1": "warn"}, HEALTHY, "but not always"),
        (3, {}, HEALTHY, ""),
    ],
)
def test_echoes(received: int, changed: dict[str, str], state: VipState, piece: str) -> None:
    broken = subject(probes={"I1": probe_facts(ping(received))})
    assert changed_by(broken) == changed
    assert judge_vip(broken).state is state
    assert piece in message_of(broken, "reachable I1")


def test_a_ping_that_sent_nothing_is_unknown() -> None:
    broken = subject(probes={"I1": probe_facts(ping(0, sent=0))})
    assert changed_by(broken) == {"reachable I1": "unknown"}
