"""The lock as a shell really keeps it: one holder, a lease, and nobody else's is touched."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.change.lock import HELD, SERVER, Holder, Lock, parse_holder
from tasks.intent.schema import ClusterName
from tasks.model.answer import Command

FIRST = Lock(clusters=("web", "db"), holder=Holder(who="one@ops", doing="apply", since="now"), token="1-aa", lease_s=60)
SECOND = replace(FIRST, holder=replace(FIRST.holder, who="two@ops"), token="2-bb")


def run(command: Command, place: Path) -> subprocess.CompletedProcess[str]:
    assert command.fragment is not None
    line = command.fragment.replace("sudo -n ", "").replace("/run/vipbook", str(place))
    return subprocess.run(["/bin/sh", "-c", line], text=True, capture_output=True, check=False)


def take(lock: Lock, place: Path) -> list[subprocess.CompletedProcess[str]]:
    return [run(command, place) for command in lock.take()[1:]]


def statuses(done: list[subprocess.CompletedProcess[str]]) -> list[int]:
    return [each.returncode for each in done]


def test_the_second_is_told_who_and_since_when(tmp_path: Path) -> None:
    assert statuses(take(FIRST, tmp_path)) == [0, 0]
    done = take(SECOND, tmp_path)
    assert statuses(done) == [HELD, HELD]
    assert str(parse_holder(done[0].stdout)) == "one@ops (apply) since now"


def test_the_server_itself_is_locked_whatever_its_clusters_are_called(tmp_path: Path) -> None:
    assert statuses(take(replace(FIRST, clusters=("web", SERVER)), tmp_path)) == [0, 0]
    assert statuses(take(replace(SECOND, clusters=("webx", SERVER)), tmp_path)) == [0, HELD]


@pytest.mark.parametrize("name", [SERVER, f"{SERVER}.lock"])
def test_no_cluster_has_the_name_of_the_servers_lock(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ClusterName).validate_python(name)


def test_what_is_given_up_can_be_taken(tmp_path: Path) -> None:
    take(FIRST, tmp_path)
    assert statuses([run(command, tmp_path) for command in FIRST.release()]) == [0, 0]
    assert statuses(take(SECOND, tmp_path)) == [0, 0]


def test_nobody_gives_up_or_renews_what_is_not_theirs(tmp_path: Path) -> None:
    take(FIRST, tmp_path)
    assert statuses([run(command, tmp_path) for command in SECOND.release()]) == [0, 0]
    assert all(status != 0 for status in statuses([run(command, tmp_path) for command in SECOND.renew()]))
    assert statuses(take(SECOND, tmp_path)) == [HELD, HELD]


@pytest.mark.parametrize("content", ["", "who=x\n", "until=\n", "until=soon\n", "until=1\n", "token=t\nuntil=9\n"])
def test_a_dead_holders_lock_is_outlived_and_a_broken_one_holds_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "web.lock").write_text(content)
    assert statuses(take(SECOND, tmp_path)) == [0, 0]
    assert "token=2-bb" in (tmp_path / "web.lock").read_text()


def test_a_renewed_lease_lasts_longer(tmp_path: Path) -> None:
    take(replace(FIRST, lease_s=-5), tmp_path)
    assert statuses([run(command, tmp_path) for command in FIRST.renew(600)]) == [0, 0]
    until = int((tmp_path / "web.lock").read_text().split("until=")[1])
    assert 590 < until - time.time() < 610
    assert statuses(take(SECOND, tmp_path)) == [HELD, HELD]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("who=a@b\ndoing=drill\nsince=t\n", "a@b (drill) since t"),
        ("who=a@b\ndoing=apply\nsince=t\nuntil=soon\n", "a@b (apply) since t"),
        ("", "somebody (something) since some time"),
        ("who=\nnoise\n", "somebody (something) since some time"),
    ],
)
def test_a_holder_for_people(text: str, said: str) -> None:
    assert str(parse_holder(text)) == said
    assert parse_holder(text).until == ""


def test_a_holder_tells_when_its_lease_runs_out() -> None:
    assert parse_holder("who=a\nuntil=1767225600\n").until == "2026-01-01T00:00:00Z"
