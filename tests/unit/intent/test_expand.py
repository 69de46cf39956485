"""A cluster of the file becomes its VRRP instances."""

from __future__ import annotations

import pytest

from tasks.intent.load import load_intent
from tasks.model.cluster import Cluster
from tasks.model.options import Garp, Notify, Track, TrackProcess, TrackScript
from tests.unit.intent.lint.test_keepalived import LOCAL, MORE, V3, keys, six

FRONT6 = "instances: {front: {vrid: 12, vips: [100.65.0.20/24, 'fd00:100:65::20/64']}}"


def clusters(text: str) -> tuple[Cluster, ...]:
    return load_intent(text, "clusters.yaml", lambda entry: entry.clear or "", need_secrets=True).clusters


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (keys(), [("VI_web", 4, 11, None)]),
        (six(), [("VI_web", 4, 11, "VG_web"), ("VI_web_6", 6, 11, "VG_web")]),
        (six().replace("vrid: 11", "vrid: 11\n    vrid6: 99"),
            [("VI_web", 4, 11, "VG_web"), ("VI_web_6", 6, 99, "VG_web")]),
        (six(vips="vips: ['fd00:100:65::10/64']"), [("VI_web", 6, 11, None)]),
        (keys("sync_group: false", text=six()), [("VI_web", 4, 11, None), ("VI_web_6", 6, 11, None)]),
        (keys(MORE % ""), [("VI_web", 4, 11, None), ("VI_web_front", 4, 12, None)]),
        (keys("sync_group: true", MORE % ""), [("VI_web", 4, 11, "VG_web"), ("VI_web_front", 4, 12, "VG_web")]),
        # a 6 in an operator's own name is no family
        (keys(FRONT6.replace("front", "a6"), text=six(LOCAL, unicast=False)), [
            *[("VI_web", 4, 11, "VG_web"), ("VI_web_6", 6, 11, "VG_web")],
            *[("VI_web_a6", 4, 12, "VG_web_a6"), ("VI_web_a6_6", 6, 12, "VG_web_a6")],
        ]),
        (keys("instances: {a: {vrid: 12, vips: [100.65.0.20/24]}, a6: {vrid: 13, vips: [100.65.0.21/24]}}"), [
            *[("VI_web", 4, 11, None), ("VI_web_a", 4, 12, None), ("VI_web_a6", 4, 13, None)],
        ]),
        (
            keys(FRONT6, text=six(LOCAL, unicast=False)),
            [
                ("VI_web", 4, 11, "VG_web"),
                ("VI_web_6", 6, 11, "VG_web"),
                ("VI_web_front", 4, 12, "VG_web_front"),
                ("VI_web_front_6", 6, 12, "VG_web_front"),
            ],
        ),
    ],
)  # fmt: skip
def test_instances(text: str, made: list[tuple[str, int, int, str | None]]) -> None:
    assert [(each.instance, each.family, each.vrid, each.sync_group) for each in clusters(text)] == made


def test_with_version_2_ipv6_travels_outside_the_adverts() -> None:
    (only,) = clusters(keys().replace("[100.65.0.10/24]", "[100.65.0.10/24, 'fd00:100:65::10/64']"))
    assert [str(vip) for vip in only.excluded] == ["fd00:100:65::10/64"]
    assert [str(vip) for vip in only.advertised] == ["100.65.0.10/24"]


def test_excluded_vips_travel_with_the_first_instance() -> None:
    first, second = clusters(keys("excluded: [100.65.0.30/24, 'fd00:100:65::30/64']", text=six()))
    assert [str(vip.ip) for vip in first.vips] == ["100.65.0.10", "100.65.0.30", "fd00:100:65::30"]
    assert [str(vip.ip) for vip in first.advertised] == ["100.65.0.10"]
    assert [str(vip.ip) for vip in second.vips] == ["fd00:100:65::10"]


def test_what_one_instance_carries_is_ipv4_first() -> None:
    (only,) = clusters(keys("excluded: [100.65.0.30/24]").replace("10/24]", "10/24, 'fd00:100:65::10/64']"))
    assert [str(vip.ip) for vip in only.vips] == ["100.65.0.10", "100.65.0.30", "fd00:100:65::10"]


TRACKED = """\
track:
      interfaces: [eth9]
      scripts: {chk: {command: /bin/c x, interval: 3, timeout: 4, fall: 5, rise: 6, weight: -7}}
      processes: {app: {process: nginx, quorum: 8, delay: 9, weight: 10}}
    script_user: prober"""


@pytest.mark.parametrize(
    ("line", "key", "made"),
    [
        (
            TRACKED,
            "track",
            Track(
                interfaces=("eth9",),
                scripts=(
                    TrackScript(
                        name="chk", command="/bin/c x", interval_s=3.0, timeout_s=4.0, fall=5, rise=6, weight=-7
                    ),
                ),
                processes=(TrackProcess(name="app", process="nginx", quorum=8, delay_s=9.0, weight=10),),
                script_user="prober",
            ),
        ),
        (
            "garp: {delay: 6, repeat: 7, refresh: 8, lower_prio_delay: 9, lower_prio_repeat: 10}",
            "garp",
            Garp(delay_s=6, repeat=7, refresh_s=8, lower_prio_delay_s=9, lower_prio_repeat=10),
        ),
        (
            "notify: {master: /bin/m, backup: /bin/b, fault: /bin/f, stop: /bin/s, any: /bin/a}",
            "notify",
            Notify(master="/bin/m", backup="/bin/b", fault="/bin/f", stop="/bin/s", any="/bin/a"),
        ),
        ("preempt_delay: 2.5", "preempt_delay_s", 2.5),
        ("auth_type: AH", "auth_type", "AH"),
        ("extra: [no_accept]", "extra", ("no_accept",)),
        ("use_vmac: true", "use_vmac", True),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) and ":" in value else "",
)
def test_what_is_declared_arrives(line: str, key: str, made: object) -> None:
    (found,) = clusters(keys(line))
    assert getattr(found, key) == made
    (bare,) = clusters(keys())
    assert getattr(bare, key) != made


def test_what_is_left_out_of_a_tracked_thing_and_of_garp() -> None:
    (found,) = clusters(keys("track: {scripts: {chk: {command: /bin/c}}, processes: {app: {process: nginx}}}"))
    assert found.track == Track(
        scripts=(TrackScript(name="chk", command="/bin/c"),), processes=(TrackProcess(name="app", process="nginx"),)
    )
    assert (found.garp, found.notify) == (Garp(), Notify())


def test_adverts_come_from_the_address_of_their_family() -> None:
    first, second = clusters(six())
    assert [str(each) for each in first.openings("H1")] == ["100.65.0.12"]
    assert [str(each) for each in second.openings("H1")] == ["fd00:100:65::12"]
    (ah,) = clusters(keys("auth_type: AH"))
    assert [str(each) for each in ah.openings("H1")] == ["100.65.0.12", "100.65.0.12 (AH)"]


def test_each_family_has_a_virtual_mac_and_a_macvlan_of_its_own() -> None:
    first, second = clusters(keys("use_vmac: true", text=six()))
    assert [(str(each.vmac), each.vmac_interface) for each in (first, second)] == [
        ("00:00:5e:00:01:0b", "vrrp11"),
        ("00:00:5e:00:02:0b", "vrrp6_11"),
    ]


def test_an_instance_may_have_other_priorities() -> None:
    first, second = clusters(keys(MORE % ", priorities: {H1: 1, H2: 100}"))
    assert [[server.priority for server in each.servers] for each in (first, second)] == [[100, 1], [1, 100]]


@pytest.mark.parametrize(
    ("interval", "given", "delay"),
    [("1", "", 5), ("0.1", "", 1), ("0.99", "", 1), ("0.1", "garp: {delay: 0}", 0), ("2", "garp: {delay: 9}", 9)],
)
def test_a_fast_cluster_gets_a_fast_second_burst(interval: str, given: str, delay: int) -> None:
    text = V3.replace("advert_int: 1", f"advert_int: {interval}")
    (only,) = clusters(keys(given, text=text) if given else text)
    assert only.garp.delay_s == delay
