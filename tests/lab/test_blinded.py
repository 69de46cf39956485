"""keepalived's JSON and what any user of the server can put in its way: removed where it may be, else said by name."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric
from tests.lab.published import HELPERS

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
FILE = "/tmp/keepalived.json"
FILL = "head -c 1M /dev/zero > /tmp/fill"
FORGED = '[{"data": {"iname": "VI_web"}}]'
TIDY = f"umount {FILE} 2>/dev/null; rm -rf {FILE}*; rm -f /tmp/fill /tmp/other /root/secret; chmod 1777 /tmp"


@pytest.fixture
def server(healthy: Fabric) -> Iterator[Fabric]:
    healthy.shell("H1", "sh", "-c", f"{TIDY}; echo only-root-knows > /root/secret; chmod 600 /root/secret")
    yield healthy
    healthy.shell("H1", "sh", "-c", TIDY)


def user(fabric: Fabric, script: str) -> None:
    fabric.shell("H1", "su", "automation", "-s", "/bin/sh", "-c", script)


def look(fabric: Fabric, *changes: tuple[str, str], before: str = "") -> tuple[int, str]:
    """Exit status and output of the helper as H1 runs it."""
    text = (HELPERS / "keepalived-json").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    line = f'{before}\nprintf %s "$1" | sh -s 2>&1; echo "== $?"'
    said, _, status = fabric.shell("H1", "sh", "-c", line, "sh", text).rpartition("== ")
    return int(status), said


IN_THE_WAY = {
    "directory": f"mkdir {FILE}",
    "directory-that-is-not-empty": f"mkdir -p {FILE}/a/b; echo > {FILE}/a/b/c; chmod 0 {FILE}",
    "forged-file": f"echo '{FORGED}' > {FILE}",
    "unwritable-file": f"echo '{FORGED}' > {FILE}; chmod 0 {FILE}",
    "link-to-a-file-of-roots": f"ln -s /root/secret {FILE}",
    "link-to-nothing": f"ln -s /root/nothing {FILE}",
    "link-to-a-directory": f"ln -s /etc {FILE}",
    "fifo": f"mkfifo {FILE}",
}


@pytest.mark.parametrize("script", [pytest.param(script, id=name) for name, script in IN_THE_WAY.items()])
def test_what_a_user_puts_there_is_removed_and_verify_sees(server: Fabric, script: str) -> None:
    user(server, script)
    ran = server.vipbook("verify", "--json")
    assert ran.report["verdict"] == "pass", ran.problems()
    left = server.shell(
        "H1", "sh", "-c", f"stat -c '%u %a %s %F' {FILE}; cat /root/secret; ls /root/nothing 2>&1; true"
    )
    assert left.splitlines()[:2] == ["0 600 0 regular empty file", "only-root-knows"]
    assert "No such file" in left
    # The next one finds the name taken by root.
    assert "exists" in server.shell("H1", "su", "automation", "-s", "/bin/sh", "-c", f"mkdir {FILE} 2>&1; true")


def test_what_stood_in_a_directory_is_not_lost(server: Fabric) -> None:
    user(server, f"mkdir {FILE}; echo mine > {FILE}/a")
    assert look(server)[0] == 0
    assert server.shell("H1", "sh", "-c", f"cat {FILE}.moved-*/a; stat -c %U {FILE}.moved-*") == "mine\nautomation\n"


def test_a_file_of_roots_with_another_name_keeps_its_content(server: Fabric) -> None:
    """A kernel without fs.protected_hardlinks lets any user make such a link."""
    server.shell("H1", "sh", "-c", f"echo kept > /tmp/other; ln /tmp/other {FILE}")
    status, said = look(server)
    assert (status, json.loads(said)[0]["data"]["iname"]) == (0, "VI_web")
    assert server.shell("H1", "cat", "/tmp/other") == "kept\n"


UNREADABLE = [
    pytest.param(
        f"mkdir {FILE}; mount -t tmpfs none {FILE}",
        ["is in keepalived's way and can't be removed: directory of user root", "busy"],
        id="mount",
    ),
    pytest.param(
        f"rm -f {FILE}; mount -o remount,size=64k /tmp; su automation -s /bin/sh -c '{FILL}'; true",
        [f"keepalived can't write {FILE}: the file system is full"],
        id="full",
    ),
    pytest.param("chmod 0777 /tmp", ["any user could replace files in keepalived's /tmp"], id="without-sticky-bit"),
    pytest.param("chown automation /tmp", ["any user could replace files in keepalived's /tmp"], id="anothers-tmp"),
]


@pytest.mark.parametrize(("script", "words"), UNREADABLE)
def test_what_can_not_be_helped_is_unknown_with_the_reason(server: Fabric, script: str, words: list[str]) -> None:
    server.shell("H1", "sh", "-c", f"{script} 2>/dev/null")
    try:
        ran = server.vipbook("verify", "--json")
    finally:
        server.shell("H1", "sh", "-c", "mount -o remount,size=50% /tmp; chown root /tmp")
    assert ran.code == 3, ran.problems()
    messages = " ".join(each["message"] for each in ran.checks().values() if each["status"] == "unknown")
    assert all(word in messages for word in words), messages
    # All else is read as ever.
    unknown = {key for key, each in ran.checks().items() if each["status"] == "unknown"}
    assert unknown == {"running-config/H1", "adverts/H1", "master/web", "vip-address/H1"}


def test_a_user_who_makes_it_again_and_again_is_named(server: Fabric) -> None:
    user(server, f"(while :; do mkdir {FILE} 2>/dev/null; done) >/dev/null 2>&1 & echo $! > /tmp/other")
    try:
        status, said = look(server)
    finally:
        server.shell("H1", "sh", "-c", "kill $(cat /tmp/other)")
    # Who is first each time is chance.
    assert status == 0 or "there again when removed: directory of user automation" in said, said
    assert look(server)[0] == 0


def test_many_at_once_all_see(server: Fabric) -> None:
    before = 'for each in 1 2 3 4 5 6; do printf %s "$1" | sh -s > /root/look.$each 2>&1 & done; wait'
    assert look(server, before=before)[0] == 0
    seen = server.shell("H1", "sh", "-c", "cat /root/look.*; rm /root/look.*")
    assert seen.count('"iname": "VI_web"') + seen.count('"iname":"VI_web"') == 6, seen


def test_a_lock_that_is_held_is_not_awaited_for_ever_and_no_user_can_hold_it(server: Fabric) -> None:
    lock = "/run/vipbook/keepalived-json.lock"
    assert look(server)[0] == 0
    held = server.shell("H1", "su", "automation", "-s", "/bin/sh", "-c", f"flock -n {lock} true 2>&1; true")
    assert "Permission denied" in held
    status, said = look(server, before=f"flock {lock} sleep 8 & sleep 0.2")
    assert (status, "asked by other runs for 5 s" in said) == (7, True)


VICTIM = "systemd-run --quiet --unit=vipbook-victim --collect {}; sleep 0.3"


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        pytest.param("sleep 60", 5, "is /usr/bin/sleep, which is not keepalived", id="another-program"),
        pytest.param("/root/keepalived 60", 4, "built without JSON", id="a-program-of-that-name"),
        pytest.param("-p User=automation /tmp/keepalived 60", 5, "does not run as root", id="another-user"),
    ],
)
def test_no_other_process_gets_the_signal(server: Fabric, program: str, status: int, words: str) -> None:
    """It ends whoever does not handle it."""
    server.shell("H1", "sh", "-c", "cp /usr/bin/sleep /root/keepalived; cp /usr/bin/sleep /tmp/keepalived")
    try:
        before = VICTIM.format(program)
        found = look(server, ("keepalived.service", "vipbook-victim.service"), before=before)
        assert (found[0], words in found[1]) == (status, True), found
        assert server.shell("H1", "systemctl", "is-active", "vipbook-victim") == "active\n"
    finally:
        server.shell("H1", "sh", "-c", "systemctl stop vipbook-victim; rm -f /root/keepalived /tmp/keepalived")


def test_systemd_that_does_not_answer_is_not_a_server_without_keepalived(server: Fabric) -> None:
    changed = ("systemctl show", "env SYSTEMCTL_FORCE_BUS=1 DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere systemctl show")
    status, said = look(server, changed)
    assert (status, "systemd does not answer" in said) == (5, True), said


def test_a_tmp_of_its_own_is_where_it_writes(server: Fabric) -> None:
    place = "/etc/systemd/system/keepalived.service.d"
    conf = "[Service]\\nPrivateTmp=yes\\nEnvironment=TMPDIR=/tmp/deep\\nExecStartPre=/bin/mkdir -p /tmp/deep\\n"
    try:
        server.shell("H1", "sh", "-c", f"mkdir -p {place}; printf '{conf}' > {place}/tmp.conf; systemctl daemon-reload")
        server.shell("H1", "systemctl", "restart", "keepalived")
        user(server, f"mkdir -p {FILE}")
        status, said = look(server)
        assert (status, json.loads(said)[0]["data"]["iname"]) == (0, "VI_web")
        assert server.shell("H1", "stat", "-c", "%F", FILE) == "directory\n"
    finally:
        server.shell("H1", "sh", "-c", f"rm -r {place}; systemctl daemon-reload; systemctl restart keepalived")
