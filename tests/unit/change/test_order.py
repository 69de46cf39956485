"""The order of servers: backups first, and turned round where a list of VIPs changes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest

from tasks.change.order import change_order
from tasks.change.wire import differing_wire
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.server import Instance, Package, ServerFacts
from tests.unit.builders import GONE, VIP, cluster, config_file, instance, read, server, server_facts

SECOND_VIP = IPv4Interface("100.65.0.30/24")


def running(host: str, *states: str, name: str = "VI_web", **changed: Any) -> ServerFacts:  # noqa: ANN401
    fields = {"advertised": (VIP,)} | changed
    found: tuple[Instance, ...] = tuple(instance(host, state, name=name, **fields) for state in states)
    return server_facts(host, instances=found)


def order(facts: dict[str, ServerFacts], *clusters: Cluster) -> list[str]:
    return change_order(("H2", "H1"), facts, clusters)


MASTER_H1 = {"H1": running("H1", "master"), "H2": running("H2", "backup")}
MASTER_H2 = {"H1": running("H1", "backup"), "H2": running("H2", "master")}
MORE = cluster(vips=(VIP, SECOND_VIP))


@pytest.mark.parametrize(
    ("facts", "clusters", "wanted"),
    [
        (MASTER_H1, [cluster()], ["H2", "H1"]),
        (MASTER_H2, [cluster()], ["H1", "H2"]),
        (MASTER_H1, [MORE], ["H1", "H2"]),
        (MASTER_H2, [MORE], ["H2", "H1"]),
        # a VIP outside the adverts changes nothing that a backup compares
        (MASTER_H1, [cluster(vips=(VIP, SECOND_VIP), excluded=(SECOND_VIP,))], ["H2", "H1"]),
        ({"H1": running("H1"), "H2": running("H2")}, [MORE], ["H2", "H1"]),
        ({"H1": running("H1", "fault"), "H2": running("H2", "backup")}, [MORE], ["H2", "H1"]),
        ({"H1": server_facts("H1", instances=GONE), "H2": running("H2", "backup")}, [cluster()], ["H2", "H1"]),
        ({}, [MORE], ["H2", "H1"]),
        # two masters: each comes after whoever is not
        ({"H1": running("H1", "master"), "H2": running("H2", "master")}, [cluster()], ["H2", "H1"]),
    ],
)
def test_order(facts: dict[str, ServerFacts], clusters: list[Cluster], wanted: list[str]) -> None:
    assert order(facts, *clusters) == wanted


def test_a_backup_that_compares_every_advert_makes_it_unsafe() -> None:
    facts = {"H1": running("H1", "master"), "H2": running("H2", "backup", skips_check=False)}
    with pytest.raises(RefusedError, match="web: its VIPs change while H2 compares the list in every advert"):
        order(facts, MORE)
    assert order(facts, cluster()) == ["H2", "H1"]


@pytest.mark.parametrize(
    ("version", "vips", "safe"),
    [
        ("2.0.10-11.el8", (VIP, SECOND_VIP), False),
        ("2.0.10-11.el8", (SECOND_VIP,), True),
        ("2.0.19-1", (VIP, SECOND_VIP), True),
    ],
)
def test_a_release_that_counts_vips_makes_another_number_unsafe(version: str, vips: Any, safe: bool) -> None:  # noqa: ANN401, FBT001
    backup = replace(MASTER_H1["H2"], package=read("H2", Package(manager="dnf", version=version)))
    facts = {**MASTER_H1, "H2": backup}
    if safe:
        assert order(facts, cluster(vips=vips)) == ["H1", "H2"]
        return
    with pytest.raises(RefusedError, match=r"the number of its VIPs changes, and keepalived 2.0.10-11.el8 on H2 drops"):
        order(facts, cluster(vips=vips))


def test_the_master_may_compare_what_it_likes() -> None:
    facts = {"H1": running("H1", "master", skips_check=False), "H2": running("H2", "backup")}
    assert order(facts, MORE) == ["H1", "H2"]


def test_two_clusters_whose_masters_are_each_others_backups() -> None:
    both = {
        host: server_facts(host, instances=(instance(host, web, advertised=(VIP,)), other(host, db)))
        for host, web, db in (("H1", "master", "backup"), ("H2", "backup", "master"))
    }
    with pytest.raises(RefusedError, match=r"no order is safe: .*; change the VIPs of one cluster at a time"):
        order(both, MORE, cluster(name="db", vrid=12, vips=(VIP, SECOND_VIP)))
    with pytest.raises(RefusedError, match="no order is safe"):
        order(both, cluster(), cluster(name="db", vrid=12))


def other(host: str, state: str) -> Instance:
    return instance(host, state, name="VI_db", advertised=(VIP,))


def test_of_three_the_master_is_first_or_last() -> None:
    three = cluster(servers=(server("H1"), server("H2"), server("H3", priority=50)))
    facts = {"H3": running("H2", "master"), "H2": running("H2", "backup"), "H1": running("H1", "backup")}
    assert change_order(("H2", "H3", "H1"), facts, [three]) == ["H2", "H1", "H3"]


def conf(**changed: str) -> str:
    lines = {"version": "2", "virtual_router_id": "11", "advert_int": "1"} | changed
    body = "".join(f"    {key} {value}\n" for key, value in lines.items())
    return f"vrrp_instance VI_other {{\n    version 3\n}}\n\nvrrp_instance VI_web {{\n{body}}}\n"


UNICAST = conf().replace("    version", "    unicast_peer {\n        100.65.0.12\n    }\n    version")


@pytest.mark.parametrize(
    ("now", "then", "names"),
    [
        (conf(), conf(), []),
        (conf(), conf(priority="9"), []),
        (conf(), conf(version="3"), ["version"]),
        (conf(), conf(virtual_router_id="12"), ["vrid"]),
        (conf(), conf(advert_int="2"), ["advert_int"]),
        (conf(version="3"), conf(version="3", advert_int="2"), []),
        (conf(auth_type="PASS"), conf(auth_type="AH"), ["auth_type"]),
        (conf(auth_pass="one"), conf(auth_pass="two"), ["auth_pass"]),
        (conf(), conf(auth_pass="two", auth_type="PASS"), ["auth_type", "auth_pass"]),
        (conf(), UNICAST, ["unicast"]),
        (None, conf(), []),
        (conf(), None, []),
        ("vrrp_instance VI_1 {\n    version 3\n}\n", conf(), []),
        (conf().replace("    version 2\n", ""), conf(), []),
    ],
)
def test_what_two_members_must_have_in_common(now: str | None, then: str | None, names: list[str]) -> None:
    assert differing_wire(now, then, "VI_web") == names


def test_members_that_would_not_hear_each_other_are_not_changed_one_by_one() -> None:
    facts = {host: replace(each, config=read(host, config_file(text=conf()))) for host, each in MASTER_H1.items()}
    then = dict.fromkeys(facts, conf(auth_type="AH"))
    with pytest.raises(RefusedError, match=r"web: auth_type changes, .* two masters; stop keepalived on H2"):
        change_order(("H2", "H1"), facts, [cluster()], then)
    assert change_order(("H2", "H1"), facts, [cluster()], dict.fromkeys(facts, conf())) == ["H2", "H1"]
    # parked as advised, the master is changed alone, and first
    parked = facts | {"H2": running("H2")}
    assert change_order(("H2", "H1"), parked, [cluster()], then) == ["H1", "H2"]


def test_who_does_not_run_it_yet_comes_after_those_who_do() -> None:
    three = cluster(servers=(server("H1"), server("H2"), server("H3", priority=0)))
    facts = MASTER_H1 | {"H3": running("H2")}
    assert change_order(("H3", "H2", "H1"), facts, [three]) == ["H2", "H1", "H3"]
