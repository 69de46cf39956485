"""Back to what the last change replaced: what is run, what is shown, and the way back from that."""

from __future__ import annotations

import base64
import hashlib
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.change.rollback import plan_rollback, refusal_of
from tasks.change.undo import Undo, way_back
from tasks.model.answer import Command
from tasks.observe.readings import Garbled
from tasks.server.backups import BACKUPS, Backups, KeptFile, parse_backups
from tests.unit.builders import CONFIG, config_file, server_facts, service

NAME = "20260101T000000-abc123"
PATH = "/etc/keepalived/keepalived.conf"
RULES = "/etc/ufw/user.rules"


def kept(path: str = PATH, *, before: str | None = "old\n", now: str | None = CONFIG, left: str = "same") -> KeptFile:
    old, new = (None if text is None else text.encode() for text in (before, now))
    return KeptFile(path=path, before=old, now=new, left=left)


LAST = Backups(names=("20250101T000000-abc123", NAME), files=(kept(),))


def sum_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_way_back_of_the_change_is_run_once_more_where_it_is_kept() -> None:
    step = plan_rollback(LAST, server_facts("H1"))
    _, command = step.commands
    assert command.argv == ("/bin/sh", f"/var/lib/vipbook/backups/{NAME}/undo.sh", f"backups/{NAME}")
    assert step.keeps == (PATH,)
    assert "+old" in step.diff
    assert "hunter22" not in step.diff


def test_every_file_that_changes_is_shown() -> None:
    rules = kept(RULES, before=None, now="-A ours\n")
    step = plan_rollback(Backups(names=(NAME,), files=(kept(), rules)), server_facts("H1"))
    assert "+old" in step.diff
    assert "--- /etc/ufw/user.rules\n+++ /dev/null" in step.diff
    assert "--A ours" in step.diff


@pytest.mark.parametrize(
    ("now", "left", "touched"),
    [
        ("a\n", sum_of("a\n"), False),
        ("a\n", "same", False),
        (None, "none", False),
        ("a\nb\n", sum_of("a\n"), True),
        ("a", sum_of("a\n"), True),
        ("", "none", True),
        (None, sum_of("a\n"), True),
        ("a\n", "none", True),
        ("a\n", "unknown", True),
    ],
)
def test_a_file_that_others_changed_refuses(now: str | None, left: str, touched: bool) -> None:  # noqa: FBT001
    refusal = refusal_of(Backups(names=(NAME,), files=(kept(left="same"), kept(RULES, now=now, left=left))))
    assert (refusal is not None) is touched
    if refusal is not None:
        assert refusal.startswith(
            "/etc/ufw/user.rules was changed by others since that apply; undo by hand, or declare"
        )


def test_several_files_that_others_changed_are_all_named() -> None:
    refusal = refusal_of(Backups(names=(NAME,), files=(kept(left="unknown"), kept(RULES, left="none"))))
    assert refusal is not None
    assert refusal.startswith(f"{PATH} and {RULES} were changed by others")


def run(command: Command, **places: str) -> subprocess.CompletedProcess[str]:
    assert command.fragment is not None
    line = command.fragment.replace("sudo -n ", "")
    for old, new in places.items():
        line = line.replace(f"/var/lib/vipbook/{old}", new)
    return subprocess.run(["/bin/sh", "-c", line], text=True, capture_output=True, check=False)


def test_a_file_that_changes_while_somebody_thinks_stays(tmp_path: Path) -> None:
    here, gone = tmp_path / "a b", tmp_path / "gone"
    here.write_text("as shown\n")
    files = (kept(str(here), now="as shown\n"), kept(str(gone), now=None))
    check = plan_rollback(Backups(names=(NAME,), files=files), server_facts("H1")).commands[0]
    assert run(check).returncode == 0
    here.write_text("as shown\nand a line of others\n")
    done = run(check)
    assert done.returncode == 1
    assert done.stderr == f"{here} was changed by others meanwhile\n"
    here.write_text("as shown\n")
    gone.write_text("")
    assert run(check).returncode == 1


@pytest.mark.parametrize("recorded", [True, False], ids=["checksums", "an older backup"])
def test_what_a_server_tells_of_its_last_backup(tmp_path: Path, recorded: bool) -> None:  # noqa: FBT001
    backups, here, gone = tmp_path / "backups", tmp_path / "rules v4", tmp_path / "new"
    backup = backups / NAME
    backup.mkdir(parents=True)
    (backups / "20250101T000000-abc123").mkdir()
    (backup / "files").write_text(f"{here}\n{gone}\n")
    (backup / str(here).strip("/").replace("/", "%")).write_text("before\n")
    here.write_text("left\n")
    undo = Undo(tag="x", after_s=1, files=(str(here), str(gone)))
    if recorded:
        assert run(undo.record(), **{"undo-x": str(backup)}).returncode == 0
    (backup / "finished").touch()
    look = BACKUPS.command

    def told() -> Backups:
        done = run(look, backups=str(backups))
        assert done.returncode == 0, done.stderr
        return parse_backups(done.stdout)

    found = told()
    assert [(each.before, each.now) for each in found.files] == [(b"before\n", b"left\n"), (None, None)]
    assert refusal_of(found) is None
    time.sleep(0 if recorded else 1.1)
    here.write_text("left\nof others\n")
    changed = told()
    assert [each.touched for each in changed.files] == [True, False]


@pytest.mark.parametrize(
    ("changed", "pieces", "never"),
    [
        ({}, ["systemctl enable", "systemctl reload"], ["systemctl stop"]),
        ({"service": service(active="inactive")}, ["systemctl enable", "systemctl stop"], ["reload"]),
        ({"service": service(enabled="disabled")}, ["systemctl disable"], ["systemctl enable"]),
        (
            {
                "sysctl_file": config_file(text="net/ipv4/conf/enp0s8/arp_announce = 2\n", mode=0o644),
                "arp_announce": {"all": 0, "enp0s8": 2},
            },
            ["sysctl -q -w net/ipv4/conf/enp0s8/arp_announce=2"],
            [],
        ),
    ],
)
def test_the_way_back_from_a_rollback_is_what_stands_here_now(
    changed: dict[str, Any], pieces: list[str], never: list[str]
) -> None:
    step = plan_rollback(LAST, server_facts("H1", **changed))
    text = "\n".join(step.undo)
    assert all(piece in text for piece in [*pieces, "keepalived.conf"])
    assert not any(piece in text for piece in never)
    assert shlex.split(step.undo[0])[:2] == ["rmdir", f"/var/lib/vipbook/backups/{NAME}/ran"]
    script = way_back(NAME, [step], 120).script()
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_the_files_of_a_change_are_written_down() -> None:
    undo = Undo(tag=NAME, after_s=120, files=(PATH,))
    fed = {command.key: command.feed for command in undo.prepare()}
    assert fed["undo files"] == f"{PATH}\n".encode()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\n", Backups(names=())),
        ("", Backups(names=())),
        (
            f"{NAME}\n\n== files\nsame ={base64.b64encode(CONFIG.encode()).decode()} =b2xkCg== {PATH}\n",
            Backups(names=(NAME,), files=(kept(),)),
        ),
        (
            f"{NAME}\n\n== files\nnone - = /a b\n",
            Backups(names=(NAME,), files=(kept("/a b", before="", now=None, left="none"),)),
        ),
        (f"{NAME}\n\n== files\n", Backups(names=(NAME,))),
    ],
)
def test_backups(text: str, found: Backups) -> None:
    assert parse_backups(text) == found
    assert found.last == (NAME if found.names else None)


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}\n",
        "../x\n\n== files\n",
        "sudo: no\n",
        *(
            f"{NAME}\n\n== files\n{line}\n"
            for line in ("/etc/x", "same - - etc/x", "some - - /x", "same =a - /x", "same - =a===b /x")
        ),
    ],
)
def test_what_is_no_list_of_backups(text: str) -> None:
    with pytest.raises(Garbled):
        parse_backups(text)
