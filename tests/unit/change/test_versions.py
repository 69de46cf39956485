"""An option that a version does not know is refused by name, with the version that has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.change.plan import plan_server
from tasks.change.versions import dies_of_users, unknown_options, with_roots_programs
from tasks.model.options import Notify, Track, TrackProcess, TrackScript
from tasks.model.plan import Outcome, ServerOutcome, ServerPlan
from tasks.model.server import Package
from tests.unit.builders import GONE, cluster, config_file, desired, server_facts

PROCESS = {"track": Track(processes=(TrackProcess(name="app", process="nginx"),))}


def script(**changed: float) -> dict[str, Any]:
    return {"track": Track(scripts=(TrackScript(name="chk", command="/bin/chk", **changed),))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("version", "changed", "said"),
    [
        ("1:2.2.7-1", {}, []),
        ("2.0.4-1.el8", {}, []),
        ("1.3.5-19.el7", {}, ["keepalived 1.3.5 has no --config-test", "2.0.4 has it"]),
        ("2.0.3-1", {}, ["no --config-test"]),
        ("git", {}, ["not a version that can be told"]),
        ("2.0.10-11.el8", PROCESS, ["web: keepalived 2.0.10 does not know vrrp_track_process; 2.0.11 does"]),
        ("2.0.11-1", PROCESS, []),
        ("2.1.5-9.el8", {"extra": ("garp_extra_if all",)}, ["does not know garp_extra_if; 2.2.0 does"]),
        ("2.2.0-1", {"extra": ("garp_extra_if all",)}, []),
        ("1:2.2.4-0.2", {"extra": ("unicast_fault_no_peer",)}, ["unicast_fault_no_peer; 2.2.5 does"]),
        ("2.2.5-1", {"extra": ("unicast_fault_no_peer", "something_new 3")}, []),
        ("2.0.5-1", {"notify": Notify(master_rx_lower_pri="/bin/x")}, ["notify_master_rx_lower_pri; 2.0.6 does"]),
        ("2.0.6-1", {"notify": Notify(master_rx_lower_pri="/bin/x")}, []),
        ("2.0.20-1", {"notify": Notify(deleted="/bin/x")}, ["does not know notify_deleted; 2.1.0 does"]),
        ("2.1.0-1", {"notify": Notify(deleted="/bin/x")}, []),
        ("2.3.2-1", {"extra": ("owner_ignore_adverts",)}, ["owner_ignore_adverts; 2.3.3 does"]),
        ("2.3.3-1", {"extra": ("owner_ignore_adverts",)}, []),
        ("1:2.2.7-1", script(interval_s=0.5), ["a fraction of a second", "vrrp_script chk; 2.3.2 does"]),
        ("2.3.1-1", script(interval_s=0.5), ["a fraction of a second", "vrrp_script chk; 2.3.2 does"]),
        ("1:2.2.7-1", script(timeout_s=2.5), ["a fraction of a second"]),
        ("1:2.2.7-1", script(), []),
        ("1:2.3.2-1", script(interval_s=0.5, timeout_s=0.5), []),
    ],
)
def test_each_version(version: str, changed: dict[str, Any], said: list[str]) -> None:
    found = unknown_options(version, [cluster(**changed)])
    assert bool(found) is bool(said)
    assert all(piece in " ".join(found) for piece in said)


def test_what_two_instances_use_is_told_once() -> None:
    first = cluster(**PROCESS)
    assert unknown_options("2.0.10-1", [first, replace(first, label="front")]) == [
        "web: keepalived 2.0.10 does not know vrrp_track_process; 2.0.11 does",
    ]


@pytest.mark.parametrize("package", [{"version": "2.0.10-11.el8"}, {"version": None, "candidate": "2.0.10-11.el8"}])
def test_the_plan_refuses_before_anything_is_touched(package: dict[str, Any]) -> None:
    facts = server_facts("H1", package=Package(manager="dnf", **package))
    found = plan_server(desired("H1"), facts, (cluster(**PROCESS),))
    assert isinstance(found, ServerPlan)
    assert "2.0.11 does" in (found.refusal or "")
    assert not found.changed


def test_an_unknown_system_is_refused_by_its_name() -> None:
    facts = server_facts("H1", package=Package(manager=None, version=None, system="openSUSE Leap 15.6"))
    found = plan_server(desired("H1"), facts, (cluster(),))
    assert isinstance(found, ServerPlan)
    assert (found.refusal or "").startswith("openSUSE Leap 15.6: neither apt")


def test_a_tracked_interface_that_is_not_there_is_refused() -> None:
    tracking = cluster(track=Track(interfaces=("eth9",)))
    found = plan_server(desired("H1"), server_facts("H1"), (tracking,))
    assert isinstance(found, ServerPlan)
    assert found.refusal == "web tracks eth9, which is not on H1; there are enp0s8"
    unread = plan_server(desired("H1"), server_facts("H1", interfaces=GONE), (tracking,))
    assert isinstance(unread, ServerPlan)
    assert unread.refusal is None


@pytest.mark.parametrize(
    ("outcome", "stands"),
    [
        (Outcome.UNCHANGED, "as declared"),
        (Outcome.APPLIED, "as declared"),
        (Outcome.PLANNED, "as before"),
        (Outcome.ROLLED_BACK, "as before"),
        (Outcome.REFUSED, "as before"),
        (Outcome.NOT_REACHED, "as before"),
        (Outcome.NOT_ROLLED_BACK, "unknown"),
        (Outcome.UNKNOWN, "unknown"),
    ],
)
def test_what_stands_where(outcome: Outcome, stands: str) -> None:
    assert ServerOutcome(host="H1", outcome=outcome, plan=ServerPlan(host="H1")).stands == stands


@pytest.mark.parametrize(
    ("manager", "words"),
    [("apt", ("apt-get", "install", "-y")), ("dnf", ("dnf", "install", "-y")), ("yum", ("yum", "install", "-y"))],
)
def test_each_package_manager_is_told_in_its_own_words(manager: Any, words: tuple[str, ...]) -> None:  # noqa: ANN401
    facts = server_facts("H1", package=Package(manager=manager, version=None))
    found = plan_server(desired("H1"), facts, (cluster(),))
    assert isinstance(found, ServerPlan)
    assert found.packages[0].commands[-1].argv[:3] == words
    assert found.manager == manager


PROGRAMS = cluster(
    track=Track(scripts=(TrackScript(name="chk", command="/bin/chk"),), script_user="prober"),
    notify=Notify(master="/bin/n m"),
)


@pytest.mark.parametrize(
    ("version", "changed", "dies"),
    [
        ("1:2.2.7-1", {}, True),
        ("2.2.4-6.el9", {}, True),
        ("2.2.0-1", {}, True),
        ("2.2.8-3.el9", {}, False),
        ("2.1.5-9.el8", {}, False),
        (None, {}, False),
        ("1:2.2.7-1", {"track": Track(), "notify": Notify()}, False),
        ("1:2.2.7-1", {"track": replace(PROGRAMS.track, script_user="root")}, False),
    ],
)
def test_which_config_test_dies_over_the_user_of_a_program(version: str | None, changed: Any, dies: bool) -> None:  # noqa: ANN401, FBT001
    assert dies_of_users(version, [replace(PROGRAMS, **changed)]) is dies
    assert dies_of_users(version, [cluster(), replace(PROGRAMS, **changed)]) is dies


def test_there_the_users_alone_are_another_and_must_exist() -> None:
    text = (
        'global_defs {\n    script_user prober\n}\nvrrp_script x {\n    user prober\n    script "/a user prober"\n}\n'
        '    notify_master "/bin/n prober" prober\n    user someone\n'
    )
    wanted = text.replace("script_user prober", "script_user root").replace("    user prober\n", "    user root\n")
    two = [PROGRAMS, replace(PROGRAMS, track=replace(PROGRAMS.track, script_user="other"))]
    assert with_roots_programs("    user other\n    user prober\n", two) == "    user root\n" * 2
    assert with_roots_programs("    user nobody\n", [cluster(), PROGRAMS]) == "    user nobody\n"
    assert with_roots_programs(text, [PROGRAMS]) == wanted.replace('prober" prober', 'prober" root')
    facts = server_facts("H1", config=config_file(text="old\n"))
    found = plan_server(desired("H1"), facts, (PROGRAMS,))
    assert isinstance(found, ServerPlan)
    titles = [command.title for step in found.steps for command in step.commands]
    assert "id -u prober" in titles
    assert "sudo keepalived --config-test --use-file=/etc/keepalived/.keepalived.conf.trial.vipbook" in titles
    assert any(line == "rm -f /etc/keepalived/.keepalived.conf.trial.vipbook" for line in found.steps[0].undo)
