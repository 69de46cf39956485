"""The step for arp_announce: there before a virtual MAC, gone after it, and back to what stood before."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest

from tasks.change.plan import plan_server
from tasks.change.sysctl import notes_on_sysctl, plan_sysctl
from tasks.change.undo import way_back
from tasks.model.plan import ServerPlan, Step
from tasks.model.server import ConfigFile
from tasks.render.sysctl import SYSCTL_FILE, sysctl_text
from tests.unit.builders import GONE, cluster, config_file, desired, instance, server_facts

KEY = "net/ipv4/conf/{}/arp_announce"
FRESH = "/etc/sysctl.d/.90-vipbook.conf.vipbook"
NO_FILE = config_file(text=None, owner=None, group=None, mode=None, modified_at=None)
WRITE = [
    f"sudo install -m 0644 -o root -g root /dev/null {FRESH}",
    f"sudo dd of={FRESH} conv=fsync status=none",
    f"sudo mv -T {FRESH} {SYSCTL_FILE}",
]


def set_to(value: int, interface: str = "enp0s8") -> str:
    return f"sudo sysctl -q -w {KEY.format(interface)}={value}"


def file(text: str | None = None, **changed: Any) -> ConfigFile:  # noqa: ANN401
    return config_file(**({"text": sysctl_text({"enp0s8": 0}) if text is None else text, "mode": 0o644} | changed))


def done(steps: tuple[Step, ...]) -> list[str]:
    return [command.title for step in steps for command in step.commands]


def fed(steps: tuple[Step, ...]) -> str:
    return b"".join(command.feed or b"" for step in steps for command in step.commands).decode()


@pytest.mark.parametrize(
    ("interfaces", "before", "running", "commands", "text"),
    [
        # nothing to do
        ((), NO_FILE, {"enp0s8": 0}, [], None),
        ((), NO_FILE, {"enp0s8": 2}, [], None),
        (("enp0s8",), file(), {"enp0s8": 2}, [], None),
        (("enp0s8",), file(), {"enp0s8": 0, "all": 2}, [], None),
        # coming
        (("enp0s8",), NO_FILE, {"enp0s8": 0}, [set_to(2), *WRITE], {"enp0s8": 0}),
        (("enp0s8",), NO_FILE, {"enp0s8": 1, "all": 1}, [set_to(2), *WRITE], {"enp0s8": 1}),
        (("enp0s8",), NO_FILE, {"enp0s8": 2}, WRITE, {"enp0s8": 2}),
        (("enp0s8",), NO_FILE, {"enp0s8": 0, "all": 2}, WRITE, {"enp0s8": 0}),
        (("bond0.100",), NO_FILE, {"bond0.100": 0}, [set_to(2, "bond0.100"), *WRITE], {"bond0.100": 0}),
        # not there: sysctl itself refuses it
        (("enp0s9",), NO_FILE, {"enp0s8": 0}, [set_to(2, "enp0s9"), *WRITE], {"enp0s9": None}),
        # drifted
        (("enp0s8",), file(), {"enp0s8": 0}, [set_to(2)], None),
        (("enp0s8",), file("# by hand\n"), {"enp0s8": 2}, WRITE, {"enp0s8": 2}),
        (("enp0s8",), file(mode=0o666), {"enp0s8": 2}, WRITE, {"enp0s8": 0}),
        (("enp0s8",), file(owner="bob"), {"enp0s8": 2}, WRITE, {"enp0s8": 0}),
        # one interface more, one less; the value before is that of the first time
        (
            ("enp0s8", "eth1"),
            file(),
            {"enp0s8": 2, "eth1": 1},
            [set_to(2, "eth1"), *WRITE],
            {"enp0s8": 0, "eth1": 1},
        ),
        (
            ("enp0s8",),
            file(sysctl_text({"enp0s8": 0, "eth1": 1})),
            {"enp0s8": 2, "eth1": 2},
            [set_to(1, "eth1"), *WRITE],
            {"enp0s8": 0},
        ),
        # going
        ((), file(), {"enp0s8": 2}, [set_to(0), f"sudo rm -f {SYSCTL_FILE}"], None),
        ((), file(), {"enp0s8": 1}, [f"sudo rm -f {SYSCTL_FILE}"], None),
        ((), file(), {}, [f"sudo rm -f {SYSCTL_FILE}"], None),
        ((), file(sysctl_text({"enp0s8": 2})), {"enp0s8": 2}, [f"sudo rm -f {SYSCTL_FILE}"], None),
        ((), file(sysctl_text({"enp0s8": None})), {"enp0s8": 2}, [f"sudo rm -f {SYSCTL_FILE}"], None),
        ((), file("# by hand\n"), {"enp0s8": 2}, [f"sudo rm -f {SYSCTL_FILE}"], None),
    ],
)
def test_what_is_done(
    interfaces: tuple[str, ...],
    before: ConfigFile,
    running: dict[str, int],
    commands: list[str],
    text: dict[str, int | None] | None,
) -> None:
    steps = plan_sysctl(interfaces, before, {"all": 0} | running)
    assert done(steps) == commands
    assert fed(steps) == ("" if text is None else sysctl_text(text))
    assert all(step.diff and step.topic == "sysctl" for step in steps)


@pytest.mark.parametrize(
    ("interfaces", "before", "running", "undo"),
    [
        (
            ("enp0s8",),
            NO_FILE,
            {"enp0s8": 1},
            [f"sysctl -q -w {KEY.format('enp0s8')}=1", "restore /etc/sysctl.d/"],
        ),
        (("enp0s8",), file(), {"enp0s8": 0}, [f"sysctl -q -w {KEY.format('enp0s8')}=0"]),
        (("enp0s9",), NO_FILE, {}, ["restore /etc/sysctl.d/"]),
        (
            (),
            file(),
            {"enp0s8": 2},
            [f"sysctl -q -w {KEY.format('enp0s8')}=2", "restore /etc/sysctl.d/"],
        ),
    ],
)
def test_the_way_back(
    interfaces: tuple[str, ...], before: ConfigFile, running: dict[str, int], undo: list[str]
) -> None:
    (step,) = plan_sysctl(interfaces, before, {"all": 0} | running)
    assert len(step.undo) == len(undo)
    assert all(piece in line for piece, line in zip(undo, step.undo, strict=True))
    assert step.keeps == ((SYSCTL_FILE,) if "sysctl -q" not in undo[-1] else ())
    script = way_back("20260101T000000-abc123", [step], 120).script()
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("interfaces", "before", "names"),
    [
        ((), NO_FILE, []),
        ((), file(), []),
        (("enp0s8",), file(sysctl_text({"enp0s8": None})), []),
        ((), file(sysctl_text({"enp0s8": None, "eth1": 0})), ["enp0s8"]),
    ],
)
def test_what_nobody_knows_any_more_is_left_and_said(
    interfaces: tuple[str, ...], before: ConfigFile, names: list[str]
) -> None:
    assert notes_on_sysctl(interfaces, before) == tuple(
        f"{KEY.format(name)} stays as it is: {SYSCTL_FILE} does not tell the value before" for name in names
    )


def plan(*interfaces: str, **values: Any) -> ServerPlan:  # noqa: ANN401
    """The whole plan where the virtual MAC is new (or, without interfaces, old) to keepalived too."""
    declared = cluster(use_vmac=bool(interfaces))
    running = (instance("H1", "master", vmac_interface=None if interfaces else "vrrp11"),)
    facts = server_facts("H1", config=config_file(text="old\n"), instances=running, **values)
    found = plan_server(replace(desired("H1"), vmac_bases=interfaces), facts, (declared,))
    assert isinstance(found, ServerPlan)
    return found


def test_it_is_set_before_the_first_packet_of_a_virtual_mac() -> None:
    assert [step.topic for step in plan("enp0s8").steps] == ["sysctl", "config", "service"]


def test_it_is_taken_back_after_the_last_one() -> None:
    found = plan(sysctl_file=file(), arp_announce={"all": 0, "enp0s8": 2})
    assert [step.topic for step in found.steps] == ["config", "service", "sysctl"]
    assert found.steps[-1].diff.splitlines()[:4] == [
        "-net/ipv4/conf/enp0s8/arp_announce = 2",
        "+net/ipv4/conf/enp0s8/arp_announce = 0",
        f"--- {SYSCTL_FILE}",
        "+++ /dev/null",
    ]


@pytest.mark.parametrize("reading", ["sysctl_file", "arp_announce"])
def test_what_could_not_be_read_can_not_be_planned(reading: str) -> None:
    assert plan_server(desired("H1"), server_facts("H1", **{reading: GONE}), (cluster(),)) == GONE


def test_a_note_goes_with_the_plan() -> None:
    assert len(plan(sysctl_file=file(sysctl_text({"enp0s8": None}))).notes) == 1
