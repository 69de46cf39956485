"""What locate takes for an address, and what each host is asked for it."""

from __future__ import annotations

from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runbooks.locate import _by_vni, _questions, parse_query
from runbooks.session import Session
from tasks.model.errors import IntentError
from tasks.model.mac import MacAddress
from tests.unit.builders import cluster, fabric


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("100.65.0.10", ip_address("100.65.0.10")),
        ("fd00:100:65::10", ip_address("fd00:100:65::10")),
        ("08:00:27:7D:AF:B4", MacAddress("08:00:27:7d:af:b4")),
        ("08-00-27-7d-af-b4", MacAddress("08:00:27:7d:af:b4")),
        ("0800.277d.afb4", MacAddress("08:00:27:7d:af:b4")),
    ],
)
def test_every_usual_way_to_write_it(text: str, query: object) -> None:
    assert parse_query(text) == query


@pytest.mark.parametrize(
    "text", ["", "web", "100.65.0", "100.65.0.256", "100.65.0.10/24", "08:00:27", "08:00:27:7d:af:g4"]
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(IntentError, match="neither an IP address nor a MAC address"):
        parse_query(text)


def session(*clusters: Any) -> Session:  # noqa: ANN401
    return cast("Session", SimpleNamespace(clusters=clusters))


def test_every_leaf_of_a_vni_is_asked_once_whatever_clusters_share_it() -> None:
    query = ip_address("100.65.0.99")
    both = session(cluster(), cluster(name="db", vrid=12, fabric=fabric(leaves=("L2", "L3"))))
    fabrics = _by_vni(both, query)
    assert {vni: each.fabric.leaves for vni, each in fabrics.items()} == {100: ("L1", "L2", "L3")}
    scripts = _questions(both, fabrics, query)
    assert sorted(scripts) == ["H1", "H2", "L1", "L2", "L3"]
    keys = [command.key for command in scripts["L2"].commands]
    assert len(keys) == len(set(keys))
    assert {"neighbors 100.65.0.99", "entry 100", "fdb 100"} <= set(keys)
    assert not any(command.key.startswith("ping") for script in scripts.values() for command in script.commands)


def test_the_neighbors_of_a_mac_are_those_of_the_svi() -> None:
    query = MacAddress("08:00:27:7d:af:b4")
    one = session(cluster())
    scripts = _questions(one, _by_vni(one, query), query)
    asked = {command.key: command.title for command in scripts["L1"].commands}
    assert asked[f"neighbors {query}"] == "ip -j neigh show dev vlan100"
    assert asked["entry 100"] == f"sudo vtysh -c 'show evpn mac vni 100 mac {query} json'"
