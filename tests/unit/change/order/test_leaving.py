"""The order where a server leaves the cluster, and where not everything is known: no moment has two masters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest

from tasks.change.order.members import around
from tasks.change.order.servers import Stage, change_order
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.server import ServerFacts
from tests.unit.builders import GONE, VIP, cluster, declared, instance, read, server_facts
from tests.unit.builders import interface as made_interface
from tests.unit.change.order.test_servers import ADDRESSES, THREE, conf, idle

MOVED = IPv4Interface("100.65.0.30/24")
SECOND = IPv4Interface("100.65.0.20/24")
PEERS = {host: ",".join(each for name, each in ADDRESSES.items() if name != host) for host in ADDRESSES}


def runs(host: str, state: str, text: str, **changed: Any) -> ServerFacts:  # noqa: ANN401
    """A server that runs one instance, from this text, with its own address."""
    own = instance("H1" if host == "H1" else "H2", state, **({"advertised": (VIP,)} | changed))
    found = made_interface("H1", f"{ADDRESSES[host]}/24")
    told = server_facts("H2", instances=(own,), declared=declared(text), interfaces=(found,))
    return replace(told, host=host)


def three(cast: str, master: str = "H1") -> dict[str, ServerFacts]:
    """All three run it; `cast` is `unicast` or empty."""
    found = {}
    for host in ADDRESSES:
        state, priority = ("master", 200) if host == master else ("backup", 1)
        text = conf(host, unicast=PEERS[host] if cast else "")
        found[host] = runs(host, state, text, effective_priority=priority)
    return found


def then(cast: str, **changed: str) -> dict[str, str | None]:
    """H1 and H2 stay, H3 has nothing of it any more."""
    peers = {"H1": "100.65.0.12", "H2": "100.65.0.11"}
    return {host: conf(host, unicast=peer if cast else "", **changed) for host, peer in peers.items()} | {"H3": ""}


def order(
    facts: Mapping[str, ServerFacts],
    configs: Mapping[str, str | None],
    *clusters: Cluster,
    **how: Any,  # noqa: ANN401
) -> list[Stage]:
    names = tuple(name for name in ("H1", "H2", "H3") if name in configs)
    return change_order(names, facts, clusters or (cluster(),), configs, **how)


def hosts(stages: Sequence[Stage]) -> list[str]:
    return [each.host for each in stages]


def test_who_leaves_gives_it_up_before_nothing_is_sent_to_it_any_more() -> None:
    """H3 is in no cluster any more: it runs the virtual router all the same, and is changed first."""
    found = order(three("unicast"), then("unicast"))
    assert hosts(found).index("H3") < hosts(found).index("H1")
    assert found[-1] == Stage(host="H1")


def test_who_leaves_is_not_stopped_for_the_others() -> None:
    """They would not hear each other in between; H3 needs to hear nobody once it has given it up."""
    found = order(three("unicast"), then("unicast", auth="PASS another"))
    assert found == [Stage(host="H3"), Stage(host="H1", parks=("H2",)), Stage(host="H2")]


def test_the_master_leaves_and_a_backup_takes_over() -> None:
    found = order(three("unicast", "H3"), then("unicast"))
    assert (hosts(found)[-1], [each.gap for each in found]) == ("H3", ["", "", ""])


@pytest.mark.parametrize("cast", ["unicast", ""])
def test_the_master_leaves_while_the_others_are_stopped(cast: str) -> None:
    """Nobody is master until one of them is started: that is for the operator to accept."""
    facts, wanted = three(cast, "H3"), then(cast, auth="PASS another")
    with pytest.raises(RefusedError, match="web leaves its master H3 before another server can take over; apply with"):
        order(facts, wanted)
    first, *_ = order(facts, wanted, allow_gap=True)
    assert (first.host, first.parks) == ("H3", ("H1", "H2"))
    assert first.gap.startswith("web leaves its master H3")


def test_a_member_that_goes_back_to_nothing_is_one_that_leaves() -> None:
    """As in a rollback: the intent still names it."""
    facts = three("", "H1")
    with pytest.raises(RefusedError, match="web leaves its master H1 before another server can take over"):
        order(facts, then("", auth="PASS another") | {"H1": ""}, THREE)


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        pytest.param({}, True, id="nothing is sent to it any more"),
        pytest.param({"cast": ""}, False, id="multicast reaches it"),
        pytest.param({"cast": "", "auth": "PASS another"}, True, id="it would drop what it gets"),
    ],
)
def test_who_left_and_is_not_changed_in_this_run(changed: dict[str, str], refused: bool) -> None:  # noqa: FBT001
    cast = changed.pop("cast", "unicast")
    wanted = {host: text for host, text in then(cast, **changed).items() if host != "H3"}
    if not refused:
        assert hosts(order(three(cast), wanted)) == ["H2", "H1"]
        return
    with pytest.raises(RefusedError, match=r"H3 is not changed with the others: .* it is no server of web: apply the"):
        order(three(cast), wanted)


def test_a_stranger_of_the_same_vrid_with_other_vips_is_none_of_it() -> None:
    facts = three("")
    other = instance("H2", "master", vips=(MOVED,), advertised=(MOVED,))
    facts["H3"] = replace(facts["H3"], instances=read("H3", (other,)))
    assert hosts(order(facts, then(""))) == ["H2", "H3", "H1"]


@pytest.mark.parametrize("known", [True, False])
def test_who_left_and_does_not_say_what_it_runs(known: bool) -> None:  # noqa: FBT001
    """Its file has the VIP: it may be master. One whose file has nothing of it is nobody's."""
    silent = server_facts("H2", instances=GONE, declared=declared(conf("H3") if known else ""))
    facts = three("") | {"H3": replace(silent, host="H3")}
    wanted = then("", auth="PASS another")
    if known:
        with pytest.raises(RefusedError, match="web: what keepalived runs on H3 is not known"):
            order(facts, wanted)
    else:
        assert len(order(facts, wanted)) == 3


def handed_on(cast: str) -> tuple[dict[str, ServerFacts], dict[str, str | None]]:
    """H3 alone runs it, and H1 and H2 are to have it instead."""
    text = conf("H3", unicast="100.65.0.14" if cast else "")
    facts = {"H1": idle("H1"), "H2": idle("H2"), "H3": runs("H3", "master", text, effective_priority=200)}
    return facts, then(cast)


def test_new_servers_that_hear_the_old_one_come_before_it_goes() -> None:
    facts, wanted = handed_on("")
    found = order(facts, wanted)
    assert (hosts(found)[-1], [each.gap for each in found]) == ("H3", ["", "", ""])


def test_new_servers_that_would_not_hear_the_old_one_come_after_it() -> None:
    facts, wanted = handed_on("unicast")
    with pytest.raises(RefusedError, match="web leaves its master H3 before another server can take over"):
        order(facts, wanted)
    assert hosts(order(facts, wanted, allow_gap=True))[0] == "H3"


@pytest.mark.parametrize(
    ("later", "changed", "refused"),
    [
        pytest.param(("backup", 12), {"auth": "PASS another"}, True, id="they follow a stranger"),
        pytest.param(("backup", 12), {"priority": "9"}, False, id="and go on hearing it"),
        pytest.param(("backup", 10), {"auth": "PASS another"}, False, id="nobody is heard"),
        pytest.param(("master", 12), {"auth": "PASS another"}, False, id="one of them is master by now"),
    ],
)
def test_a_master_that_no_cluster_names(later: tuple[str, int], changed: dict[str, str], refused: bool) -> None:  # noqa: FBT001
    """It is backup to nobody here: it would go on as master next to H1."""
    facts = {}
    for host in ("H1", "H2"):
        state, heard = later if host == "H1" else ("backup", 10)
        found = runs(host, "backup", conf(host))
        last = instance(host, state, adverts_received=heard, advertised=(VIP,))
        facts[host] = replace(found, later=read(host, (last,)))
    wanted = {host: conf(host, **changed) for host in facts}
    if refused:
        with pytest.raises(RefusedError, match="H1 and H2 follow a master that is none of them, and would not hear it"):
            order(facts, wanted, allow_gap=True)
    else:
        assert len(order(facts, wanted, allow_gap=True)) == 2


# What is not known to its end.

INCLUDES = "include conf.d/*.conf\n"


def test_a_server_that_joins_with_what_is_not_known_is_not_relied_on() -> None:
    """Its instance may be in a file that is included."""
    facts = {"H1": idle("H1"), "H3": runs("H3", "master", conf("H3"))}
    with pytest.raises(RefusedError, match="what H1 runs, to what files may declare that are not known here"):
        order(facts, {"H1": INCLUDES}, THREE)


def test_what_a_stopped_server_may_have_afterwards_is_lost_meanwhile() -> None:
    other = instance("H2", "master", name="VI_db", vrid=12, vips=(SECOND,), advertised=(SECOND,))
    own = instance("H2", "backup", advertised=(VIP,))
    facts = {
        "H1": runs("H1", "master", conf("H1")),
        "H2": server_facts("H2", instances=(own, other), declared=declared(conf("H2"))),
    }
    wanted = {"H1": conf("H1", auth="PASS another"), "H2": conf("H2", auth="PASS another")}
    assert order(facts, wanted) == [Stage(host="H1", parks=("H2",)), Stage(host="H2")]
    with pytest.raises(RefusedError, match="H2 is master of VI_db, and keepalived does not run there meanwhile"):
        order(facts, wanted | {"H2": wanted["H2"] + INCLUDES})


def test_a_backup_that_the_unchanged_master_would_not_hear_is_refused() -> None:
    text = {"H1": conf("H1", unicast="100.65.0.12"), "H2": conf("H2", unicast="100.65.0.11")}
    facts = {host: runs(host, state, text[host]) for host, state in (("H1", "master"), ("H2", "backup"))}
    raised = conf("H2", unicast="100.65.0.13", priority="200")
    with pytest.raises(RefusedError, match="H1 is not changed with the others"):
        order(facts, {"H2": raised})


def test_who_is_around() -> None:
    """Of those that leave, what they run is counted; of those of the run, the addresses are known."""
    facts = three("unicast")
    found = around((cluster(),), facts, ("H1", "H3"))
    assert found.left == ((cluster(), ("H3",)),)
    assert {str(each) for each in found.changing} == {"100.65.0.11", "100.65.0.13"}
    assert not around((THREE,), facts, ("H1",)).left
    silent = facts | {"H3": replace(facts["H3"], instances=GONE)}
    assert not around((cluster(),), silent, ("H3",)).changing
