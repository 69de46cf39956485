"""The order where VIPs go from one cluster to another one: who has one gives it up before the other one can take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.server import ServerFacts
from tests.unit.builders import GONE, VIP, cluster, declared, instance, server_facts
from tests.unit.change.test_order import conf
from tests.unit.change.test_order_leaving import MOVED, SECOND, hosts, order


def two(host: str, web: Sequence[str], db: Sequence[str]) -> str:
    """Two instances; each with one VIP in its adverts, and these outside."""
    text = ""
    for name, vrid, vip, more in (("VI_web", "11", "100.65.0.10/24", web), ("VI_db", "12", "100.65.0.20/24", db)):
        own = conf(host, name=name, virtual_router_id=vrid, vips=(vip,))
        lines = "".join(f" {each}\n" for each in more)
        text += own.removesuffix("}\n") + (f" virtual_ipaddress_excluded {{\n{lines} }}\n" if more else "") + "}\n"
    return text


WEB = cluster()
DB = cluster(name="db", vrid=12, vips=(SECOND, MOVED), excluded=(MOVED,))


def pair(host: str, web: str, db: str, **changed: Any) -> ServerFacts:  # noqa: ANN401
    """A server that runs both; MOVED is in web, outside the adverts."""
    own = (
        instance(host, web, vips=(VIP, MOVED), advertised=(VIP,)),
        instance(host, db, name="VI_db", vrid=12, vips=(SECOND,), advertised=(SECOND,), **changed),
    )
    return server_facts(host, instances=own, declared=declared(two(host, ["100.65.0.30/24"], [])))


AFTER = {host: two(host, [], ["100.65.0.30/24"]) for host in ("H1", "H2")}


@pytest.mark.parametrize("clusters", [(WEB, DB), (DB, WEB)])
def test_who_has_a_vip_outside_the_adverts_gives_it_up_first(clusters: tuple[Cluster, ...]) -> None:
    """No advert tells H2, which leads db, that H1 has it in web; soft wishes are no proof."""
    facts = {"H1": pair("H1", "master", "backup"), "H2": pair("H2", "backup", "master")}
    gap = r"100\.65\.0\.30 moves from VI_web to VI_db, which H1 does not lead; apply with --allow-gap"
    with pytest.raises(RefusedError, match=gap):
        order(facts, AFTER, *clusters)
    found = order(facts, AFTER, *clusters, allow_gap=True)
    assert (hosts(found), [bool(each.gap) for each in found]) == (["H1", "H2"], [True, False])
    other = {"H1": pair("H1", "backup", "master"), "H2": pair("H2", "master", "backup")}
    assert hosts(order(other, AFTER, *clusters, allow_gap=True)) == ["H2", "H1"]


def test_whoever_leads_both_takes_it_from_itself() -> None:
    facts = {"H1": pair("H1", "master", "master"), "H2": pair("H2", "backup", "backup")}
    found = order(facts, AFTER, WEB, DB)
    assert (hosts(found), [each.gap for each in found]) == (["H2", "H1"], ["", ""])


def test_a_backup_that_would_take_the_lead_comes_after_who_has_it() -> None:
    facts = {"H1": pair("H1", "master", "master"), "H2": pair("H2", "backup", "backup")}
    raised = AFTER["H2"].replace(" virtual_router_id 12\n", " virtual_router_id 12\n priority 250\n")
    assert raised != AFTER["H2"]
    assert hosts(order(facts, AFTER | {"H2": raised}, WEB, DB)) == ["H1", "H2"]


def test_who_has_it_and_is_not_changed_in_this_run() -> None:
    facts = {"H1": pair("H1", "backup", "backup"), "H2": pair("H2", "master", "master")}
    with pytest.raises(
        RefusedError, match=r"100\.65\.0\.30 moves from VI_web to VI_db, and H2, .* is not changed in this run"
    ):
        order(facts, {"H1": AFTER["H1"]}, WEB, DB)


def test_a_new_cluster_takes_it_after_a_gap() -> None:
    facts = {}
    for host, state in (("H1", "master"), ("H2", "backup")):
        own = instance(host, state, vips=(VIP, MOVED), advertised=(VIP,))
        facts[host] = server_facts(host, instances=(own,), declared=declared(conf(host)))
    with pytest.raises(RefusedError, match=r"100\.65\.0\.30 moves from VI_web to VI_db"):
        order(facts, AFTER, WEB, DB)
    assert hosts(order(facts, AFTER, WEB, DB, allow_gap=True)) == ["H1", "H2"]


def test_who_may_have_it_and_does_not_say_so() -> None:
    facts = {"H1": pair("H1", "master", "master"), "H2": server_facts("H2", instances=GONE)}
    with pytest.raises(RefusedError, match="what keepalived runs on H2 is not known"):
        order(facts, AFTER, WEB, DB)
