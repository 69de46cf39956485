"""The order of servers: backups first where each hears the master, and the master alone where they would not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest

from tasks.change.order.servers import Stage, change_order
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.server import Instance, ServerFacts
from tests.unit.builders import GONE, VIP, cluster, declared, instance, read, server, server_facts, service

SECOND_VIP = IPv4Interface("100.65.0.30/24")
ADDRESSES = {"H1": "100.65.0.11", "H2": "100.65.0.12", "H3": "100.65.0.13"}


def conf(host: str, *, name: str = "VI_web", vips: Sequence[str] = ("100.65.0.10/24",), **changed: str) -> str:
    """A configuration with one instance; `unicast` names its peers, and an empty value leaves a line out."""
    values = {"interface": "enp0s8", "virtual_router_id": "11", "version": "2", "advert_int": "1"} | changed
    peers = values.pop("unicast", "")
    auth = values.pop("auth", "PASS hunter22").split()
    lines = [f"    {key} {value}" for key, value in values.items() if value]
    if peers:
        inner = "".join(f" {each}\n" for each in peers.split(","))
        lines.append(f"    unicast_src_ip {ADDRESSES[host]}\n    unicast_peer {{\n{inner} }}")
    if auth:
        lines.append(f"    authentication {{\n auth_type {auth[0]}\n auth_pass {auth[1]}\n }}")
    listed = "".join(f" {vip}\n" for vip in vips)
    return f"vrrp_instance {name} {{\n" + "\n".join(lines) + f"\n virtual_ipaddress {{\n{listed} }}\n}}\n"


def running(host: str, state: str, text: str | None = None, **changed: Any) -> ServerFacts:  # noqa: ANN401
    """A server that runs one instance, from a file that is this text."""
    own = instance(host, state, **({"advertised": (VIP,)} | changed))
    told = declared(conf(host) if text is None else text)
    return server_facts("H1" if host == "H1" else "H2", instances=(own,), later=(own,), declared=told)


def idle(host: str) -> ServerFacts:
    return server_facts(host, instances=(), declared=declared(None), service=service(active="inactive"))


def order(
    facts: Mapping[str, ServerFacts], then: Mapping[str, str | None], *clusters: Cluster, allow_gap: bool = False
) -> list[Stage]:
    names = tuple(name for name in ("H3", "H2", "H1") if name in then)
    return change_order(names, facts, clusters or (cluster(),), then, allow_gap=allow_gap)


BOTH = {"H1": running("H1", "master"), "H2": running("H2", "backup")}
SAME = {host: conf(host) for host in BOTH}
MORE_VIPS = ("100.65.0.10/24", "100.65.0.30/24")
BACKUP_FIRST = [Stage(host="H2"), Stage(host="H1")]
MASTER_ALONE = [Stage(host="H1", parks=("H2",)), Stage(host="H2")]


def changed(**fields: Any) -> dict[str, str | None]:  # noqa: ANN401
    return {host: conf(host, **fields) for host in BOTH}


@pytest.mark.parametrize(
    ("then", "wanted"),
    [
        pytest.param(SAME, BACKUP_FIRST, id="nothing"),
        pytest.param(changed(priority="9"), BACKUP_FIRST, id="priority"),
        pytest.param(changed(name="VI_1"), BACKUP_FIRST, id="name"),
        pytest.param(changed(vips=("100.65.0.10/32",)), BACKUP_FIRST, id="prefix"),
        pytest.param(changed(vips=MORE_VIPS), MASTER_ALONE, id="list of VIPs"),
        pytest.param(changed(vips=("100.65.0.30/24",)), MASTER_ALONE, id="another VIP"),
        pytest.param(changed(auth="PASS another"), MASTER_ALONE, id="password"),
        pytest.param(changed(auth="AH hunter22"), MASTER_ALONE, id="authentication"),
        pytest.param(changed(auth=""), MASTER_ALONE, id="no authentication"),
        pytest.param(changed(auth="PASS hunter22tail"), BACKUP_FIRST, id="what counts of a password"),
        pytest.param(changed(version="3", auth=""), MASTER_ALONE, id="version"),
        pytest.param(changed(advert_int="2"), MASTER_ALONE, id="interval"),
    ],
)
def test_one_master_all_the_time(then: dict[str, str | None], wanted: list[Stage]) -> None:
    more = cluster(vips=(VIP, SECOND_VIP))
    assert order(BOTH, then, more) == wanted


@pytest.mark.parametrize(
    ("then", "why"),
    [
        pytest.param(changed(virtual_router_id="12"), "vrid", id="VRID"),
        pytest.param(changed(interface="enp0s9"), "interface", id="interface"),
        pytest.param(
            {"H1": conf("H1", unicast="100.65.0.12"), "H2": conf("H2", unicast="100.65.0.11")},
            r"multicast 224.0.0.18 to unicast",
            id="multicast to unicast",
        ),
        pytest.param(changed(mcast_dst_ip="224.0.0.19"), "multicast 224.0.0.18 to multicast 224.0.0.19", id="group"),
        pytest.param(changed(use_vmac="vrrp11", virtual_router_id="12"), "vrid, use_vmac", id="virtual MAC"),
    ],
)
def test_a_gap_is_for_the_operator_to_accept(then: dict[str, str | None], why: str) -> None:
    """keepalived does not go on with the instance over a reload, and a new one waits for a master first."""
    fix = f"web changes {why}, and keepalived on H1 does not go on as master over that; apply with --allow-gap"
    with pytest.raises(RefusedError, match=fix):
        order(BOTH, then)
    first, second = order(BOTH, then, allow_gap=True)
    assert (first.host, first.parks, second) == ("H1", ("H2",), Stage(host="H2"))
    assert "does not go on as master" in first.gap


def test_a_gap_is_one_also_where_the_master_is_alone() -> None:
    alone = {"H1": BOTH["H1"], "H2": idle("H2")}
    with pytest.raises(RefusedError, match="web changes vrid, and keepalived on H1 does not go on"):
        order(alone, changed(virtual_router_id="12"))
    assert [each.host for each in order(alone, changed(virtual_router_id="12"), allow_gap=True)] == ["H1", "H2"]


def test_a_backup_that_hears_takes_over_while_the_master_begins_again() -> None:
    """use_vmac is nothing on the wire: the backup goes first, and is master while the other makes its macvlan."""
    assert order(BOTH, changed(use_vmac="vrrp11")) == BACKUP_FIRST


def test_the_virtual_router_of_a_hand_that_chose_another_vrid() -> None:
    """Its VIPs are the cluster's, whatever its VRID and name."""
    text = {host: conf(host, name="VI_1", virtual_router_id="51") for host in BOTH}
    facts = {
        "H1": running("H1", "master", text["H1"], name="VI_1", vrid=51),
        "H2": running("H2", "backup", text["H2"], name="VI_1", vrid=51),
    }
    with pytest.raises(RefusedError, match="web changes vrid, and keepalived on H1"):
        order(facts, SAME)
    assert [each.parks for each in order(facts, SAME, allow_gap=True)] == [("H2",), ()]


def test_a_name_is_no_difference() -> None:
    text = {host: conf(host, name="VI_1") for host in BOTH}
    facts = {
        host: running(host, state, text[host], name="VI_1") for host, state in (("H1", "master"), ("H2", "backup"))
    }
    assert order(facts, SAME) == BACKUP_FIRST


def test_unicast_peers_that_do_not_name_each_other_hear_nothing() -> None:
    now = {"H1": conf("H1", unicast="100.65.0.13"), "H2": conf("H2", unicast="100.65.0.11")}
    facts = {"H1": running("H1", "master", now["H1"]), "H2": running("H2", "backup", now["H2"])}
    then = {"H1": conf("H1", unicast="100.65.0.12"), "H2": conf("H2", unicast="100.65.0.11", priority="9")}
    assert order(facts, then | {"H2": now["H2"]}) == BACKUP_FIRST
    then["H2"] = conf("H2", unicast="100.65.0.11", auth="PASS another")
    assert order(facts, then | {"H1": conf("H1", unicast="100.65.0.12", auth="PASS another")}) == MASTER_ALONE


@pytest.mark.parametrize(
    ("priority", "wanted"),
    [
        pytest.param("101", MASTER_ALONE, id="it would take over"),
        pytest.param("100", BACKUP_FIRST, id="it stays backup"),
    ],
)
def test_a_backup_that_the_master_does_not_hear(priority: str, wanted: list[Stage]) -> None:
    """With unicast each may name the other or not: this one hears the master, and has no peer but a third."""
    now = {"H1": conf("H1", unicast="100.65.0.12"), "H2": conf("H2", unicast="100.65.0.11")}
    facts = {"H1": running("H1", "master", now["H1"]), "H2": running("H2", "backup", now["H2"])}
    then = {"H1": now["H1"], "H2": conf("H2", unicast="100.65.0.13", priority=priority)}
    assert order(facts, then) == wanted


def test_a_priority_alone_makes_a_backup_take_over_that_is_not_heard() -> None:
    text = {"H1": conf("H1", unicast="100.65.0.12"), "H2": conf("H2", unicast="100.65.0.13")}
    facts = {"H1": running("H1", "master", text["H1"]), "H2": running("H2", "backup", text["H2"])}
    then = {"H1": text["H1"], "H2": conf("H2", unicast="100.65.0.13", priority="101")}
    assert order(facts, then) == MASTER_ALONE


def test_an_instance_in_a_file_that_is_not_known_is_not_relied_on() -> None:
    assert order(BOTH, dict.fromkeys(BOTH, "include conf.d/*.conf\n")) == MASTER_ALONE
    assert order(BOTH, dict.fromkeys(BOTH, "")) == BACKUP_FIRST


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("include conf.d/*.conf\n", id="an include beside the instance"),
        pytest.param("@H1 net_namespace blue\n", id="a line for one host"),
        pytest.param("@^H1 net_namespace blue\n", id="a line for all but one"),
        pytest.param("$X=@H1 net_namespace blue\n$X\n", id="a condition in a definition"),
        pytest.param("net_namespace $_PWD\n", id="what keepalived alone knows"),
        pytest.param("vrrp_script a {\n", id="a block that is not closed"),
    ],
)
def test_what_was_not_read_to_its_end_is_not_relied_on(more: str) -> None:
    assert order(BOTH, {host: conf(host) + more for host in BOTH}) == MASTER_ALONE
    facts = {"H1": idle("H1"), "H3": running("H3", "master")}
    with pytest.raises(RefusedError, match="what runs is not what the file says"):
        order(facts, {"H1": conf("H1") + more}, THREE)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"modified_at": 500.0}, id="changed since the daemon read it"),
        pytest.param({"config": None}, id="no file any more"),
    ],
)
def test_what_is_not_known_to_be_heard_is_not_relied_on(facts: dict[str, Any]) -> None:
    stale = {host: replace(each, declared=read(host, declared(conf(host), **facts))) for host, each in BOTH.items()}
    assert order(stale, SAME) == MASTER_ALONE


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        pytest.param({"H1": idle("H1"), "H2": idle("H2")}, BACKUP_FIRST, id="none runs it"),
        pytest.param({"H1": idle("H1"), "H2": BOTH["H2"]}, BACKUP_FIRST, id="who does not run it comes last"),
        pytest.param({"H1": BOTH["H1"], "H2": idle("H2")}, [Stage(host="H1"), Stage(host="H2")], id="parked already"),
        pytest.param({}, BACKUP_FIRST, id="nothing known, nothing running"),
        pytest.param(
            {"H1": BOTH["H1"], "H2": running("H2", "fault")}, MASTER_ALONE, id="one in fault may recover at any moment"
        ),
        pytest.param({"H1": BOTH["H1"], "H2": running("H2", "init")}, MASTER_ALONE, id="one that begins"),
        pytest.param({"H1": BOTH["H1"], "H2": running("H2", "97")}, MASTER_ALONE, id="a state of no known name"),
        pytest.param(
            {"H1": running("H1", "backup"), "H2": running("H2", "backup")}, MASTER_ALONE, id="no master, soon one"
        ),
        pytest.param(
            {"H1": running("H1", "backup"), "H2": running("H2", "master")},
            [Stage(host="H2", parks=("H1",)), Stage(host="H1")],
            id="the other one is master",
        ),
        pytest.param({"H1": BOTH["H1"], "H2": running("H2", "master")}, BACKUP_FIRST, id="two masters are two already"),
    ],
)
def test_who_runs_what(facts: dict[str, ServerFacts], wanted: list[Stage]) -> None:
    assert order(facts, changed(auth="PASS another")) == wanted


def test_a_server_that_does_not_say_what_it_runs() -> None:
    facts = BOTH | {"H1": server_facts("H1", instances=GONE)}
    with pytest.raises(RefusedError, match="web: what keepalived runs on H1 is not known"):
        order(facts, changed(auth="PASS another"))
    assert order(facts, SAME) == BACKUP_FIRST


THREE = cluster(servers=(server("H1"), server("H2"), server("H3", priority=50)))


def test_of_three_all_others_are_stopped() -> None:
    facts = BOTH | {"H3": running("H3", "backup", base_priority=50)}
    then = changed(auth="PASS another") | {"H3": conf("H3", auth="PASS another")}
    assert order(facts, then, THREE) == [Stage(host="H1", parks=("H3", "H2")), Stage(host="H3"), Stage(host="H2")]


def test_a_member_that_is_not_changed_must_go_on_hearing() -> None:
    facts = BOTH | {"H3": running("H3", "backup", base_priority=50)}
    with pytest.raises(RefusedError, match="web changes authentication, and H3 is not changed with the others"):
        order(facts, changed(auth="PASS another"), THREE)
    assert order(facts, changed(priority="7"), THREE) == BACKUP_FIRST
    leads = {"H1": running("H1", "backup"), "H2": BOTH["H2"], "H3": running("H3", "master", base_priority=200)}
    with pytest.raises(RefusedError, match="and H3 is not changed with the others"):
        order(leads, changed(auth="PASS another"), THREE)


def test_a_server_that_joins_must_hear_one_that_is_not_changed() -> None:
    facts = {"H1": idle("H1"), "H3": running("H3", "master")}
    then: dict[str, str | None] = {"H1": conf("H1", auth="PASS another")}
    with pytest.raises(RefusedError, match="web changes authentication, and H3 is not changed with the others"):
        order(facts, then, THREE)
    assert order(facts, {"H1": conf("H1")}, THREE) == [Stage(host="H1")]


DB = cluster(name="db", vrid=12, vips=(SECOND_VIP,))


def mutual() -> dict[str, ServerFacts]:
    """Each is master of one of two instances."""
    found = {}
    for host, web, db in (("H1", "master", "backup"), ("H2", "backup", "master")):
        own: tuple[Instance, ...] = (
            instance(host, web, advertised=(VIP,)),
            instance(host, db, name="VI_db", vrid=12, vips=(SECOND_VIP,), advertised=(SECOND_VIP,)),
        )
        found[host] = server_facts(host, instances=own, declared=declared(pair(host)))
    return found


def pair(host: str, **fields: str) -> str:
    both = conf(host, **fields)
    return both + conf(host, name="VI_db", virtual_router_id="12", vips=("100.65.0.30/24",), **fields)


def test_masters_of_each_others_backups_are_changed_in_any_order_that_all_hear() -> None:
    assert order(mutual(), {host: pair(host, priority="7") for host in BOTH}, cluster(), DB) == BACKUP_FIRST


def test_masters_of_each_others_backups_that_would_not_hear() -> None:
    then = {host: pair(host, auth="PASS another") for host in BOTH}
    with pytest.raises(RefusedError, match="H2 is master of VI_db, and keepalived does not run there meanwhile"):
        order(mutual(), then, cluster(), DB)
    first, second = order(mutual(), then, cluster(), DB, allow_gap=True)
    assert (first.host, first.parks, second) == ("H1", ("H2",), Stage(host="H2"))
    assert "H2 is master of VI_db" in first.gap
