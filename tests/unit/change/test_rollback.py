"""Back to what the last change replaced: what is run, what is shown, and the way back from that."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest

from tasks.change.rollback import lists_of, plan_rollback
from tasks.change.undo import Undo, way_back
from tasks.observe.backups import Backups, parse_backups
from tasks.observe.readings import Garbled
from tests.unit.builders import CONFIG, config_file, server_facts, service

NAME = "20260101T000000-abc123"
PATH = "/etc/keepalived/keepalived.conf"
LAST = Backups(names=("20250101T000000-abc123", NAME), files=(PATH,), config="old\n")


def test_the_way_back_of_the_change_is_run_once_more_where_it_is_kept() -> None:
    step = plan_rollback(LAST, server_facts("H1"))
    (command,) = step.commands
    assert command.argv == ("/bin/sh", f"/var/lib/vipbook/backups/{NAME}/undo.sh", f"backups/{NAME}")
    assert step.keeps == (PATH,)
    assert "+old" in step.diff
    assert "hunter22" not in step.diff


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


def test_five_backups_are_kept_and_a_change_that_proved_itself_is_one() -> None:
    undo = Undo(tag=NAME, lines=(), after_s=120, files=(PATH,))
    keys = [command.key for command in undo.keep()]
    assert keys.index("not undone") < keys.index("keep backup") < keys.index("prune")
    assert "clean" not in keys
    assert "head -n -5" in (undo.keep()[-1].fragment or "")
    fed = {command.key: command.feed for command in undo.prepare()}
    assert fed["undo files"] == f"{PATH}\n".encode()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\n", Backups(names=())),
        ("", Backups(names=())),
        (f"{NAME}\n\n== files\n{PATH}\n\n== config\nold\n", Backups(names=(NAME,), files=(PATH,), config="old\n")),
        (f"{NAME}\n\n== files\n{PATH}\n", Backups(names=(NAME,), files=(PATH,))),
        (f"{NAME}\n\n== files\n", Backups(names=(NAME,))),
    ],
)
def test_backups(text: str, found: Backups) -> None:
    assert parse_backups(text) == found
    assert found.last == (NAME if found.names else None)


@pytest.mark.parametrize("text", [f"{NAME}\n", "../x\n\n== files\n", f"{NAME}\n\n== files\netc/x\n", "sudo: no\n"])
def test_what_is_no_list_of_backups(text: str) -> None:
    with pytest.raises(Garbled):
        parse_backups(text)


RENDERED = """\
vrrp_instance VI_web {
    state BACKUP
    virtual_ipaddress {
        100.65.0.10/24 dev enp0s8
        100.65.0.30/24 dev enp0s8
    }
}

vrrp_instance VI_db {
    virtual_ipaddress {
        100.65.0.20/24
    }
    virtual_ipaddress_excluded {
        fd00::1/64 dev x
    }
}
"""


def test_the_lists_of_a_configuration() -> None:
    assert lists_of(RENDERED) == {
        "VI_web": {"100.65.0.10/24 dev enp0s8", "100.65.0.30/24 dev enp0s8"},
        "VI_db": {"100.65.0.20/24"},
    }
    assert lists_of(None) == lists_of(CONFIG) == {}
