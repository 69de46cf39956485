"""A file with several of everything: whole, in the order of the intent, and explained in whole sentences."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface
from itertools import groupby

import pytest

from tasks.model.cluster import Cluster
from tasks.model.options import Garp, Notify, Track, TrackProcess, TrackScript
from tests.unit.builders import VIP, VIP6, cluster, server
from tests.unit.intent.lint.test_extra import extra
from tests.unit.intent.lint.test_keepalived import said_of
from tests.unit.render.test_render import rendered, run_for

WEB = cluster(
    sync_group="VG_web",
    preempt_delay_s=30.0,
    track=Track(
        interfaces=("eth9", "eth8"),
        scripts=(
            TrackScript(name="one", command="/bin/one", interval_s=3.0, timeout_s=1.0, fall=4, rise=5),
            TrackScript(name="two", command="/bin/two", interval_s=0.5, timeout_s=0.25, weight=-9),
        ),
        processes=(
            TrackProcess(name="three", process="nginx", quorum=2, delay_s=6.0),
            TrackProcess(name="four", process="named", delay_s=0.5, weight=7),
        ),
        script_user="prober",
    ),
)
FRONT = replace(WEB, label="front", vrid=12, vips=(IPv4Interface("100.65.0.20/24"),))
DB = cluster(
    name="db",
    vrid=13,
    version=3,
    preempt=False,
    unicast=True,
    auth_pass=None,
    use_vmac=True,
    vips=(IPv4Interface("100.65.0.30/24"), IPv4Interface("100.65.0.31/24"), IPv4Interface("100.65.0.32/24"), VIP6),
    excluded=(IPv4Interface("100.65.0.32/24"), VIP6),
    servers=tuple(
        server(name, interface="enp0s9", address=IPv4Interface(f"100.65.0.{last}/24"), priority=priority)
        for name, last, priority in (("H3", 43, 9), ("H1", 41, 8), ("H2", 42, 7))
    ),
    sync_group="VG_db",
    garp=Garp(delay_s=1, repeat=2, refresh_s=3, lower_prio_delay_s=4, lower_prio_repeat=6),
    notify=Notify(master="/bin/m", backup="/bin/b", fault="/bin/f", stop="/bin/s", any="/bin/a"),
    extra=("virtual_routes {", "10.0.0.0/8 dev enp0s9", "}"),
)
TRACKED = """\
    garp_master_repeat 5
    garp_master_delay 5
    garp_master_refresh 60
    garp_lower_prio_repeat 1
    track_interface {
        eth9
        eth8
    }
    track_script {
        web_one
        web_two
    }
    track_process {
        web_three
        web_four
    }
"""
INSTANCE = """\

vrrp_instance VI_web {
    state BACKUP
    interface enp0s8
    version 2
    virtual_router_id 11
    priority 100
    advert_int 1
    preempt_delay 30
    skip_check_adv_addr
    authentication {
        auth_type PASS
        auth_pass hunter22
    }
"""
VIPS = """\
    virtual_ipaddress {
        100.65.0.10/24 dev enp0s8
    }
}
"""
INSTANCE_WEB = INSTANCE + TRACKED + VIPS
INSTANCE_FRONT = INSTANCE_WEB.replace("VI_web", "VI_web_front").replace("id 11", "id 12").replace("0.10/", "0.20/")
INSTANCE_DB = """\

vrrp_instance VI_db {
    state BACKUP
    interface enp0s9
    version 3
    virtual_router_id 13
    priority 8
    advert_int 1
    use_vmac vrrp13
    vmac_xmit_base
    nopreempt
    unicast_src_ip 100.65.0.41
    unicast_peer {
        100.65.0.43
        100.65.0.42
    }
    skip_check_adv_addr
    garp_master_repeat 2
    garp_master_delay 1
    garp_master_refresh 3
    garp_lower_prio_delay 4
    garp_lower_prio_repeat 6
    virtual_ipaddress {
        100.65.0.30/24
        100.65.0.31/24
    }
    virtual_ipaddress_excluded {
        100.65.0.32/24 dev vrrp13
        fd00:100:65::10/64 dev vrrp13
    }
    notify_master "/bin/m" nobody
    notify_backup "/bin/b" nobody
    notify_fault "/bin/f" nobody
    notify_stop "/bin/s" nobody
    notify "/bin/a" nobody
    virtual_routes {
    10.0.0.0/8 dev enp0s9
    }
}
"""
HEAD = """\
global_defs {
    router_id H1
    enable_script_security
    script_user prober
    dynamic_interfaces
}

vrrp_script web_one {
    script "/bin/one"
    user prober
    interval 3
    timeout 1
    fall 4
    rise 5
    init_fail
}

vrrp_script web_two {
    script "/bin/two"
    user prober
    interval 0.5
    timeout 0.25
    fall 2
    rise 2
    weight -9
    init_fail
}

vrrp_track_process web_three {
    process nginx
    quorum 2
    delay 6
}

vrrp_track_process web_four {
    process named
    quorum 1
    delay 0.5
    weight 7
}

vrrp_sync_group VG_web {
    group {
        VI_web
        VI_web_front
    }
}

vrrp_sync_group VG_db {
    group {
        VI_db
    }
}
"""
SIX = cluster(
    label="6",
    family=6,
    version=3,
    auth_pass=None,
    vips=(VIP6,),
    servers=tuple(server(f"H{last}", address6=IPv6Interface(f"fe80::1{last}/64")) for last in (1, 2)),
)


def test_several_of_everything() -> None:
    assert rendered("H1", WEB, FRONT, DB) == HEAD + INSTANCE_WEB + INSTANCE_FRONT + INSTANCE_DB


def test_scripts_and_processes_of_a_further_cluster_stand_there_too() -> None:
    text = rendered("H1", WEB, FRONT, replace(DB, track=WEB.track))
    blocks = [line for line in text.splitlines() if line.startswith(("vrrp_script", "vrrp_track"))]
    assert blocks == [
        f"{kind} {name}_{which} {{"
        for name in ("web", "db")
        for kind, which in (
            *(("vrrp_script", "one"), ("vrrp_script", "two")),
            *(("vrrp_track_process", "three"), ("vrrp_track_process", "four")),
        )
    ]


@pytest.mark.parametrize("clusters", [(WEB, FRONT, DB), (WEB,), (DB,), (SIX,), (cluster(vips=(VIP,)),)])
def test_a_reason_is_a_whole_sentence(clusters: tuple[Cluster, ...]) -> None:
    lines = run_for("H1", *clusters).result.splitlines()
    blocks = groupby(lines, key=lambda line: line.lstrip().startswith("#"))
    said = [" ".join(line.lstrip("# ") for line in block) for is_reason, block in blocks if is_reason]
    assert said[0].startswith("Managed by vipbook")
    assert all(each[0].isupper() and each.endswith(".") for each in said), said


def test_whatever_stands_in_an_instance_is_not_passed_through_as_well() -> None:
    text = rendered("H1", WEB, replace(DB, extra=()), SIX)
    lines = text.partition("vrrp_instance")[2].splitlines()
    for keyword in {line.split()[0] for line in lines if line.startswith("    ") and line[4].isalpha()}:
        (said,) = said_of(extra(keyword))
        assert f"{keyword} is vipbook's own to write" in said
