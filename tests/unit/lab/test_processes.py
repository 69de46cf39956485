"""Which processes are a lab's: too few leaves something behind, too many ends someone else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import processes
from lab.boot import forwarder_argv, has_forwarder, nspawn_argv
from lab.detach import PYTHON
from lab.place import Lab, LabPaths
from lab.processes import Process, all_processes, is_forwarder, is_keeper, keeper_of, lab_processes, leader_of
from lab.topology import load_topology

PATHS = LabPaths(name="t1", state=Path("/state"))
LAB = Lab(paths=PATHS, topology=load_topology(), octet=2)
HOST_NETNS, NODE_NETNS = 1, 2


def process(*argv: str, pid: int = 10, ppid: int = 1, netns: int = HOST_NETNS) -> Process:
    return Process(pid=pid, ppid=ppid, started=0, argv=argv, netns=netns)


KEEPER = process(*nspawn_argv(PATHS, "H1"), pid=10)
LEADER = process("/lib/systemd/systemd", pid=11, ppid=10, netns=NODE_NETNS)
FORWARDER = process(*forwarder_argv(LAB, "H1"), pid=12)


@pytest.fixture(autouse=True)
def netns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory in the place of /run/netns; a file's inode stands for a namespace's."""
    monkeypatch.setattr("lab.namespaces.NETNS_DIRECTORY", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "candidate",
    [
        KEEPER,
        process(*PYTHON, "enter_cgroup.py", "/x/cgroup.procs", "--", "env", "A=b", *nspawn_argv(PATHS, "H1")),
        process("env", "A=b", *nspawn_argv(PATHS, "L2")),
        process("/usr/bin/systemd-nspawn", *nspawn_argv(PATHS, "L2")[1:]),
    ],
    ids=["nspawn", "entering its cgroup", "setting its environment", "by its full path"],
)
def test_a_keeper(candidate: Process) -> None:
    assert is_keeper(candidate, PATHS)


@pytest.mark.parametrize(
    "candidate",
    [
        process(),
        process("systemd-nspawn"),
        process("systemd-nspawn", "--directory=/state/labs/vipbook/nodes/H1/root"),
        process("systemd-nspawn", "--directory=/state/labs/vipbook-t11/nodes/H1/root"),
        process("systemd-nspawn", "--directory=/other/labs/vipbook-t1/nodes/H1/root"),
        process("systemd-nspawn", "--directory", "/state/labs/vipbook-t1/nodes/H1/root"),
        process("less", "/state/labs/vipbook-t1/nodes/H1/console.log"),
        process("grep", "--directory=/state/labs/vipbook-t1/nodes/H1/root"),
        process("bash", "-c", "systemd-nspawn --directory=/state/labs/vipbook-t1/nodes/H1/root"),
        FORWARDER,
        LEADER,
    ],
)
def test_no_keeper(candidate: Process) -> None:
    assert not is_keeper(candidate, PATHS)


@pytest.mark.parametrize(
    "candidate", [FORWARDER, process("setsid", "--fork", "env", *forwarder_argv(LAB, "I1"))], ids=["socat", "setsid"]
)
def test_a_forwarder(candidate: Process) -> None:
    assert is_forwarder(candidate, PATHS)


@pytest.mark.parametrize(
    "candidate",
    [
        process("socat"),
        process("socat", "TCP-LISTEN:22022", "EXEC:nsenter --net=/run/netns/vipbook-H1 socat"),
        process("socat", "TCP-LISTEN:22022", "EXEC:nsenter --net=/run/netns/vipbook-t2-H1 socat"),
        process("socat", "TCP-LISTEN:22022", "EXEC:nsenter --net=/run/netns/"),
        process("socat", "TCP-LISTEN:22022", "TCP:example:22"),
        process("nsenter", "--net=/run/netns/vipbook-t1-H1", "bash"),
        KEEPER,
    ],
)
def test_no_forwarder(candidate: Process) -> None:
    assert not is_forwarder(candidate, PATHS)


def test_a_lab_has_what_is_in_its_namespaces_too(netns: Path) -> None:
    (netns / "vipbook-t1-H1").touch()
    (netns / "vipbook-H1").touch()
    inside = process("sleep", "9", pid=20, netns=(netns / "vipbook-t1-H1").stat().st_ino)
    other = process("sleep", "9", pid=21, netns=(netns / "vipbook-H1").stat().st_ino)
    assert lab_processes(PATHS, [KEEPER, FORWARDER, inside, other, process("bash")]) == [KEEPER, FORWARDER, inside]


def test_the_leader_is_the_keepers_child_in_the_namespace(netns: Path) -> None:
    (netns / "vipbook-t1-H1").touch()
    inode = (netns / "vipbook-t1-H1").stat().st_ino
    leader = process("/lib/systemd/systemd", pid=11, ppid=10, netns=inode)
    helper = process("(sd-mkuserns)", pid=9, ppid=10)
    orphan = process("/lib/systemd/systemd", pid=8, ppid=1, netns=inode)
    assert leader_of("vipbook-t1-H1", PATHS, [orphan, helper, KEEPER, leader]) == leader
    assert leader_of("vipbook-t1-H1", PATHS, [orphan, helper, KEEPER]) is None
    assert leader_of("vipbook-t1-H1", PATHS, [leader]) is None
    assert leader_of("vipbook-t1-H2", PATHS, [KEEPER, leader]) is None
    assert keeper_of("vipbook-t1-H2", PATHS, [KEEPER, leader]) is None


def test_no_leader_without_its_namespace() -> None:
    assert leader_of("vipbook-t1-H1", PATHS, [KEEPER, LEADER]) is None


def test_a_forwarder_is_one_nodes_and_one_addresss() -> None:
    forwarder = process(*forwarder_argv(LAB, "H1"))
    assert has_forwarder(LAB, "H1", [forwarder])
    assert has_forwarder(LAB, "H1", [process("/usr/bin/socat", *forwarder.argv[1:])])
    assert not has_forwarder(LAB, "H2", [forwarder])
    assert not has_forwarder(LAB, "H1", [process("setsid", *forwarder.argv)])
    assert not has_forwarder(LAB, "H1", [])


def test_proc_is_read_as_it_is() -> None:
    own = next(entry for entry in all_processes() if entry.pid == os.getpid())
    assert own.ppid == os.getppid()
    assert own.netns == Path("/proc/self/ns/net").stat().st_ino
    assert own.argv


def test_a_process_with_the_pid_of_another_is_not_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        stranger = Process(pid=child.pid, ppid=1, started=1, argv=(), netns=0)
        processes.kill(stranger)
        assert child.poll() is None
        found = next(entry for entry in all_processes() if entry.pid == child.pid)
        processes.kill(found)
        assert child.wait(5) == -9
        processes.kill(found)
