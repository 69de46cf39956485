"""Where each range ends: what is just inside is let through, what is just outside is refused where it stands."""

from __future__ import annotations

import pytest

from tasks.model.errors import IntentError
from tests.unit.builders import CLUSTERS_YAML
from tests.unit.intent.lint.test_keepalived import V3, VIPS6, keys, load, said_of, six


def at(old: str, new: str, text: str = CLUSTERS_YAML) -> str:
    """The healthy file with a %s for the value to try."""
    assert old in text
    return text.replace(old, new, 1)


def refused(text: str, path: str) -> bool:
    """By the shape of the file, which comes before all rules."""
    return any(each.startswith(f"{path}: ") and " should " in each for each in said_of(text))


CHK = keys("track: {scripts: {chk: {command: /bin/a, %s}}}")
APP = keys("track: {processes: {app: {process: a, %s}}}")
FRONT = keys("instances: {front: {vrid: 12, vips: [100.65.0.20/24], %s}}")
FRONT6 = keys(
    f"instances: {{front: {{vrid: %s, {VIPS6.replace('0.10', '0.20').replace('::10', '::20')}}}}}", text=six()
)


@pytest.mark.parametrize(
    ("text", "path", "lowest", "below", "highest", "above"),
    [
        (at("vrid: 11", "vrid: %s"), "vrid", 1, 0, 255, 256),
        (at("vrid: 11", "vrid: 11\n    vrid6: %s", six()), "vrid6", 1, 0, 255, 256),
        (FRONT6, "instances.front.vrid", 1, 0, 255, 256),
        (at("vrid: %s", "vrid: 12, vrid6: %s", FRONT6), "instances.front.vrid6", 1, 0, 255, 256),
        (FRONT % "priorities: {H1: %s}", "instances.front.priorities.H1", 2, 0, 254, 255),
        (at("priority: 100", "priority: %s"), "servers.H1.priority", 2, 0, 254, 255),
        (at("advert_int: 1", "advert_int: %s", V3), "advert_int", 0.01, 0.00999, 1, 255.1),
        (at("advert_int: 1", "advert_int: %s"), "advert_int", 1, 0, 255, 255.1),
        (keys("preempt_delay: %s"), "preempt_delay", 0, -0.001, 1000, 1000.1),
        (at("vni: 100", "vni: %s"), "fabric.vni", 1, 0, 16777215, 16777216),
        (at("vni: 100", "vni: 100\n      vlan: %s"), "fabric.vlan", 1, 0, 4094, 4095),
        (at("vni: 100", "vni: 100\n      allowance: %s"), "fabric.allowance", 0.001, 0, 60, 60.1),
        (keys("garp: {delay: %s}"), "garp.delay", 0, -1, 3600, 3601),
        (keys("garp: {repeat: %s}"), "garp.repeat", 1, 0, 100, 101),
        (keys("garp: {refresh: %s}"), "garp.refresh", 0, -1, 86400, 86401),
        (keys("garp: {lower_prio_delay: %s}"), "garp.lower_prio_delay", 0, -1, 3600, 3601),
        (keys("garp: {lower_prio_repeat: %s}"), "garp.lower_prio_repeat", 0, -1, 100, 101),
        (CHK % "timeout: 0.1, interval: %s", "track.scripts.chk.interval", 0.1, 0.0999, 3600, 3600.1),
        (CHK % "interval: 3600, timeout: %s", "track.scripts.chk.timeout", 0.1, 0.0999, 3600, 3600.1),
        (CHK % "fall: %s", "track.scripts.chk.fall", 1, 0, 100, 101),
        (CHK % "rise: %s", "track.scripts.chk.rise", 1, 0, 100, 101),
        (CHK % "weight: %s", "track.scripts.chk.weight", -253, -254, 253, 254),
        (APP % "weight: %s", "track.processes.app.weight", -253, -254, 253, 254),
        (APP % "quorum: %s", "track.processes.app.quorum", 1, 0, 65535, 65536),
        (APP % "delay: %s", "track.processes.app.delay", 0.01, 0.00999, 3600, 3600.1),
    ],
)
def test_a_number(text: str, path: str, lowest: float, below: float, highest: float, above: float) -> None:
    for inside in (lowest, highest):
        load(text % inside)
    for outside in (below, above):
        assert refused(text % outside, path)


def hosts(count: int) -> str:
    return ", ".join(f"100.65.0.{30 + each}/24" for each in range(count))


@pytest.mark.parametrize(
    ("text", "path", "inside", "outside"),
    [
        (at("[100.65.0.10/24]", "[%s]"), "vips", hosts(20), hosts(21)),
        (at("[100.65.0.20/24]", "[%s]", FRONT % "excluded: []"), "instances.front.vips", hosts(20), hosts(21)),
        (keys("excluded: [%s]"), "excluded", hosts(200), hosts(201)),
        (FRONT % "excluded: [%s]", "instances.front.excluded", hosts(200), hosts(201)),
        (keys("extra: [%s]"), "extra", ", ".join(["accept"] * 50), ", ".join(["accept"] * 51)),
    ],
)
def test_a_length(text: str, path: str, inside: str, outside: str) -> None:
    load(text % inside)
    assert refused(text % outside, path)


@pytest.mark.parametrize(
    ("text", "path", "fit", "unfit"),
    [
        (
            keys("track: {interfaces: ['%s']}"),
            "track.interfaces.0",
            ["A", "a", "9", "_", "a-9_.Z", "a" * 15],
            ["", "a" * 16, " a", "a ", "a/b", "é"],
        ),
        (
            keys("probes: ['%s']", text=at("    probes: [I1]\n", "")),
            "probes.0",
            ["A", "a", "9", "a-9_.Z", "a" * 63],
            ["", "-a", ".a", "_a", "a" * 64, "a ", "a/b"],
        ),
        (
            keys("track: {scripts: {chk: {command: '%s'}}}"),
            "track.scripts.chk.command",
            ["/a", "/Z", "/9", "/a_.,:/=@%%+- Z9", "/" + "a" * 250],
            ["", "/", "a/b", "./b", "/" + "a" * 251, "/a;", '/a"', "/a~", "/a$b", "/a\tb"],
        ),
        (
            keys("script_user: '%s'"),
            "script_user",
            ["a", "_", "a_9-z", "a" * 32],
            ["", "A", "9", "-a", "aB", "a" * 33, "a$", " a"],
        ),
        (
            keys("track: {processes: {app: {process: '%s'}}}"),
            "track.processes.app.process",
            ["A", "a", "9", "a-9_.Z", "a" * 31],
            ["", "-a", ".a", "_a", "a" * 32, "a ", "a/b"],
        ),
    ],
)
def test_a_name(text: str, path: str, fit: list[str], unfit: list[str]) -> None:
    for each in fit:
        load(text % each)
    for each in unfit:
        assert refused(text % each, path), each


@pytest.mark.parametrize("name", ["A", "a", "b9", "a-9_Z", "a" * 31])
def test_a_name_of_a_cluster(name: str) -> None:
    load(at("web:", f"{name}:"))


@pytest.mark.parametrize("name", ["-a", "_a", "a.b", "a" * 32, "'a '", "a/b", "''"])
def test_a_name_that_no_cluster_has(name: str) -> None:
    with pytest.raises(IntentError, match="should match pattern: first one of letters, digits, then 0 to 30"):
        load(at("web:", f"{name}:"))
