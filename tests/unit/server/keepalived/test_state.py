"""Recorded state of keepalived 2.2.7 as master, backup and with a VMAC, both forms of the file, and broken ones."""

from __future__ import annotations

import json
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Any

import pytest

from tasks.model.server import Instance
from tasks.observe.readings import Garbled
from tasks.server.keepalived.state import parse_instances

SAMPLES = Path(__file__).parents[3] / "data" / "observe" / "keepalived"
MASTER = (SAMPLES / "state_v2.json").read_text()
VIP = IPv4Interface("192.0.2.10/24")


def instance(**changed: Any) -> Instance:  # noqa: ANN401
    fields: dict[str, Any] = {
        "name": "VI_1",
        "vrid": 51,
        "interface": "vb",
        "state": "master",
        "base_priority": 100,
        "effective_priority": 100,
        "version": 2,
        "advert_int": 1,
        "nopreempt": False,
        "vips": (VIP,),
        "last_transition": 1795335007.200235,
        "adverts_received": 8,
        "adverts_sent": 16,
    }
    vips = (fields | changed)["vips"]
    return Instance(**({"advertised": vips, "skips_check": False} | fields | changed))


def text(*, stats: bool = True, missing: str = "", **changed: Any) -> str:  # noqa: ANN401
    """Print the recorded master with other values."""
    (entry,) = json.loads(MASTER)
    entry["data"] |= changed
    entry["data"].pop(missing, None)
    entry["stats"].pop(missing, None)
    return json.dumps([entry] if stats else [{"data": entry["data"]}])


def test_recorded_master() -> None:
    assert parse_instances(MASTER) == (instance(),)


def test_recorded_backup() -> None:
    (found,) = parse_instances((SAMPLES / "state_backup.json").read_text())
    assert (found.state, found.adverts_received, found.advert_int, found.version) == ("backup", 159, 0.5, 3)
    assert found.vips == (IPv4Interface("10.1.10.100/24"),)


def test_with_a_vmac_the_interface_is_the_one_beneath_it() -> None:
    (found,) = parse_instances((SAMPLES / "state_vmac.json").read_text())
    assert (found.interface, found.vmac_interface, found.state) == ("eth1", "vrrp.51", "master")


@pytest.mark.parametrize(("sample", "state"), [("state_vmac_ipv6", "master"), ("state_vmac_ipv6_backup", "backup")])
def test_ipv6_vips_stand_outside_the_adverts(sample: str, state: str) -> None:
    (found,) = parse_instances((SAMPLES / f"{sample}.json").read_text())
    assert (found.interface, found.vmac_interface, found.state) == ("enp0s8", "vrrp11", state)
    assert found.vips == (IPv4Interface("100.65.0.10/24"), IPv6Interface("fd00:100:65::10/64"))


@pytest.mark.parametrize(
    ("changed", "interface"),
    [
        ({"vips": ["192.0.2.10/24 dev vrrp51@vb"]}, "vb"),
        ({"vips": ["192.0.2.9/24 dev eth9", "192.0.2.10/24 dev vrrp51@vb"]}, "vb"),
        ({"vips": ["192.0.2.10/24 dev vrrp52@vb"]}, ""),
        ({"vips": ["192.0.2.10/24 dev vrrp51"]}, ""),
        ({"vips": ["192.0.2.10/24"]}, ""),
        ({"vips": ["192.0.2.10/24 dev"]}, ""),
        ({"vips": []}, ""),
        # where the macvlan is not what the instance runs on, the name is the interface's own
        ({"ifp_ifname": "vb"}, "vb"),
    ],
)
def test_what_a_macvlan_stands_on(changed: dict[str, Any], interface: str) -> None:
    (found,) = parse_instances(text(**({"vmac_ifname": "vrrp51", "ifp_ifname": "vrrp51"} | changed)))
    assert (found.interface, found.vmac_interface) == (interface, "vrrp51")


def test_json_version_2() -> None:
    assert parse_instances(json.dumps({"vrrp": json.loads(MASTER), "track_process": [{}]})) == (instance(),)


@pytest.mark.parametrize("nothing", ["[]", '{"vrrp":[]}'])
def test_no_instance(nothing: str) -> None:
    assert parse_instances(nothing) == ()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"state": 0}, instance(state="init")),
        ({"state": 1}, instance(state="backup")),
        ({"state": 3}, instance(state="fault")),
        ({"state": 98}, instance(state="98")),
        ({"state": -1}, instance(state="-1")),
        ({"nopreempt": 1}, instance(nopreempt=True)),
        ({"nopreempt": True}, instance(nopreempt=True)),
        ({"adver_int": 0.5}, instance(advert_int=0.5)),
        ({"missing": "vips"}, instance(vips=())),
        ({"missing": "ifp_ifname"}, instance(interface="")),
        (
            {"evips": ["2001:db8::1/64 dev vb scope global"]},
            instance(vips=(VIP, IPv6Interface("2001:db8::1/64")), advertised=(VIP,)),
        ),
        ({"skip_check_adv_addr": 1}, instance(skips_check=True)),
        ({"missing": "skip_check_adv_addr"}, instance()),
        ({"evips": []}, instance()),
        ({"vips": ["192.0.2.11"]}, instance(vips=(IPv4Interface("192.0.2.11/32"),))),
        (
            {"vips": ["192.0.2.10/24 dev vb", "192.0.2.11/24 dev vb"]},
            instance(vips=(VIP, IPv4Interface("192.0.2.11/24"))),
        ),
    ],
)
def test_values(changed: dict[str, Any], expected: Instance) -> None:
    assert parse_instances(text(**changed)) == (expected,)


@pytest.mark.parametrize(
    ("garbled", "reason"),
    [
        ("", "nothing was printed"),
        (MASTER[:-2], "not JSON"),
        (MASTER[: len(MASTER) // 2], "not JSON"),
        (MASTER + MASTER, "2 documents"),
        (MASTER + "]", "not JSON"),
        ("keepalived is not running", "not JSON"),
        ("null", "the list of instances is not an array"),
        ("{}", "the list of instances is not an array"),
        ('{"vrrp":{}}', "the list of instances is not an array"),
        ("[[]]", "an instance is not an object"),
        ("[{}]", "'data' is not an object"),
        (text(stats=False), "'stats' is not an object"),
        *[
            (text(missing=key), f"'{key}' is missing")
            for key in ("iname", "vrid", "state", "base_priority", "effective_priority", "version", "adver_int")
        ],
        (text(missing="last_transition"), "'last_transition' is missing"),
        (text(missing="advert_rcvd"), "'advert_rcvd' is missing"),
        (text(missing="advert_sent"), "'advert_sent' is missing"),
        (text(iname=7), "'iname' is not text"),
        (text(state="MASTER"), "'state' is not a number"),
        (text(state=True), "'state' is not a number"),
        (text(vrid=51.5), "'vrid' is not a whole number"),
        (text(nopreempt="yes"), "'nopreempt' is not a boolean"),
        (text(vips="192.0.2.10/24"), "'vips' is not an array"),
        (text(evips="2001:db8::1/64"), "'evips' is not an array"),
        (text(evips=[7]), "not a VIP: 7"),
        (text(vmac_ifname=7), "'vmac_ifname' is not text"),
        (text(vips=[7]), "not a VIP: 7"),
        (text(vips=[" "]), "not a VIP"),
        (text(vips=["dev vb"]), "'dev'"),
        (text(vips=["192.0.2.10/240 dev vb"]), "192.0.2.10/240"),
        (text(ifp_ifname=3), "'ifp_ifname' is not text"),
    ],
)
def test_garbled(garbled: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_instances(garbled)


def test_a_reason_never_shows_the_secret() -> None:
    with pytest.raises(Garbled) as caught:
        parse_instances(text(auth_data="s3cret", missing="vrid"))
    assert "s3cret" not in str(caught.value)
