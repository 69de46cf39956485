"""What the lab asks of the machine: root, Linux, packages, locks, cgroups, addresses, commands."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab import addresses, preflight
from lab.addresses import take_octet
from lab.cgroups import hierarchies
from lab.command import attempt, run
from lab.errors import LabError, LabUsageError
from lab.lock import locked
from lab.nodefiles import NodeFile
from lab.overlay import write_files
from lab.place import LabPaths
from lab.recipe import recipe_key
from lab.repository import index_stanza
from lab.rootfs import mmdebstrap_argv, sweep_builds
from lab.teardown import anything_left
from lab.topology import TOPOLOGY_FILE, load_topology, parse_topology


def quiet(_: str) -> None:
    """Progress that no one follows."""


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", [".venv/bin/vipbook", "lab", "up", "--name", "t 1"])
    with pytest.raises(LabUsageError, match="needs root") as caught:
        preflight.check_machine()
    assert caught.value.remedy == "sudo .venv/bin/vipbook lab up --name 't 1'"


def test_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(LabUsageError, match="needs Linux, and this is darwin"):
        preflight.check_machine()


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    there = {"ip", "bridge", "sysctl", "ssh-keygen", "nsenter", "setpriv", "setsid", "mount", "dpkg-deb"}
    monkeypatch.setattr("shutil.which", lambda name, **_: f"/bin/{name}" if name in there else None)
    monkeypatch.setattr(preflight, "KEYRING", tmp_path / "none.gpg")
    with pytest.raises(LabUsageError) as caught:
        preflight.check_machine()
    assert caught.value.remedy == "apt-get install -y mmdebstrap systemd-container socat debian-archive-keyring"


def test_too_few_inotify_instances(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text("39\n")
    monkeypatch.setattr(preflight, "INOTIFY_LIMIT", limit)
    with pytest.raises(LabUsageError, match="8 nodes need 40 inotify instances") as caught:
        preflight.check_inotify(8)
    assert caught.value.remedy == "sysctl -w fs.inotify.max_user_instances=1024"
    limit.write_text("100000\n")
    preflight.check_inotify(8)


def test_an_error_is_one_line_with_its_remedy() -> None:
    assert str(LabError("it broke", "mend it")) == "it broke; mend it with: mend it"
    assert str(LabError("it broke")) == "it broke"
    assert (LabError("x").exit_code, LabUsageError("x").exit_code) == (1, 2)


def test_a_command_that_fails_is_named_with_its_last_word() -> None:
    with pytest.raises(LabError, match=r"`sh -c .*` failed with 3: second"):
        run(["sh", "-c", "echo first >&2; echo second >&2; exit 3"])
    with pytest.raises(LabError, match="failed with 1: no message"):
        run(["false"])
    with pytest.raises(LabError, match=r"failed with 127: .*no-such-program"):
        run(["no-such-program"])


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(LabError, match=r"`sleep 60` took over 0.1 s"):
        run(["sleep", "60"], timeout=0.1)


def test_a_command_that_is_not_utf8() -> None:
    assert attempt(["printf", r"\377"]).stdout == "\ufffd"


def test_a_lock_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "labs" / "x.lock"
    with locked(path, quiet, doing="testing"):
        assert path.exists()
    assert not path.exists()


def test_a_lock_is_waited_for_and_the_wait_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    with (
        locked(tmp_path / "x.lock", quiet, doing="testing"),
        pytest.raises(LabError, match="has been testing for over"),
        locked(tmp_path / "x.lock", said.append, doing="testing", timeout=0.3),
    ):
        pass
    assert said == ["waiting for another process that is testing"]


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    script = f"""
import time, pathlib
from lab.lock import locked
with locked(pathlib.Path({str(path)!r}), print, doing="x"):
    print("held", flush=True)
    time.sleep(60)
"""
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait()
    with locked(path, quiet, doing="testing", timeout=1.0):
        assert path.exists()


HYBRID = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", ["/sys/fs/cgroup"]),
        (HYBRID, ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]),
        ("proc /proc proc rw 0 0\n", []),
        ("cgroup /sys/fs/cgroup/x cgroup rw,name=systemdx 0 0\n", []),
        ("", []),
    ],
)
def test_hierarchies(mounts: str, expected: list[str]) -> None:
    assert [str(path) for path in hierarchies(mounts)] == expected


def paths(state: Path, name: str | None) -> LabPaths:
    return LabPaths(name=name, state=state)


def test_addresses_are_the_labs_own_and_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_is_free", lambda _: True)
    assert take_octet(paths(tmp_path, None), quiet) == 1
    assert [take_octet(paths(tmp_path, name), quiet) for name in ("a", "b", "a", "c")] == [2, 3, 2, 4]


def test_addresses_that_someone_listens_on_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.2.11", 0)) as server:
        monkeypatch.setattr(addresses, "SSH_PORT", server.getsockname()[1])
        assert take_octet(paths(tmp_path, "a"), quiet) == 3


def test_a_lab_that_goes_meanwhile_has_no_octet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is listed and then gone, as a link to nowhere is."""
    monkeypatch.setattr(addresses, "_is_free", lambda _: True)
    (tmp_path / "labs" / "vipbook-gone").mkdir(parents=True)
    (tmp_path / "labs" / "vipbook-gone" / "octet").symlink_to(tmp_path / "nowhere")
    assert take_octet(paths(tmp_path, "a"), quiet) == 2


def test_a_file_that_is_no_octet_is_no_octet(tmp_path: Path) -> None:
    lab = paths(tmp_path, "a")
    lab.directory.mkdir(parents=True)
    lab.octet_file.write_text("")
    assert addresses.read_octet(lab) is None


def test_no_addresses_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_is_free", lambda _: False)
    with pytest.raises(LabError, match="253 labs"):
        take_octet(paths(tmp_path, "a"), quiet)


def topology_with(old: str, new: str) -> str:
    return recipe_key(parse_topology(TOPOLOGY_FILE.read_text().replace(old, new), "topology.yaml"))


def test_the_root_is_rebuilt_when_its_packages_change_and_not_otherwise() -> None:
    key = recipe_key(load_topology())
    assert topology_with("  - tcpdump\n", "") != key
    assert topology_with("  - keepalived\n", "  - keepalived\n  - conntrack\n") != key
    assert topology_with("server: automation", "server: robot") != key
    assert topology_with("65011", "65099") == key
    assert topology_with("  - dbus\n  - frr\n", "  - frr\n  - dbus\n") == key


def test_mmdebstrap_gets_packages_suite_and_a_mirror_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIPBOOK_MIRROR", raising=False)
    argv = mmdebstrap_argv(Path("/r"), load_topology())
    assert argv[-2:] == ["bookworm", "/r"]
    assert not [part for part in argv if "keepalived" in part and "download-only" not in part]
    monkeypatch.setenv("VIPBOOK_MIRROR", "file:///srv/mirror")
    assert mmdebstrap_argv(Path("/r"), load_topology())[-1] == "file:///srv/mirror"


def test_an_index_says_where_and_what(tmp_path: Path) -> None:
    deb = tmp_path / "a_1%3a2.deb"
    deb.write_bytes(b"abc")
    assert index_stanza("Package: a\nVersion: 1:2\n\n", deb) == (
        "Package: a\nVersion: 1:2\nFilename: ./a_1%3a2.deb\nSize: 3\n"
        "SHA256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
    )


def test_unfinished_builds_are_swept_and_finished_ones_kept(tmp_path: Path) -> None:
    for name in (".building-abc/etc", "abc/etc"):
        (tmp_path / "rootfs" / name).mkdir(parents=True)
    sweep_builds(tmp_path)
    assert [entry.name for entry in (tmp_path / "rootfs").iterdir()] == ["abc"]
    sweep_builds(tmp_path / "none")


def test_a_build_that_goes_on_is_not_swept(tmp_path: Path) -> None:
    (tmp_path / "rootfs" / ".building-abc").mkdir(parents=True)
    with locked(tmp_path / "rootfs" / ".lock", quiet, doing="building"):
        sweep_builds(tmp_path)
    assert (tmp_path / "rootfs" / ".building-abc").is_dir()


def test_nothing_is_left_of_what_never_was(tmp_path: Path) -> None:
    assert not anything_left(paths(tmp_path, "never"))
    paths(tmp_path, "never").directory.mkdir(parents=True)
    assert anything_left(paths(tmp_path, "never"))


def test_files_are_written_with_mode_owner_and_link(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    uid, gid = os.getuid(), os.getgid()
    (tmp_path / "etc/passwd").write_text(f"root:x:{uid}:{gid}::/root:/bin/sh\n")
    unit = tmp_path / "etc/unit"
    unit.symlink_to("/dev/null")
    write_files(
        tmp_path,
        [
            NodeFile(path="/etc/unit", text="text\n", mode=0o640),
            NodeFile(path="/etc/wants/unit", link="/lib/unit"),
        ],
    )
    # A link that was there is replaced, not written through.
    assert (unit.is_symlink(), unit.read_text(), unit.stat().st_mode & 0o777) == (False, "text\n", 0o640)
    assert (tmp_path / "etc/wants/unit").readlink() == Path("/lib/unit")
    with pytest.raises(KeyError):
        write_files(tmp_path, [NodeFile(path="/etc/x", owner="nobody-there")])
