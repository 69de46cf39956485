"""What would be lost, in words, and whose word it takes to lose it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from tasks.change.losses import losses
from tasks.change.takeover import Takeover, takeover
from tasks.model.keepalived import MARK, KeepalivedConf
from tasks.model.reading import Unread
from tasks.model.server import ServerFacts
from tasks.render.keepalived import TEMPLATES
from tasks.server.keepalived.conf import read_conf
from tasks.server.questions import CONFIG_PATH
from tests.unit.builders import GONE, cluster, config_file, declared, desired, read, server_facts, service
from tests.unit.builders import instance as running

WANTED = """\
# Managed by vipbook from clusters.yaml: …
global_defs {
    router_id H1
}
vrrp_instance VI_web {
    interface enp0s8
    virtual_router_id 11
    authentication {
        auth_type PASS
        auth_pass hunter22
    }
    virtual_ipaddress {
        100.65.0.10/24 dev enp0s8
    }
}
"""


def conf(text: str) -> KeepalivedConf:
    return read_conf(CONFIG_PATH, {CONFIG_PATH: text}, {(CONFIG_PATH, "x.conf"): ("/etc/keepalived/x.conf",)})


def instance(*lines: str, name: str = "VI_1", vrid: int = 11, vips: str = "100.65.0.10/24") -> str:
    body = "\n".join([f"virtual_router_id {vrid}", "interface enp0s8", *lines])
    return f"vrrp_instance {name} {{\n{body}\nvirtual_ipaddress {{\n{vips}\n}}\n}}\n"


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(WANTED, [], id="the same"),
        pytest.param(
            instance("authentication {\nauth_pass other\n}", "priority 7"), [], id="another name and priority"
        ),
        pytest.param(
            instance(vrid=52),
            ["vrrp_instance VI_1 (VRID 52, IPv4, enp0s8) with 100.65.0.10/24"],
            id="another virtual router with its VIP",
        ),
        pytest.param(
            instance(vips="fd00::1/64"),
            ["vrrp_instance VI_1 (VRID 11, IPv6, enp0s8) with fd00::1/64"],
            id="the same VRID of another family",
        ),
        pytest.param(
            instance().replace("enp0s8", "enp0s9"),
            ["vrrp_instance VI_1 (VRID 11, IPv4, enp0s9) with 100.65.0.10/24"],
            id="the same VRID on another interface",
        ),
        pytest.param(
            instance(vips="100.65.0.10/32\n100.65.0.11"),
            ["VIP 100.65.0.11/32 of VI_1", "VIP 100.65.0.10/32 of VI_1 becomes 100.65.0.10/24"],
            id="VIPs of an instance that stays",
        ),
        pytest.param(
            instance("virtual_ipaddress_excluded {\nfd00::1/64\n}"),
            ["VIP fd00::1/64 of VI_1"],
            id="VIPs outside the adverts",
        ),
        pytest.param(
            instance("unicast_peer {\n100.65.0.12\n}"),
            ["unicast of VI_1 becomes multicast 224.0.0.18"],
            id="unicast",
        ),
        pytest.param(
            instance("track_script {\nchk\n}", 'notify_master "/bin/x y"', "nopreempt"),
            ["track_script of VI_1: chk", "notify_master /bin/x y of VI_1", "nopreempt of VI_1"],
            id="settings of an instance that stays",
        ),
        pytest.param(
            instance("virtual_routes {\n10.0.0.0/8 via 1.2.3.4\n}"),
            ["virtual_routes of VI_1: 10.0.0.0/8 via 1.2.3.4"],
            id="routes of an instance",
        ),
        pytest.param('vrrp_script chk {\nscript "/bin/x y"\n}', ["vrrp_script chk (/bin/x y)"], id="script"),
        pytest.param(
            "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\n}\n}",
            ["virtual_server 192.0.2.1 80 with real_server 192.0.2.2 80"],
            id="virtual server",
        ),
        pytest.param("virtual_server fwmark 1 {\n}", ["virtual_server fwmark 1"], id="virtual server without any"),
        pytest.param("vrrp_sync_group G {\ngroup {\nA\nB\n}\n}", ["vrrp_sync_group G of A, B"], id="sync group"),
        pytest.param(
            "static_ipaddress {\n192.0.2.1/24 dev lo\n192.0.2.2/24 dev lo\n}",
            ["static_ipaddress: 192.0.2.1/24 dev lo", "static_ipaddress: 192.0.2.2/24 dev lo"],
            id="static addresses",
        ),
        pytest.param("static_rules {\nfrom 192.0.2.1 table 1\n}", ["static_rules: from 192.0.2.1 table 1"], id="rules"),
        pytest.param(
            "global_defs {\nrouter_id X\nsmtp_server 192.0.2.1\nnotification_email {\na@b\nc@d\n}\n}",
            [
                "global_defs: smtp_server 192.0.2.1",
                "global_defs: notification_email a@b",
                "global_defs: notification_email c@d",
            ],
            id="global_defs",
        ),
        pytest.param("net_namespace blue", ["net_namespace blue"], id="a setting outside every block"),
        pytest.param("bfd_instance B {\nneighbor_ip 192.0.2.1\n}", ["bfd_instance B"], id="whatever block"),
        pytest.param("track_file f {\nfile /x\n}", ["track_file f"], id="another one"),
        pytest.param("include x.conf", ["include x.conf (/etc/keepalived/x.conf): not read any more"], id="an include"),
    ],
)
def test_what_would_be_lost(text: str, lost: list[str]) -> None:
    assert [each.text for each in losses(conf(text), conf(WANTED))] == lost


INTENT = """\
# Managed by vipbook
global_defs {
    script_user nobody
}
vrrp_script web_app {
    script "/bin/ours"
    user nobody
}
vrrp_sync_group G {
    group {
        VI_web
    }
}
vrrp_instance VI_web {
    interface enp0s8
    virtual_router_id 11
    garp_master_delay 5
    track_interface {
        enp0s8
    }
    track_script {
        web_app
    }
    virtual_ipaddress {
        100.65.0.10/24 dev enp0s8
    }
    notify_master "/bin/ours" nobody
}
"""


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        pytest.param("", "", [], id="the same"),
        pytest.param("dev enp0s8", "  dev   enp0s8  ", [], id="white space"),
        pytest.param(" dev enp0s8", "", [], id="its own device"),
        pytest.param(
            "\n        enp0s8", "\n eth9 weight 5", ["track_interface of VI_web: eth9 weight 5"], id="interface"
        ),
        pytest.param("    web_app\n", "web_app\nother\n", ["track_script of VI_web: other"], id="one script more"),
        pytest.param(
            "    web_app\n", "web_app weight 9\n", ["track_script of VI_web: web_app weight 9"], id="a weight"
        ),
        pytest.param(
            'notify_master "/bin/ours" nobody',
            "notify_master /bin/theirs",
            ["notify_master /bin/theirs of VI_web"],
            id="another program at a change of state",
        ),
        pytest.param("delay 5", "delay 9", ["garp_master_delay 9 of VI_web"], id="a setting"),
        pytest.param(
            'script "/bin/ours"', "script /bin/theirs", ["vrrp_script web_app: script /bin/theirs"], id="a script"
        ),
        pytest.param(
            "user nobody\n}\nvrrp_sync", "user root\n}\nvrrp_sync", ["vrrp_script web_app: user root"], id="user"
        ),
        pytest.param("script_user nobody", "script_user root", ["global_defs: script_user root"], id="script_user"),
        pytest.param("VI_web\n    }", "VI_web\nVI_2\n    }", ["vrrp_sync_group G: group: VI_2"], id="a sync group"),
        pytest.param(
            "dev enp0s8", "dev eth9 label x", ["dev eth9 label x of VIP 100.65.0.10 of VI_web"], id="another device"
        ),
    ],
)
def test_each_statement_that_says_something_else_is_listed(old: str, new: str, lost: list[str]) -> None:
    """The keyword alone hides what others wrote behind it."""
    text = INTENT.replace(old, new)
    assert [each.text for each in losses(conf(text), conf(INTENT))] == lost
    known = takeover(desired("H1", config=INTENT), facts(text, untouched=True), allowed=False)
    assert known == Takeover(), "vipbook's own file: the diff shows it"
    drift = takeover(desired("H1", config=INTENT), facts(text), allowed=False)
    assert drift == Takeover(losses=tuple(lost)), "a line by hand is drift"


def test_a_password_is_no_loss_and_not_shown() -> None:
    text = instance("authentication {\nauth_type PASS\nauth_pass geheim12\n}", vrid=52)
    assert not any("geheim12" in each.text for each in losses(conf(text), conf(WANTED)))


def test_a_list_without_an_end_has_one() -> None:
    found = losses(conf("".join(f"vrrp_script s{each} {{\n}}\n" for each in range(5000))), conf(WANTED))
    assert len(found) == 201
    assert found[-1].text == "and 4800 more"


FOREIGN = instance() + instance(name="VI_2", vrid=52, vips="100.65.0.99/32")
MARKED = f"# Managed by vipbook\n{FOREIGN}"


def facts(text: str | None, *, active: str = "active", **told: Any) -> ServerFacts:  # noqa: ANN401
    marked = (text or "").startswith("# Managed by vipbook")
    fields = {"marked": marked, "untouched": False} | told
    own = declared(text, **fields)
    return server_facts("H1", config=config_file(text=text), declared=own, service=service(active=active))


def found(read_facts: ServerFacts, *, allowed: bool = False) -> Takeover | Unread:
    return takeover(desired("H1", config=WANTED), read_facts, allowed=allowed)


@pytest.mark.parametrize(
    ("facts_", "refusal"),
    [
        pytest.param(facts(FOREIGN), "was not written by vipbook", id="another hand"),
        pytest.param(facts(FOREIGN, active="inactive"), "was not written by vipbook", id="that does not run"),
        pytest.param(facts(FOREIGN, example=True), "was not written by vipbook", id="an example that runs"),
        pytest.param(facts(FOREIGN, example=True, active="activating"), "was not written", id="or is about to"),
        pytest.param(facts(FOREIGN, example=True, active="inactive"), None, id="an example"),
        pytest.param(facts(FOREIGN, example=True, active="failed"), None, id="an example that could not run"),
        pytest.param(facts(None), None, id="no file"),
        pytest.param(facts("! nothing but this\n"), None, id="a file that says nothing"),
        pytest.param(facts(WANTED), None, id="the file that is wanted"),
        pytest.param(facts(MARKED, untouched=True), None, id="another intent of vipbook's"),
        pytest.param(facts(MARKED), "was edited since vipbook wrote it", id="a block by hand"),
        pytest.param(facts(f"{WANTED}# by hand\n"), None, id="a line by hand"),
        pytest.param(facts(WANTED.replace("interface", "priority 7\ninterface")), None, id="a value by hand"),
        pytest.param(facts(f"{WANTED}include x.conf\n".replace("include", "vrrp_script")), "was edited", id="a script"),
    ],
)
def test_whose_word_it_takes(facts_: ServerFacts, refusal: str | None) -> None:
    answer = found(facts_)
    assert isinstance(answer, Takeover)
    assert (refusal or "") in (answer.refusal or "")
    assert (answer.refusal is None) is (refusal is None)
    if refusal is not None:
        assert answer.losses
        assert found(facts_, allowed=True) == replace(answer, refusal=None)


OTHER = running("H1", "master", name="VI_other", vrid=52)


@pytest.mark.parametrize(
    ("text", "told", "refused"),
    [
        pytest.param(None, {}, True, id="the file is gone"),
        pytest.param("! nothing but this\n", {}, True, id="only comments are left"),
        pytest.param(WANTED, {}, True, id="the file is the wanted one"),
        pytest.param(WANTED, {"untouched": True}, False, id="that vipbook wrote just now"),
    ],
)
def test_what_runs_and_no_file_has_is_lost_too(text: str | None, told: dict[str, Any], refused: bool) -> None:  # noqa: FBT001
    runs = replace(facts(text, **told), instances=read("H1", (running("H1", "master"), OTHER)))
    answer = found(runs)
    assert isinstance(answer, Takeover)
    assert answer.losses == ("vrrp_instance VI_other (VRID 52, enp0s8), which runs, with 100.65.0.10/24",)
    assert ("keepalived runs what" in (answer.refusal or "")) is refused
    assert found(runs, allowed=True) == replace(answer, refusal=None)


def test_what_runs_and_is_listed_already_is_listed_once() -> None:
    runs = replace(facts(FOREIGN), instances=read("H1", (OTHER,)))
    assert found(runs) == found(facts(FOREIGN))


def test_the_mark_is_what_every_file_begins_with() -> None:
    assert (TEMPLATES / "keepalived.conf.j2").read_text().startswith(MARK)


def test_what_is_lost_is_said_also_where_nobody_has_to_agree() -> None:
    answer = found(facts(MARKED, untouched=True))
    assert isinstance(answer, Takeover)
    assert answer.losses == ("vrrp_instance VI_2 (VRID 52, IPv4, enp0s8) with 100.65.0.99/32",)


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param({"others": (conf(FOREIGN),)}, "reads /etc/keepalived/keepalived.conf", id="another file"),
        pytest.param({"processes": ("keepalived -f x",)}, "also runs outside keepalived.service", id="another daemon"),
    ],
)
def test_no_word_helps_where_the_file_is_not_what_counts(told: dict[str, Any], why: str, allowed: bool) -> None:  # noqa: FBT001
    answer = found(facts(WANTED, **told), allowed=allowed)
    assert isinstance(answer, Takeover)
    assert why in (answer.refusal or "")


@pytest.mark.parametrize("allowed", [False, True])
def test_what_can_not_be_told_is_unknown(allowed: bool) -> None:  # noqa: FBT001
    partly = replace(conf(FOREIGN), problems=("include y was not read",))
    answer = found(facts(FOREIGN, config=partly), allowed=allowed)
    assert isinstance(answer, Unread)
    assert "would be lost can't be told: include y was not read" in answer.reason
    assert found(replace(facts(FOREIGN), declared=GONE), allowed=allowed) == GONE
    assert found(replace(facts(FOREIGN), declared=read("H1", declared(None)))) == Takeover()


# Routers that are in no cluster.

THREE_PEERS = "unicast_src_ip 100.65.0.11\nunicast_peer {\n100.65.0.12\n100.65.0.13\n}"
TWO_PEERS = "unicast_src_ip 100.65.0.11\nunicast_peer {\n100.65.0.12\n}"
THIRD = "peer 100.65.0.13 of VI_1: nothing is sent to it any more; if keepalived runs there, it becomes master"
MULTICAST = "unicast of VI_1 becomes multicast 224.0.0.18"


def unicast(lines: str = THREE_PEERS, **how: Any) -> str:  # noqa: ANN401
    return f"# Managed by vipbook\n{instance(lines, **how)}"


@pytest.mark.parametrize(
    ("now", "then", "lost"),
    [
        pytest.param(unicast(), unicast(TWO_PEERS), [THIRD], id="the third is not sent to"),
        pytest.param(unicast(), unicast(), [], id="it still is"),
        pytest.param(unicast(TWO_PEERS), unicast(), [], id="it is new"),
        pytest.param(unicast(), unicast(""), [MULTICAST, THIRD], id="multicast, which it may not take"),
        pytest.param(unicast(TWO_PEERS), unicast(""), [MULTICAST], id="multicast, which the members take"),
        pytest.param(
            unicast(),
            unicast(TWO_PEERS, vrid=12),
            ["vrrp_instance VI_1 (VRID 11, IPv4, enp0s8) with 100.65.0.10/24", THIRD],
            id="its VIP stays here under another VRID",
        ),
        pytest.param(
            unicast(),
            unicast(TWO_PEERS, vrid=12, vips="100.65.0.99"),
            ["vrrp_instance VI_1 (VRID 11, IPv4, enp0s8) with 100.65.0.10/24"],
            id="its VIP goes with it",
        ),
        pytest.param(
            unicast(THREE_PEERS.replace("100.65.0.13", "$PEER")),
            unicast(TWO_PEERS),
            [THIRD.replace("100.65.0.13", "$PEER")],
            id="what is no address",
        ),
    ],
)
def test_a_peer_that_is_in_no_cluster_is_lost_whoever_wrote_the_file(now: str, then: str, lost: list[str]) -> None:
    own = facts(now, untouched=True)
    answer = takeover(desired("H1", config=then), own, (cluster(),), allowed=False)
    assert isinstance(answer, Takeover)
    assert list(answer.losses) == lost
    peers = [each for each in lost if each.startswith("peer")]
    assert (answer.refusal is not None) is bool(peers)
    if answer.refusal is not None:
        assert "make sure that keepalived does not run there and say --take-over" in answer.refusal
    allowed = takeover(desired("H1", config=then), own, (cluster(),), allowed=True)
    assert allowed == replace(answer, refusal=None)


def test_a_peer_that_this_run_changes_is_in_the_order_instead() -> None:
    own = facts(unicast(), untouched=True)
    changing = {IPv4Address("100.65.0.13")}
    assert takeover(desired("H1", config=unicast(TWO_PEERS)), own, (cluster(),), changing, allowed=False) == Takeover()


@pytest.mark.parametrize(
    ("now", "told", "listed"),
    [
        pytest.param(unicast(TWO_PEERS), {"modified_at": 500.0}, True, id="changed since it was read"),
        pytest.param(unicast(TWO_PEERS), {"modified_at": 500.0, "untouched": True}, False, id="by vipbook"),
        pytest.param(unicast(TWO_PEERS), {}, False, id="as it was read"),
        pytest.param(unicast(""), {"modified_at": 500.0}, False, id="multicast"),
    ],
)
def test_peers_that_only_the_daemon_knows(now: str, told: dict[str, Any], listed: bool) -> None:  # noqa: FBT001
    """No data is never a pass: a line taken out of the file is still what keepalived sends to."""
    own = replace(facts(now, **told), instances=read("H1", (running("H1", "master", name="VI_1"),)))
    answer = takeover(desired("H1", config=now.replace("VI_1", "VI_web")), own, (cluster(),), allowed=False)
    assert isinstance(answer, Takeover)
    assert any("so they are not known" in each for each in answer.losses) is listed
    assert (answer.refusal is not None) is listed
