"""Configuration text: keepalived.conf as a whole, every option on its own, and the firewall's spelling."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Interface

import jinja2
import pytest
from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.inventory import Host, Hosts, Inventory
from nornir.core.task import Result
from nornir.plugins.runners import SerialRunner

from tasks.model.cluster import Cluster
from tasks.observe.firewall import parse_iptables
from tasks.render.firewall import iptables_rule, nft_inserts, nft_rule, nft_snippet
from tasks.render.keepalived import dynamic_interfaces, environment, render_keepalived, seconds
from tests.unit.builders import OUR_LINE, VIP, cluster, nft_chain, nftables, server

H1_CONF = """\
global_defs {
    router_id H1
    vrrp_garp_master_repeat 5
    vrrp_garp_master_delay 5
    vrrp_garp_master_refresh 60
}

vrrp_instance VI_web {
    state BACKUP
    interface enp0s8
    version 2
    virtual_router_id 11
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass hunter22
    }
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
    text = rendered("H1", cluster(vips=(VIP, VIP6)))
    assert text == H1_CONF.removesuffix("}\n") + EXCLUDED.replace("DEVICE", "enp0s8") + "}\n"


def test_an_ipv6_vip_on_the_macvlan_names_it() -> None:
    text = rendered("H1", cluster(use_vmac=True, vips=(VIP, VIP6)))
    wanted = (
        H1_CONF.replace("advert_int 1\n", VMAC).replace(" dev enp0s8", "").replace("fresh 60\n", f"fresh 60\n{DYN}")
    )
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


def test_a_server_that_is_no_member_is_an_error() -> None:
    result = run_for("X", cluster())
    assert result.failed
    assert isinstance(result.exception, KeyError)


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (255.0, "255"), (0.1, "0.1"), (0.01, "0.01"), (40.95, "40.95"), (1.5, "1.5")]
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


def test_our_iptables_rule_is_spelled_as_iptables_prints_it() -> None:
    rule = iptables_rule(IPv4Address("100.65.0.12"))
    assert f"-A INPUT {' '.join(rule)}\n" == OUR_LINE
    (chain,) = parse_iptables(f"-P INPUT DROP\n-A INPUT {' '.join(rule)}\n")
    (read,) = chain.rules
    assert (read.ours, read.verdict, read.source, read.protocol, read.narrow) == (
        True,
        "accept",
        "100.65.0.12",
        "vrrp",
        False,
    )


def test_our_nftables_rule_and_file() -> None:
    chains = nftables(nft_chain(), nft_chain(name="second")).chains
    peers = [IPv4Address("100.65.0.12"), IPv4Address("100.65.0.13")]
    assert nft_rule(peers[0]) == 'ip saddr 100.65.0.12 ip protocol vrrp accept comment "vipbook"'
    lines = [f"insert rule inet filter {chain} {nft_rule(peer)}" for chain in ("input", "second") for peer in peers]
    assert nft_inserts(chains, peers) == lines
    head, *rest = nft_snippet(chains, peers).splitlines()
    assert head.startswith("# Managed by vipbook")
    assert rest == lines
