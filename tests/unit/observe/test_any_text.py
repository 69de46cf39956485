"""Whatever a host prints, a parser gives a value or raises Garbled, and nothing else."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import json
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tasks.client
import tasks.fabric
import tasks.observe
import tasks.server
from tasks.observe.iproute2 import parse_fdb
from tasks.observe.json_text import documents
from tasks.observe.readings import Garbled
from tasks.server.firewall.questions import FILES
from tests.unit.builders import IPTABLES, RULES_V4

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

PACKAGES = (tasks.client, tasks.fabric, tasks.observe, tasks.server)
SAMPLES = Path(__file__).parents[2] / "data" / "observe"
SUMMARY = (
    "3 packets transmitted, 3 received, 0% packet loss, time 2031ms\n"
    "rtt min/avg/max/mdev = 0.211/0.342/0.523/0.131 ms\n"
)


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def journal() -> str:
    lines = sample("keepalived/srv1.log").splitlines()[:40]
    entries = ({"__REALTIME_TIMESTAMP": str(index), "MESSAGE": line} for index, line in enumerate(lines))
    return "\n".join(map(json.dumps, entries))


def entry(name: str) -> str:
    return sample(f"captures/vmac_frozen/05_many_moves/{name}/show_evpn_mac_vni_10_mac_00_00_5e_00_01_33.txt")


NVUE_ROW = {"type": "remote", "remote-vtep": {"10.0.0.12": {}}, "local-mobility-seq": 0, "duplicate": "off"}
LLDP = """{"lldp": {"interface": [{"swp1": {"chassis": {"H1": {"id": {"type": "mac", "value": "48:b0:2d:00:00:01"}}},
 "port": {"id": {"type": "mac", "value": "48:b0:2d:00:00:01"}, "descr": "eth1"}}}]}}"""
TIMERS = (
    "interface eth1\nbase_reachable_time_ms 30000\ndelay_first_probe_time 5\nucast_solicit 3\nretrans_time_ms 1000\n"
)
FRONT = sample("firewall/firewalld_H3.txt").partition("== policies")[0] + sample("firewall/firewalld_front_H3.txt")
# What each parser reads when all is well, by its name.
SAMPLE_TEXTS: dict[str, list[str]] = {
    "parse_arp_announce": ["/proc/sys/net/ipv4/conf/all/arp_announce:0\n/proc/sys/net/ipv4/conf/eth1/arp_announce:2\n"],
    "parse_backups": ["20260101T000000-abc123\n\n== files\nsame =dnJycAo= - /etc/x\nnone - =eA== /etc/y z\n"],
    "parse_clock": ["Sun Nov 22 09:00:21 2026\n"],
    "parse_declared": [
        (
            "host SDE=\noptions \npackage unknown\nconf L2V0Yy9rZWVwYWxpdmVkL2tlZXBhbGl2ZWQuY29uZg==\n"
            "file L2V0Yy9rZWVwYWxpdmVkL2tlZXBhbGl2ZWQuY29uZg== 1767225600 YQppbmNsdWRlIGNvbmYuZC8qLmNvbmYK\n"
            "include L2V0Yy9rZWVwYWxpdmVkL2tlZXBhbGl2ZWQuY29uZg== Y29uZi5kLyouY29uZg== "
            "L2V0Yy9rZWVwYWxpdmVkL2NvbmYuZC8xLmNvbmY=\n"
            "file L2V0Yy9rZWVwYWxpdmVkL2NvbmYuZC8xLmNvbmY= 1767225600 Ygo=\nend\n"
        )
    ],
    "parse_detection": [sample("frr/evpn.json")],
    "parse_evpn_mac_entry": [sample("frr/mac_entry_frozen.json")],
    "parse_evpn_macs": [sample("frr/mac_frozen.json")],
    "parse_evpn_neighbor_entry": [sample("frr/arp-cache_entry_frozen.json")],
    "parse_evpn_neighbors": [sample("frr/arp-cache_frozen.json")],
    "parse_fdb": [sample("iproute2/fdb.json"), sample("iproute2/fdb.txt")],
    "parse_firewall": ["Id=nftables.service\nActiveState=active\nUnitFileState=enabled\n\nId=ufw.service\n"],
    "parse_direct": ["ipv4 filter INPUT 0 -p 112 -s 100.65.0.14,100.65.0.15 -m comment --comment 'a b' -j DROP\n"],
    "parse_firewalld": [sample("firewall/firewalld_H3.txt"), FRONT],
    "parse_includes": ['== include /etc/a.nft\ninclude "b.nft"\n\n== unread /etc/b.nft\n'],
    "parse_instances": [sample("keepalived/state_v2.json")],
    "parse_iptables": [IPTABLES, RULES_V4],
    "parse_interfaces": [sample("iproute2/addr.json")],
    "parse_lldp": [LLDP],
    "parse_macip_paths": [sample("frr/macip_by_rd.json"), sample("frr/macip_of_vni.json")],
    "parse_move_count": [entry("L1"), entry("L2")],
    "parse_neighbors": [sample("iproute2/neigh.json"), sample("iproute2/neigh.txt")],
    "parse_nft": [sample("firewall/ruleset_vmac_H2.json")],
    "parse_nvue_detection": [
        '{"enable": "on", "mac-move-threshold": 5, "move-window": 9, "duplicate-action": {"freeze": {"duration": 6}}}'
    ],
    "parse_nvue_macs": [json.dumps({"48:b0:2d:00:00:02": NVUE_ROW})],
    "parse_nvue_move_count": [json.dumps({"type": "local", "duplicate": "off", "detection-count": 0})],
    "parse_nvue_neighbors": [json.dumps({"10.1.10.100": NVUE_ROW | {"mac": "48:b0:2d:00:00:02"}})],
    "parse_nvue_paths": [sample("frr/macip_by_rd.json")],
    "parse_nvue_sessions": ['{"swp51": {"state": "established", "address-family": {"l2vpn-evpn": {"rx-prefix": 57}}}}'],
    "parse_nvue_vni": ['{"local-vtep": "10.0.0.11", "vxlan-interface": {"vxlan48": {}}, "vlan": 10}'],
    "parse_package": ["manager=dnf\nname=Some Linux 9\ninstalled=2.2.7-1.el9\n"],
    "parse_ping": [SUMMARY],
    "parse_probe_stream": ["\n".join(sample("ping/stream.txt").splitlines()[:40]) + "\n"],
    "parse_route": ['[{"dst":"10.1.10.100","gateway":"10.0.0.1","dev":"eth1"}]', "10.1.10.100 via 10.0.0.1 dev eth1\n"],
    "parse_sessions": [sample("frr/summary.json")],
    "parse_syslog": ["2026 +0000\nNov 22 08:10:04 a Keepalived_vrrp[1]: (VI_1) Entering MASTER STATE\n"],
    "parse_timers": [TIMERS],
    "parse_transitions": [journal()],
    "parse_ufw": [sample("firewall/iptables_H4.txt")],
    "parse_vni": [sample("frr/vni.json")],
}
BOUND: dict[str, dict[str, Any]] = {
    "parse_nvue_vni": {"vni": 10},
    "parse_direct": {"passthroughs": "ipv4 -t raw -I PREROUTING 1 -p 51 -j DROP\n"},
    "parse_firewalld": {"interfaces": ("enp0s8",)},
    "parse_ufw": {"files": {"user.rules": sample("firewall/files_H4.txt")}},
    "parse_firewall": {
        "texts": {
            "iptables": IPTABLES,
            "ruleset": sample("firewall/ruleset_vmac_H2.json"),
            "firewall files": "".join(f"\n== {path}\n{RULES_V4}" for path in FILES),
        }
    },
}


def modules_of(*packages: ModuleType) -> list[ModuleType]:
    """Every module in them, at whatever depth."""
    found = [pkgutil.walk_packages(each.__path__, f"{each.__name__}.") for each in packages]
    return [importlib.import_module(module.name) for modules in found for module in modules]


def parsers() -> dict[str, Callable[[str], object]]:
    """Every public parser of the packages that read, so that a new one can't be forgotten here."""
    found: dict[str, Callable[[str], object]] = {}
    for loaded in modules_of(*PACKAGES):
        own = inspect.getmembers(
            loaded, lambda each, home=loaded.__name__: inspect.isfunction(each) and each.__module__ == home
        )
        found |= {
            name: functools.partial(each, **BOUND.get(name, {})) for name, each in own if name.startswith("parse_")
        }
    return found


PARSERS = parsers()
CASES: list[tuple[str, str]] = [(name, text) for name, texts in SAMPLE_TEXTS.items() for text in texts]
JSON_CASES = [case for case in CASES if case[1].lstrip()[:1] in "[{" and case[0] != "parse_transitions"]


def test_every_parser_has_a_text_here() -> None:
    assert set(SAMPLE_TEXTS) == set(PARSERS)


@pytest.mark.parametrize(("parser", "text"), CASES)
def test_what_is_spoiled_below_can_be_read_as_it_is(parser: str, text: str) -> None:
    PARSERS[parser](text)


QUIET = settings(
    max_examples=40,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["10.1.10.1", "::1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def is_value_or_garbled(parse: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(Garbled):
        parse(text)


@pytest.mark.parametrize(("parser", "text"), [*CASES, ("documents", sample("frr/vni_detail.json"))])
@QUIET
@given(noise=st.text())
def test_arbitrary_text(parser: str, text: str, noise: str) -> None:
    parse = PARSERS.get(parser, documents)
    is_value_or_garbled(parse, noise)
    is_value_or_garbled(parse, text + noise)


@pytest.mark.parametrize(("parser", "text"), CASES)
@QUIET
@given(choices=st.data())
def test_a_capture_with_a_piece_replaced(parser: str, text: str, choices: st.DataObject) -> None:
    begin = choices.draw(st.integers(0, len(text)))
    end = choices.draw(st.integers(begin, min(len(text), begin + 60)))
    piece = choices.draw(
        st.text(max_size=6) | st.sampled_from(["null", "-1", "[]", "{}", '""', "1e999", "9" * 30, "\n", "0"])
    )
    is_value_or_garbled(PARSERS[parser], text[:begin] + piece + text[end:])


@pytest.mark.parametrize(("parser", "text"), CASES)
def test_a_capture_cut_short(parser: str, text: str) -> None:
    for end in range(0, len(text), max(1, len(text) // 300)):
        is_value_or_garbled(PARSERS[parser], text[:end])


@pytest.mark.parametrize(("parser", "text"), JSON_CASES)
@QUIET
@given(choices=st.data())
def test_a_capture_of_another_shape(parser: str, text: str, choices: st.DataObject) -> None:
    """One value of another type, then a key or an item gone, named otherwise or there twice, or two documents glued."""
    document: Any = json.loads(text)
    holder, key = choices.draw(st.sampled_from(list(places(document))))
    change = choices.draw(st.sampled_from(CHANGES))
    change(holder, key, choices.draw(JSON_VALUES))
    spoiled = json.dumps(document)
    glued = choices.draw(st.sampled_from(["", "{}", "\n[]", "\n" + text, "\n" + text[: len(text) // 2]]))
    is_value_or_garbled(PARSERS[parser], spoiled + glued)


def put(holder: Any, key: Any, value: object) -> None:  # noqa: ANN401
    holder[key] = value


def drop(holder: Any, key: Any, _: object) -> None:  # noqa: ANN401
    del holder[key]


def double(holder: Any, key: Any, value: object) -> None:  # noqa: ANN401
    if isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[str(value)] = holder[key]


def rename(holder: Any, key: Any, value: object) -> None:  # noqa: ANN401
    kept = holder.pop(key)
    if isinstance(holder, list):
        holder.append([kept])
    else:
        holder[str(value)] = kept


CHANGES = (put, put, drop, double, rename)


def places(node: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """Every place in the document that holds a value."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [(node, key) for key in keys] + [place for key in keys for place in places(node[key])]


def test_cut_json_is_never_a_shorter_table() -> None:
    for parser, text in JSON_CASES:
        whole = text.rstrip()
        for end in range(1, len(whole), max(1, len(whole) // 200)):
            with pytest.raises(Garbled):
                PARSERS[parser](whole[:end])


def test_an_empty_fdb_is_never_a_table() -> None:
    for text in ("", "[]", "[{}]", "\n"):
        with pytest.raises(Garbled):
            parse_fdb(text)
