"""Configuration text: keepalived.conf as a whole, and every option on its own."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface

import jinja2
import pytest
from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.inventory import Host, Hosts, Inventory
from nornir.core.task import Result
from nornir.plugins.runners import SerialRunner

from tasks.model.cluster import Cluster
from tasks.model.options import Garp, Notify, Track, TrackProcess, TrackScript
from tasks.render.keepalived import dynamic_interfaces, environment, render_keepalived, seconds
from tests.unit.builders import VIP, cluster, server

OUTSIDE = IPv4Interface("100.65.0.30/24")
H1_CONF = """\
global_defs {
    router_id H1
}

vrrp_instance VI_web {
    state BACKUP
    interface enp0s8
    version 2
    virtual_router_id 11
    priority 100
    advert_int 1
    skip_check_adv_addr
    authentication {
        auth_type PASS
        auth_pass hunter22
    }
    garp_master_repeat 5
    garp_master_delay 5
    garp_master_refresh 60
    garp_lower_prio_repeat 1
    virtual_ipaddress {
        100.65.0.10/24 dev enp0s8
    }
}
"""


def run_for(host: str, *clusters: Cluster) -> Result:
    """The task as Nornir runs it."""
    nornir = Nornir(inventory=Inventory(hosts=Hosts({host: Host(name=host)})), config=Config())
    results = nornir.with_runner(SerialRunner()).run(task=render_keepalived, memberships={host: clusters})
    found: Result = results[host][0]
    return found


def rendered(host: str, *clusters: Cluster) -> str:
    """The text without its comments."""
    result = run_for(host, *clusters)
    assert not result.failed, result.exception
    lines: list[str] = result.result.splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith("#"))


def test_the_labs_cluster() -> None:
    assert rendered("H1", cluster()) == H1_CONF


def test_the_other_server_differs_in_name_and_priority_alone() -> None:
    assert rendered("H2", cluster()) == H1_CONF.replace("router_id H1", "router_id H2").replace("y 100\n", "y 1\n")


NO_AUTH = """\
    authentication {
        auth_type PASS
        auth_pass hunter22
    }
"""
UNICAST = """\
    unicast_src_ip 100.65.0.11
    unicast_peer {
        100.65.0.12
    }
"""


@pytest.mark.parametrize(
    ("changed", "old", "new"),
    [
        ({"preempt": False}, "advert_int 1\n", "advert_int 1\n    nopreempt\n"),
        ({"unicast": True}, "advert_int 1\n", f"advert_int 1\n{UNICAST}"),
        ({"auth_pass": None}, NO_AUTH, ""),
        ({"advert_int": 30.0}, "advert_int 1\n", "advert_int 30\n"),
        ({"vrid": 255}, "virtual_router_id 11", "virtual_router_id 255"),
        (
            {"vips": (IPv4Interface("100.65.0.10/24"), IPv4Interface("100.65.0.9/24"))},
            "10/24 dev enp0s8\n",
            "10/24 dev enp0s8\n        100.65.0.9/24 dev enp0s8\n",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_option_changes_its_own_lines(changed: dict[str, object], old: str, new: str) -> None:
    assert rendered("H1", cluster(**changed)) == H1_CONF.replace(old, new)


VIP6 = IPv6Interface("fd00:100:65::10/64")
VMAC = "advert_int 1\n    use_vmac vrrp11\n    vmac_xmit_base\n"
EXCLUDED = """\
    virtual_ipaddress_excluded {
        fd00:100:65::10/64 dev DEVICE
    }
"""


def test_a_virtual_mac() -> None:
    """`dev vrrp11` would be refused: keepalived makes the macvlan after it has checked the file."""
    text = rendered("H1", cluster(use_vmac=True))
    assert text == H1_CONF.replace("advert_int 1\n", VMAC).replace(" dev enp0s8", "")


def test_an_ipv6_vip_stays_out_of_the_adverts() -> None:
    text = rendered("H1", cluster(vips=(VIP, VIP6), excluded=(VIP6,)))
    assert text == H1_CONF.removesuffix("}\n") + EXCLUDED.replace("DEVICE", "enp0s8") + "}\n"


def test_an_ipv6_vip_on_the_macvlan_names_it() -> None:
    text = rendered("H1", cluster(use_vmac=True, vips=(VIP, VIP6), excluded=(VIP6,)))
    wanted = H1_CONF.replace("advert_int 1\n", VMAC).replace(" dev enp0s8", "").replace("id H1\n", f"id H1\n{DYN}")
    assert text == wanted.removesuffix("}\n") + EXCLUDED.replace("DEVICE", "vrrp11") + "}\n"


DYN = "    dynamic_interfaces\n"


@pytest.mark.parametrize(
    ("clusters", "dynamic"),
    [
        ([{"use_vmac": True}], False),
        ([{"vips": (VIP, VIP6)}], False),
        ([{"use_vmac": True, "vips": (VIP, VIP6)}], True),
        ([{"use_vmac": True}, {"name": "db", "vrid": 12, "vips": (VIP, VIP6)}], False),
        ([{}, {"name": "db", "vrid": 12, "use_vmac": True, "vips": (VIP, VIP6)}], True),
        ([{"use_vmac": True, "vips": (VIP, OUTSIDE), "excluded": (OUTSIDE,)}], True),
        ([{"vips": (VIP, OUTSIDE), "excluded": (OUTSIDE,)}], False),
    ],
)
def test_an_interface_that_is_not_there_is_let_through_only_where_it_must_be(
    clusters: list[dict[str, object]],
    dynamic: bool,  # noqa: FBT001
) -> None:
    found = [cluster(**each) for each in clusters]
    assert rendered("H1", *found).count(DYN) == int(dynamic)
    assert any(dynamic_interfaces(each) for each in found) is dynamic


def test_vrrp_version_3_with_a_tenth_of_a_second() -> None:
    text = rendered("H1", cluster(version=3, advert_int=0.1, auth_pass=None))
    assert "    version 3\n" in text
    assert "    advert_int 0.1\n" in text
    assert "auth" not in text


def test_three_servers_in_unicast_name_all_others() -> None:
    servers = (server("H1"), server("H2"), server("H3", address=IPv4Interface("100.65.0.13/24")))
    text = rendered("H2", cluster(servers=servers, unicast=True))
    assert "    unicast_src_ip 100.65.0.12\n" in text
    assert "    unicast_peer {\n        100.65.0.11\n        100.65.0.13\n    }\n" in text


def test_a_server_of_two_clusters_has_one_file_with_both() -> None:
    other = cluster(name="db", vrid=12, vips=(IPv4Interface("100.65.1.10/24"),), auth_pass=None)
    text = rendered("H1", cluster(), other)
    assert text.startswith(H1_CONF)
    assert text.count("global_defs {") == 1
    assert [line for line in text.splitlines() if line.startswith("vrrp_instance")] == [
        "vrrp_instance VI_web {",
        "vrrp_instance VI_db {",
    ]
    assert text.count("{") == text.count("}")


def test_every_server_boots_as_backup() -> None:
    """A server that claims the VIP when it boots would take it from a living master."""
    for host in ("H1", "H2"):
        assert "state BACKUP" in rendered(host, cluster())
        assert "state MASTER" not in rendered(host, cluster())


@pytest.mark.parametrize("text", ["{{ nothing }}", "{{ cluster.nothing }}", "{% for x in nothing %}{% endfor %}"])
def test_a_name_that_is_not_there_is_an_error(text: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string(text).render(cluster=cluster())


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("  {% if name %}\n  a\n  {% endif %}\n", "  a\n"),
        ("{{ name }}\n", "\"<&>'\n"),
    ],
)
def test_text_is_as_it_stands_in_a_template(text: str, made: str) -> None:
    assert environment().from_string(text).render(name="\"<&>'") == made


def test_a_server_that_is_no_member_is_an_error() -> None:
    result = run_for("X", cluster())
    assert result.failed
    assert isinstance(result.exception, KeyError)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (255.0, "255"),
        (0.1, "0.1"),
        (0.01, "0.01"),
        (40.95, "40.95"),
        (1.5, "1.5"),
        (0.00001, "0.00001"),
        (999.99999, "999.99999"),
        (100.0, "100"),
        (0.0, "0"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


TRACK = Track(
    interfaces=("eth9",),
    scripts=(TrackScript(name="chk", command="/usr/bin/chk --fast", weight=-20),),
    processes=(TrackProcess(name="app", process="nginx", quorum=2),),
    script_user="prober",
)
HEAVY = Track(processes=(TrackProcess(name="app", process="nginx", weight=-7),))
SCRIPT = Track(scripts=(TrackScript(name="chk", command="/bin/chk"),))
GLOBAL = "    enable_script_security\n    script_user prober\n"


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"preempt_delay_s": 30.0}, ["    preempt_delay 30"]),
        ({"preempt_delay_s": 2.5}, ["    preempt_delay 2.5"]),
        ({"garp": Garp(repeat=3)}, ["    garp_master_repeat 3"]),
        ({"garp": Garp(delay_s=1)}, ["    garp_master_delay 1"]),
        ({"garp": Garp(refresh_s=0)}, ["    garp_master_refresh 0"]),
        ({"garp": Garp(lower_prio_delay_s=7)}, ["    garp_lower_prio_delay 7"]),
        ({"garp": Garp(lower_prio_repeat=4)}, ["    garp_lower_prio_repeat 4"]),
        ({"auth_type": "AH"}, ["        auth_type AH"]),
        ({"excluded": (IPv4Interface("100.65.0.30/24"),)}, ["        100.65.0.30/24 dev enp0s8"]),
        ({"track": TRACK}, ["    track_interface {", "        eth9"]),
        ({"track": TRACK}, ["    track_script {", "        web_chk"]),
        ({"track": TRACK}, ["    track_process {", "        web_app"]),
        ({"track": TRACK}, ['    script "/usr/bin/chk --fast"', "    user prober", "    interval 2", "    timeout 2"]),
        ({"track": TRACK}, ["    fall 2", "    rise 2", "    weight -20", "    init_fail"]),
        ({"track": TRACK}, ["vrrp_track_process web_app {", "    process nginx", "    quorum 2", "    delay 1"]),
        ({"track": HEAVY}, ["    delay 1", "    weight -7"]),
        ({"track": TRACK}, ["    enable_script_security", "    script_user prober"]),
        ({"notify": Notify(master="/bin/n m")}, ['    notify_master "/bin/n m" nobody']),
        ({"notify": Notify(backup="/bin/n")}, ['    notify_backup "/bin/n" nobody']),
        ({"notify": Notify(fault="/bin/n")}, ['    notify_fault "/bin/n" nobody']),
        ({"notify": Notify(stop="/bin/n")}, ['    notify_stop "/bin/n" nobody']),
        ({"notify": Notify(any="/bin/n")}, ['    notify "/bin/n" nobody']),
        ({"notify": Notify(deleted="/bin/n")}, ['    notify_deleted "/bin/n" nobody']),
        ({"notify": Notify(master_rx_lower_pri="/bin/n")}, ['    notify_master_rx_lower_pri "/bin/n" nobody']),
        ({"extra": ("no_accept", "unicast_ttl 5")}, ["    no_accept", "    unicast_ttl 5"]),
        ({"sync_group": "VG_web"}, ["vrrp_sync_group VG_web {", "    group {", "        VI_web", "    }", "}"]),
    ],
)
def test_each_further_option_has_its_lines(changed: dict[str, object], lines: list[str]) -> None:
    text = rendered("H1", cluster(**changed))
    assert "\n".join([*lines, ""]) in text
    assert "\n".join([*lines, ""]) not in rendered("H1", cluster())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"preempt": False}, "    # Whoever is master stays it: a better server that comes back moves nothing."),
        ({"unicast": True}, "    # Adverts go to the members alone: no leaf has to flood them, and a firewall"),
        ({"track": Track(interfaces=("eth9",))}, "    # What must be well here for the server to be master, beside"),
        ({"track": HEAVY}, "    # What must be well here for the server to be master, beside its own"),
        ({"track": TRACK}, "    # Ill until it first succeeds: a server that boots does not take the VIP before"),
        ({"track": SCRIPT}, "    # What must be well here for the server to be master, beside its own"),
        ({"use_vmac": True}, "    # The VIP moves with its own MAC. Adverts keep the MAC of the interface: leaves see"),
        ({"use_vmac": True, "excluded": (VIP,)}, "    # A VIP names the macvlan that use_vmac makes, and which is"),
        (
            {"excluded": (VIP,)},
            "    # Not in the adverts. Without `dev` those of another family would stand on enp0s8 also",
        ),
        ({"extra": ("no_accept",)}, "    # From `extra` in clusters.yaml, as it stands there: vipbook does not know"),
        ({"preempt_delay_s": 5.0}, "    # A server that comes back waits: its leaf's port forwards, and its services"),
        ({"notify": Notify(any="/bin/n")}, "    # Run at a change of state, by a user who may do no more than"),
    ],
)
def test_what_is_chosen_has_its_reason_beside_it(changed: dict[str, object], reason: str) -> None:
    assert reason in run_for("H1", cluster(**changed)).result
    assert reason not in run_for("H1", cluster()).result


def test_ipv6_adverts_come_from_the_declared_address() -> None:
    both = (
        server("H1", address6=IPv6Interface("fe80::11/64")),
        server("H2", address6=IPv6Interface("fe80::12/64")),
    )
    six = cluster(label="6", family=6, version=3, auth_pass=None, vips=(VIP6,), servers=both)
    text = rendered("H1", six)
    assert "vrrp_instance VI_web_6 {" in text
    reason = "    # The address that the peers' firewalls let in, also when the interface has others of this kind.\n"
    assert f"{reason}    mcast_src_ip fe80::11\n" in run_for("H1", six).result
    assert "mcast_src_ip" not in rendered("H1", replace(six, unicast=True))
    assert "    unicast_peer {\n        fe80::12\n    }\n" in rendered("H1", replace(six, unicast=True))


def test_what_the_instances_of_a_cluster_track_is_declared_once() -> None:
    first = cluster(track=TRACK, sync_group="VG_web")
    text = rendered("H1", first, replace(first, label="front", vrid=12))
    assert text.count("vrrp_script web_chk {") == 1
    assert text.count("        web_chk\n") == 2
    assert text.count(GLOBAL) == 1
    assert "    group {\n        VI_web\n        VI_web_front\n    }\n" in text


def test_every_line_that_is_no_name_or_number_has_its_reason() -> None:
    """Whatever vipbook chooses by itself is explained where it stands."""
    text = run_for("H1", cluster(track=TRACK, use_vmac=True, sync_group="VG_web", preempt_delay_s=5.0)).result
    lines = [line.strip() for line in text.splitlines()]
    chosen = (
        "state",
        "use_vmac",
        "preempt_delay",
        "garp_master_repeat",
        "garp_lower_prio_repeat",
        "skip_check_adv_addr",
        "init_fail",
        "delay",
    )
    for keyword in (*chosen, "group", "enable_script_security"):
        index = next(i for i, line in enumerate(lines) if line.split(" ")[0] == keyword)
        assert lines[index - 1].startswith("#"), keyword
