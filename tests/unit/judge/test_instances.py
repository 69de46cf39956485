"""The instance of a cluster is the same virtual router, whatever its name is."""

from __future__ import annotations

from ipaddress import IPv6Interface
from typing import Any

import pytest

from tasks.judge.checks.mastership import judge_master
from tasks.judge.instances import carries, family_of, instance_of
from tasks.judge.vip import judge_vip
from tasks.model.server import Instance
from tasks.model.verdict import Status, VipState
from tests.unit.builders import VIP, cluster, instance, server, subject, with_server

VIP6 = IPv6Interface("fd00::10/64")


def one(name: str = "VI_1", **changed: object) -> Instance:
    return instance("H1", "master", name=name, **({"advertised": (VIP,)} | changed))


@pytest.mark.parametrize(
    ("instances", "found"),
    [
        pytest.param((), None, id="none"),
        pytest.param((one(),), "VI_1", id="another name"),
        pytest.param((one("VI_web", vrid=12),), None, id="the name, and another VRID"),
        pytest.param((one("VI_web", vrid=12), one()), "VI_1", id="the name is another's"),
        pytest.param((one(interface="enp0s9"),), None, id="another interface"),
        pytest.param((one("A", interface="enp0s9"), one("B")), "B", id="one VRID on two interfaces"),
        pytest.param((one(advertised=(VIP6,)),), None, id="another family"),
        pytest.param((one("A", advertised=(VIP6,)), one("B")), "B", id="one VRID of two families"),
        pytest.param((one("A", advertised=()), one("B")), "B", id="one that carries nothing, and another"),
        pytest.param((one(advertised=()),), "VI_1", id="one that carries nothing"),
        pytest.param((one(advertised=(), vips=(VIP6,)),), "VI_1", id="one with IPv6 VIPs that are not in its adverts"),
        pytest.param((one(vmac_interface="vrrp11"),), "VI_1", id="a virtual MAC"),
        pytest.param((one(interface=""),), "VI_1", id="its interface is gone"),
        pytest.param((one("A", interface=""), one("B")), "B", id="an interface that is known goes first"),
        pytest.param((one("A", interface=""), one("VI_web", interface="")), "VI_web", id="then the name"),
        pytest.param((one("A", interface=""), one("B", interface="")), None, id="two that can't be told apart"),
    ],
)
def test_which_one_it_is(instances: tuple[Instance, ...], found: str | None) -> None:
    own = instance_of(instances, cluster(), server("H1"))
    assert (own.name if own is not None else None) == found


@pytest.mark.parametrize(
    ("own", "family"),
    [
        pytest.param(one(advertised=(VIP,), vips=(VIP, VIP6)), 4, id="IPv4 adverts"),
        pytest.param(one(advertised=(VIP6,), version=3), 6, id="IPv6 adverts"),
        pytest.param(one(advertised=(), vips=(VIP,)), 4, id="IPv4 VIPs outside them alone"),
        pytest.param(one(advertised=(), vips=(VIP6,)), 4, id="IPv6 VIPs outside them alone, where IPv4 is the default"),
        pytest.param(one(advertised=(), version=3), None, id="one that VRRPv3 has in no release"),
    ],
)
def test_the_family_is_that_of_the_adverts(own: Instance, family: int | None) -> None:
    assert family_of(own) == family
    six = cluster(family=6, version=3, vips=(VIP6,))
    assert (instance_of((own,), six, server("H1")) is not None) is (family != 4)


def test_an_instance_of_another_vrid_may_hold_the_vip() -> None:
    assert carries(one(vrid=51), cluster())
    assert not carries(one(vips=(VIP6,)), cluster())


def test_a_hand_made_instance_is_the_master_that_it_says_it_is() -> None:
    whole = subject()
    for host, state in (("H1", "master"), ("H2", "backup")):
        was, now = (instance(host, state, name="VI_1", adverts_received=heard) for heard in (10, 12))
        whole = with_server(whole, host, instances=(was,), later=(now,))
    assert judge_master(whole).status is Status.PASS
    verdict = judge_vip(whole)
    assert (verdict.state, verdict.status, verdict.owner) == (VipState.HEALTHY, Status.PASS, "H1")


def test_the_name_alone_makes_no_master() -> None:
    whole = subject()
    for host, state in (("H1", "master"), ("H2", "backup")):
        other = instance(host, state, vrid=12)
        whole = with_server(whole, host, instances=(other,), later=(other,))
    assert judge_vip(whole).state is VipState.NO_MASTER


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        pytest.param({"vrid": 12}, "virtual_router_id 12 instead of 11", id="VRID"),
        pytest.param({"interface": "eth1"}, "interface eth1 instead of enp0s8", id="interface"),
        pytest.param({"vrid": 12, "version": 3}, "; version 3 instead of 2", id="more than that"),
    ],
)
def test_a_backup_of_another_virtual_router_is_none_of_this_one(changed: dict[str, Any], wrong: str) -> None:
    """It has the cluster's name, and would not take over."""
    other = instance("H2", "backup", adverts_received=12, **changed)
    broken = with_server(subject(), "H2", instances=(other,), later=(other,))
    found = {f"{each.check} {each.target}": each for each in judge_vip(broken).findings}
    assert found["master web"].status is Status.WARN
    assert found["adverts H2"].status is Status.FAIL
    assert found["running-config H2"].status is Status.FAIL
    assert wrong in found["running-config H2"].message
