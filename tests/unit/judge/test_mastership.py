"""Who has the VIP: exactly which checks go red, the state, and what is said."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Interface, ip_interface
from typing import Any

import pytest

from tasks.judge.checks.mastership import judge_address
from tasks.judge.vip import judge_vip
from tasks.model.address import IpInterface
from tasks.model.mac import MacAddress
from tasks.model.server import Interface
from tasks.model.verdict import Finding, Status, VipState
from tests.unit.builders import (
    GONE,
    MACS,
    VIP,
    VTEPS,
    cluster,
    instance,
    interface,
    ping,
    subject,
    with_probe,
    with_server,
)
from tests.unit.judge.broken import COMPARING, changed_by, message_of

HEALTHY, NO_MASTER, SPLIT = VipState.HEALTHY, VipState.NO_MASTER, VipState.SPLIT_BRAIN
VIP_ON_H1 = (interface("H1", "100.65.0.11/24"),)

SKIPPED = {f"{check} {leaf}": "skip" for check in COMPARING for leaf in VTEPS} | {
    "preferred-master web": "skip",
    "origin web": "skip",
    "client-neighbor C1": "skip",
}
MASTERSHIP = [
    # server, what it says instead, every status that is not as on the healthy cluster, state, piece of a message
    (
        "H1",
        {"interfaces": (interface("H1", "100.65.0.11/24"), interface("H1", str(VIP), name="lo"))},
        {"vip-address H1": "fail"},
        HEALTHY,
        "H1 bears 100.65.0.10 on lo instead of enp0s8",
    ),
    (
        "H1",
        {"interfaces": (interface("H1", "100.65.0.11/24", str(VIP)), interface("H1", str(VIP), name="lo"))},
        {"vip-address H1": "fail"},
        HEALTHY,
        "on enp0s8, lo",
    ),
    (
        "H1",
        {"interfaces": (interface("H1", "100.65.0.11/24", "100.65.0.10/32"),)},
        {"vip-address H1": "fail"},
        HEALTHY,
        "prefix 32",
    ),
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
        {"interfaces": (interface("H2", "100.65.0.12/24", str(VIP)),), "instances": (instance("H2", "master"),)},
        {"master web": "fail", "adverts H2": "skip"} | SKIPPED,
        SPLIT,
        "their adverts do not reach each other",
    ),
    (
        "H2",
        {"interfaces": GONE},
        {"interface H2": "unknown", "vip-address H2": "unknown", "attachment H2": "unknown"} | SKIPPED,
        VipState.UNKNOWN,
        GONE.reason,
    ),
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
    later = {"later": values["instances"]} if "instances" in values else {}
    broken = with_server(subject(), host, **{**later, **values})
    assert changed_by(broken) == changed
    assert judge_vip(broken).state is state
    assert not piece or any(piece in message_of(broken, name) for name in changed)


VIP6 = IPv6Interface("fd00:100:65::10/64")
VMAC = MacAddress("00:00:5e:00:01:0b")
BASE = interface("H1", "100.65.0.11/24")


def macvlan(*addresses: str, mac: MacAddress = VMAC, name: str = "vrrp11") -> Interface:
    """keepalived's macvlan on H1, or another interface in its place."""
    return Interface(name=name, mac=mac, up=True, addresses=tuple(ip_interface(each) for each in addresses))


def both(use_vmac: bool, vip: IpInterface, *interfaces: Interface) -> Finding:  # noqa: FBT001
    """What is said of H1, the master, in a cluster with VIPs of both families."""
    declared = cluster(use_vmac=use_vmac, vips=(VIP, VIP6))
    whole = replace(with_server(subject(), "H1", interfaces=interfaces), cluster=declared, vip=vip)
    return judge_address(whole, declared.server("H1"))


@pytest.mark.parametrize(
    ("use_vmac", "vip", "interfaces", "status", "piece"),
    [
        (True, VIP, (BASE, macvlan(str(VIP), str(VIP6))), Status.PASS, "H1 bears 100.65.0.10/24 on vrrp11"),
        (True, VIP6, (BASE, macvlan(str(VIP), str(VIP6))), Status.PASS, "H1 bears fd00:100:65::10/64 on vrrp11"),
        (False, VIP6, (macvlan(str(VIP6), name="enp0s8"),), Status.PASS, "fd00:100:65::10/64 on enp0s8"),
        (True, VIP, (interface("H1", str(VIP)), macvlan()), Status.FAIL, "on enp0s8 instead of vrrp11"),
        (True, VIP6, (macvlan(str(VIP6), name="enp0s8"), macvlan(str(VIP))), Status.FAIL, "enp0s8 instead of vrrp11"),
        (True, VIP, (interface("H1", str(VIP)), macvlan(str(VIP))), Status.FAIL, "on enp0s8, vrrp11 instead of vrrp11"),
        (False, VIP, (BASE, macvlan(str(VIP))), Status.FAIL, "on vrrp11 instead of enp0s8"),
        (True, VIP6, (BASE, macvlan(str(VIP))), Status.FAIL, "is master but does not bear fd00:100:65::10"),
        (True, VIP6, (macvlan("fd00:100:65::10/128"),), Status.FAIL, "fd00:100:65::10 has prefix 128"),
        (False, VIP6, (macvlan("fd00:100:65::10/128", name="enp0s8"),), Status.FAIL, "has prefix 128"),
        (True, VIP, (macvlan(str(VIP), mac=MACS["H1"]),), Status.FAIL, f"has MAC {MACS['H1']} instead of {VMAC}"),
    ],
)
def test_where_the_master_bears_it(
    use_vmac: bool,  # noqa: FBT001
    vip: IpInterface,
    interfaces: tuple[Interface, ...],
    status: Status,
    piece: str,
) -> None:
    finding = both(use_vmac, vip, *interfaces)
    assert finding.status is status
    assert piece in finding.message


@pytest.mark.parametrize("where", ["vrrp11", "enp0s8", "lo"])
@pytest.mark.parametrize("vip", [VIP, VIP6])
def test_a_backup_bears_it_nowhere(where: str, vip: IpInterface) -> None:
    declared = cluster(use_vmac=True, vips=(VIP, VIP6))
    whole = with_server(subject(owner="H2"), "H1", interfaces=(BASE, macvlan(str(vip), name=where)))
    finding = judge_address(replace(whole, cluster=declared, vip=vip), declared.server("H1"))
    assert (finding.status, finding.actual) == (Status.FAIL, where)


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
    broken = with_probe(subject(), "I1", pings=ping(received))
    assert changed_by(broken) == changed
    assert judge_vip(broken).state is state
    assert piece in message_of(broken, "reachable I1")


def test_a_ping_that_sent_nothing_is_unknown() -> None:
    broken = with_probe(subject(), "I1", pings=ping(0, sent=0))
    assert changed_by(broken) == {"reachable I1": "unknown"}
