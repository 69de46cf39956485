"""Servers that are not what was declared: exactly which checks go red, and what is said."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any

import pytest

from tasks.judge.checks.server import differences
from tasks.judge.vip import judge_vip
from tasks.model.server import Package
from tasks.model.verdict import VipState
from tests.unit.builders import (
    CONFIG,
    GONE,
    VIP,
    cluster,
    config_file,
    instance,
    interface,
    service,
    subject,
    with_server,
)
from tests.unit.judge.broken import by_name, changed_by, message_of

HEALTHY = VipState.HEALTHY
VIP6 = IPv6Interface("fd00:100:65::10/64")
OLD = instance("H2", "backup", name="VI_old")


def running(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    """H2's keepalived with other values, all the time."""
    return {
        "instances": (instance("H2", "backup", **changed),),
        "later": (instance("H2", "backup", **({"adverts_received": 12} | changed)),),
    }


DOWN = replace(interface("H2", "100.65.0.12/24"), up=False)
RENAMED = interface("H2", "100.65.0.12/24", name="enp0s9")
DRIFT = [
    # server, what it says instead, the checks of that server that change, piece of a message; the VIP stays healthy
    ("H2", {"package": Package(manager="apt", version=None)}, "package fail", "keepalived is not inst"),
    ("H2", {"package": GONE}, "package unknown", GONE.reason),
    ("H2", {"config": config_file(text=None, mode=None)}, "config fail", "there is no keepalived.conf"),
    ("H2", {"config": config_file(text=CONFIG + "#\n")}, "config fail", "is not what the intent renders"),
    ("H2", {"config": config_file(text=CONFIG[:-1])}, "config fail", "is not what the intent renders"),
    ("H2", {"config": config_file(text="")}, "config fail", "is not what the intent renders"),
    ("H2", {"config": config_file(mode=0o644)}, "config fail", "root:root 0644; it holds a password"),
    ("H2", {"config": config_file(mode=0o660)}, "config fail", "root:root 0660"),
    ("H2", {"config": config_file(owner="www")}, "config fail", "www:root 0640"),
    ("H2", {"config": config_file(group="adm")}, "config fail", "root:adm 0640"),
    ("H2", {"config": config_file(mode=0o600)}, "", ""),
    ("H2", {"config": GONE}, "config unknown, running-config unknown", GONE.reason),
    ("H2", {"service": service(active="inactive")}, "service fail", "keepalived.service is inactive"),
    ("H2", {"service": service(active="failed")}, "service fail", "keepalived.service is failed"),
    ("H2", {"service": service(active="activating")}, "service fail", "is activating"),
    ("H2", {"service": service(enabled="disabled")}, "service fail", "will not come back after a boot"),
    ("H2", {"service": service(enabled="masked")}, "service fail", "is masked"),
    ("H2", {"service": service(enabled="enabled-runtime")}, "service fail", "enabled-runtime"),
    ("H2", {"service": GONE}, "service unknown, running-config unknown", GONE.reason),
    ("H2", {"service": service(loaded_at=99.0)}, "running-config fail", "changed after keepalived last"),
    ("H2", {"service": service(loaded_at=None)}, "running-config fail", "changed after keepalived last"),
    ("H2", {"service": service(loaded_at=100.0)}, "", ""),
    ("H2", {"config": config_file(modified_at=101.9), "service": service(loaded_at=101.2)}, "", ""),
    ("H2", running(base_priority=50), "running-config fail", "priority 50 instead of 1"),
    ("H2", running(effective_priority=50), "running-config warn", "changed the priority from 1 to 50"),
    ("H2", {"interfaces": (interface("H2"),)}, "interface fail", "does not bear 100.65.0.12/24"),
    ("H2", {"interfaces": (interface("H2", "100.65.0.12/25"),)}, "interface fail", "does not bear 100.65.0.12/24"),
    ("H2", {"interfaces": (DOWN,)}, "interface fail", "is down, or has no carrier"),
    ("H2", {"interfaces": (RENAMED,)}, "interface fail, attachment unknown", "no interface enp0s8"),
    ("H2", running(version=3), "running-config fail", "version 3 instead of 2"),
    ("H2", running(advert_int=2.0), "running-config fail", "advert_int 2.0 instead of 1.0"),
    ("H2", running(nopreempt=True), "running-config fail", "nopreempt True instead of False"),
    ("H2", running(vmac_interface="vrrp11"), "running-config fail", "use_vmac vrrp11 instead of off"),
    ("H2", running(vips=(VIP6, VIP)), "running-config fail", "VIPs 100.65.0.10/24, fd00:100:65::10/64 instead of 100"),
    ("H2", running(vips=()), "running-config fail", "VIPs  instead of 100.65.0.10/24"),
    ("H2", running(vips=(IPv4Interface("100.65.0.10/32"),)), "running-config fail", "100.65.0.10/32"),
    ("H2", {"later": (instance("H2", "backup", adverts_received=10),)}, "adverts fail", "no advert arrived"),
    ("H2", {"later": (instance("H2", "backup", adverts_received=0),)}, "adverts unknown", "started anew"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "values", "changed", "piece"), DRIFT)
def test_exactly_these_checks_of_the_server_change(host: str, values: dict[str, Any], changed: str, piece: str) -> None:
    broken = with_server(subject(), host, **values)
    words = [each.split() for each in changed.split(", ") if each]
    assert changed_by(broken) == {f"{check} {host}": status for check, status in words}
    assert judge_vip(broken).state is HEALTHY
    assert not piece or any(piece in message_of(broken, f"{check} {host}") for check, _ in words)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (CONFIG.replace("hunter22", "hunter23"), "auth_pass differs (shown as ***)"),
        (CONFIG.replace("auth_pass", "auth_type PASS\n        auth_pass"), "-        auth_type PASS"),
        (CONFIG.replace("VI_web", "VI_old"), "-vrrp_instance VI_old {"),
        (CONFIG.replace("VI_web", "VI_old"), "+vrrp_instance VI_web {"),
        (CONFIG.replace("    authentication {\n", "    authentication { auth_pass old }\n"), "auth_pass ***"),
    ],
)
def test_drift_is_shown_without_the_password(text: str, shown: str) -> None:
    finding = by_name(judge_vip(with_server(subject(), "H2", config=config_file(text=text))))["config H2"]
    assert shown in finding.actual
    assert "hunter2" not in finding.actual
    assert " old" not in finding.actual


@pytest.mark.parametrize("text", [CONFIG[:-1], CONFIG.replace("\n", "\r\n"), CONFIG[:-1] + "\x0c"])
def test_a_difference_in_line_ends_is_not_called_one_of_the_password(text: str) -> None:
    finding = by_name(judge_vip(with_server(subject(), "H2", config=config_file(text=text))))["config H2"]
    assert finding.status == "fail"
    assert "auth_pass differs" not in finding.actual


def test_nopreempt_is_judged_as_declared() -> None:
    kept = replace(subject(), cluster=cluster(preempt=False))
    assert changed_by(kept) == {"running-config H1": "fail", "running-config H2": "fail"}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"vips": (VIP6, VIP)}, []),
        ({"vmac_interface": None}, ["use_vmac off instead of vrrp11"]),
        ({"vmac_interface": "vrrp.11"}, ["use_vmac vrrp.11 instead of vrrp11"]),
        ({"interface": "vrrp11"}, ["interface vrrp11 instead of enp0s8"]),
        ({"vips": (VIP,)}, ["VIPs 100.65.0.10/24 instead of 100.65.0.10/24, fd00:100:65::10/64"]),
        (
            {"vips": (VIP, IPv6Interface("fd00:100:65::10/128"))},
            ["VIPs 100.65.0.10/24, fd00:100:65::10/128 instead of 100.65.0.10/24, fd00:100:65::10/64"],
        ),
    ],
)
def test_what_runs_with_a_virtual_mac_and_both_families(changed: dict[str, Any], wrong: list[str]) -> None:
    declared = cluster(use_vmac=True, vips=(VIP, VIP6))
    running_now = instance("H1", "master", **({"vips": (VIP, VIP6), "vmac_interface": "vrrp11"} | changed))
    assert differences(running_now, declared, declared.server("H1")) == wrong
