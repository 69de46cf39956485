"""The order where VIPs go from one cluster to another one: who has one gives it up before the other one can take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest

from tasks.change.order.servers import change_order
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.server import Instance, ServerFacts
from tests.unit.builders import GONE, VIP, cluster, declared, instance, server, server_facts
from tests.unit.change.order.test_leaving import MOVED, SECOND, hosts, order
from tests.unit.change.order.test_servers import conf

FRONT = IPv4Interface("100.65.0.50/24")
THIRD = server("H3", address=IPv4Interface("100.65.0.13/24"))


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


def test_a_backup_that_has_it_already_is_no_proof_for_the_master() -> None:
    """A run that ended in the middle: H3 was changed and is backup, H1 and H2 were not."""
    web, db = (replace(each, servers=(server("H1"), server("H2"), THIRD)) for each in (WEB, DB))
    third = only(
        "H3",
        instance("H2", "backup", advertised=(VIP,)),
        instance("H2", "backup", name="VI_db", vrid=12, vips=(SECOND, MOVED), advertised=(SECOND,)),
    )
    facts = {
        "H1": pair("H1", "master", "backup"),
        "H2": pair("H2", "backup", "master"),
        "H3": third,
    }
    wanted = AFTER | {"H3": two("H3", [], ["100.65.0.30/24"])}
    found = change_order(("H3", "H2", "H1"), facts, (web, db), wanted, allow_gap=True)
    assert hosts(found).index("H1") < hosts(found).index("H2")


def test_who_takes_over_while_the_master_is_stopped_comes_after_who_has_it() -> None:
    """H2 leads db and is stopped for H3, which leads front: H4 has db meanwhile, and must not have the VIP yet."""
    last = server("H4", address=IPv4Interface("100.65.0.14/24"))
    web = replace(WEB, servers=(server("H1"), server("H5")))
    db = replace(DB, servers=(server("H2"), last))
    front = cluster(name="front", vrid=13, vips=(FRONT,), servers=(server("H2"), THIRD))
    db_of = {"name": "VI_db", "vrid": 12, "vips": (SECOND,), "advertised": (SECOND,)}
    front_of = {"name": "VI_front", "vrid": 13, "vips": (FRONT,), "advertised": (FRONT,)}
    facts = {
        "H1": only("H1", instance("H1", "master", vips=(VIP, MOVED), advertised=(VIP,))),
        "H2": only(
            "H2", instance("H2", "master", effective_priority=200, **db_of), instance("H2", "backup", **front_of)
        ),
        "H3": only("H3", instance("H1", "master", **front_of)),
        "H4": only("H4", instance("H2", "backup", **db_of)),
    }
    fronts = {
        host: conf(host, name="VI_front", virtual_router_id="13", vips=("100.65.0.50/24",), auth="PASS another")
        for host in ("H2", "H3")
    }
    dbs = two("H2", [], ["100.65.0.30/24"]).partition("vrrp_instance VI_db")
    gets = f"{dbs[1]}{dbs[2]}"
    wanted = {"H1": conf("H1"), "H2": gets + fronts["H2"], "H3": fronts["H3"], "H4": gets}
    found = change_order(("H4", "H3", "H2", "H1"), facts, (web, db, front), wanted, allow_gap=True)
    assert next(each.parks for each in found if each.host == "H3") == ("H2",)
    assert hosts(found).index("H1") < hosts(found).index("H4")


def only(host: str, *instances: Instance) -> ServerFacts:
    """A server that runs these, from files as they are."""
    text = "".join(
        conf(host, name=each.name, virtual_router_id=str(each.vrid), vips=[str(vip) for vip in each.advertised])
        for each in instances
    )
    facts = server_facts("H2", instances=instances, later=instances, declared=declared(text))
    return replace(facts, host=host)
