"""The order of servers: backups first, and turned round where a list of VIPs changes."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import Any

import pytest

from tasks.change.order import change_order
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.server import Instance, ServerFacts
from tests.unit.builders import GONE, VIP, cluster, instance, server, server_facts

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
