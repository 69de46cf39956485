"""The lab's life: up, up again, hurt, killed, down. Needs root; uses labs of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lab.place import SSH_PORT, STATE_VARIABLE, LabPaths, state_directory
from lab.processes import Process, all_processes, keeper_of, lab_processes, leader_of
from lab.topology import TOPOLOGY_FILE

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
NAME = "life"
NODES = ("H1", "H2", "L1", "L2", "S1", "I1")
SMALL = Path(tempfile.gettempdir()) / f"vipbook-small-{os.getpid()}.yaml"
"""A fabric of these nodes alone: what is shown here of a lab's life does not depend on how many there are."""
_MAIN = f"""
from pathlib import Path
import lab.topology
lab.topology.TOPOLOGY_FILE = Path({str(SMALL)!r})
from runbooks.cli import main
main()
"""
VIPBOOK = [sys.executable, "-c", _MAIN]

Snapshot = dict[str, set[str]]


def vipbook(*arguments: str, stdin: str = "", state: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({STATE_VARIABLE: str(state)} if state else {})
    return subprocess.run(
        [*VIPBOOK, *arguments], input=stdin, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )


def start(*arguments: str, state: Path | None = None) -> subprocess.Popen[str]:
    """In the background, with its stderr to read."""
    environment = os.environ | ({STATE_VARIABLE: str(state)} if state else {})
    return subprocess.Popen(
        [*VIPBOOK, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )


def paths(name: str = NAME) -> LabPaths:
    return LabPaths(name=name, state=state_directory())


def in_node(node: str, *argv: str, stdin: str = "", name: str = NAME) -> subprocess.CompletedProcess[str]:
    return vipbook("lab", "shell", node, "--name", name, "--", *argv, stdin=stdin)


def address_of(node: str, name: str = NAME) -> str:
    octet = paths(name).octet_file.read_text().strip()
    return f"127.0.{octet}.{11 + NODES.index(node)}"


def ssh(user: str, node: str, *command: str, known_hosts: Path | None = None) -> subprocess.CompletedProcess[str]:
    keys = paths().directory / "ssh"
    options = {
        "IdentityFile": keys / "id_ed25519",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": known_hosts or keys / "known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
    }
    arguments = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    target = ["-p", str(SSH_PORT), f"{user}@{address_of(node)}"]
    return subprocess.run(["ssh", *arguments, *target, *command], capture_output=True, text=True, check=False)


def traces(name: str) -> Snapshot:
    """Everything on the machine that bears the lab's name, and is not the shared cache."""
    prefix = paths(name).prefix
    mine = re.compile(rf"{prefix}(-|/|\b)(?!life2)")
    run = Path("/run/systemd/nspawn/propagate")
    return {
        "processes": {" ".join(process.argv) for process in lab_processes(paths(name), all_processes())},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if mine.search(line)},
        "namespaces": {entry.name for entry in Path("/run/netns").glob(f"{prefix}-*")},
        # A walk passes over what another lab removes meanwhile; a glob does not.
        "cgroups": {each for found in os.walk("/sys/fs/cgroup") for each in found[1] if each.startswith(f"{prefix}-")},
        "nspawn": {entry.name for entry in run.glob(f"{prefix}-*")},
        "files": {entry.name for entry in (state_directory() / "labs").glob(f"{prefix}*") if mine.search(entry.name)},
    }


def machine() -> str:
    """Interfaces, addresses and routes of the machine itself."""
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    addresses = subprocess.run(["ip", "-br", "address"], capture_output=True, text=True, check=True).stdout
    routes = subprocess.run(["ip", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout
    return links + addresses + routes


def stop_up(number: signal.Signals, delay: float) -> tuple[int, str]:
    """Exit status and stderr of an `up` that got a signal `delay` seconds after its first word."""
    with start("lab", "up", "--name", NAME) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        time.sleep(delay)
        process.send_signal(number)
        return process.wait(timeout=30), first + process.stderr.read()


def nothing_left(name: str) -> bool:
    return not any(traces(name).values())


def leaders(name: str = NAME) -> dict[str, Process | None]:
    processes = all_processes()
    return {node: leader_of(paths(name).namespace(node), paths(name), processes) for node in NODES}


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    whole = YAML(typ="safe").load(TOPOLOGY_FILE.read_text())
    whole["nodes"] = {name: node for name, node in whole["nodes"].items() if name in NODES}
    whole["links"] = [link for link in whole["links"] if all(end.split(":")[0] in NODES for end in link)]
    whole["clusters"] = {}
    # A router's port without a cable would be one that BGP waits for.
    cabled = {end for link in whole["links"] for end in link}
    for name, node in whole["nodes"].items():
        node["interfaces"] = {port: each for port, each in node["interfaces"].items() if f"{name}:{port}" in cabled}
    SMALL.write_text(json.dumps(whole))
    yield
    SMALL.unlink()


@pytest.fixture(scope="module")
def before(small: None) -> str:
    vipbook("lab", "down", "--name", NAME)
    return machine()


@pytest.fixture(scope="module")
def lab(before: str) -> Iterator[str]:
    del before
    result = vipbook("lab", "up", "--name", NAME)
    assert result.returncode == 0, result.stderr
    yield NAME
    vipbook("lab", "down", "--name", NAME)


def test_up_says_what_it_does_and_what_is_there(lab: str) -> None:
    status = vipbook("lab", "status", "--name", lab, "--json")
    document = json.loads(status.stdout)
    assert status.returncode == 0
    assert document["ready"]
    assert [node["name"] for node in document["nodes"]] == list(NODES)
    assert {node["name"]: node["bgp"]["actual"] for node in document["nodes"] if node["bgp"]["expected"]} == {
        "L1": 1,
        "L2": 1,
        "S1": 2,
    }
    assert [node["vteps"]["actual"] for node in document["nodes"] if node["kind"] == "leaf"] == [1, 1]


def test_up_again_is_quick_and_changes_nothing(lab: str) -> None:
    then, files = leaders(), {entry: entry.stat().st_mtime_ns for entry in paths().directory.glob("*/*")}
    before = os.times()
    assert vipbook("lab", "up", "--name", lab).returncode == 0
    after = os.times()
    # Its own work, on a machine that has other work too.
    assert after.children_user + after.children_system - before.children_user - before.children_system < 3
    assert leaders() == then
    assert {entry: entry.stat().st_mtime_ns for entry in paths().directory.glob("*/*")} == files


def test_the_machine_itself_is_as_before(lab: str, before: str) -> None:
    del lab
    assert machine() == before


@pytest.mark.parametrize("status", [0, 7])
def test_shell_returns_the_exit_status(lab: str, status: int) -> None:
    del lab
    assert in_node("L1", "sh", "-c", f"exit {status}").returncode == status


def test_shell_passes_input_and_output_through(lab: str) -> None:
    del lab
    result = in_node("H1", "sh", "-c", "hostname; id -un; cat; echo no >&2", stdin="a\n\tb")
    assert (result.stdout, result.stderr) == ("H1\nroot\na\n\tb", "no\n")


def test_shell_tells_a_signal(lab: str) -> None:
    del lab
    assert in_node("H1", "sh", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM


def test_people_log_in_with_their_key_and_become_root(lab: str) -> None:
    del lab
    users = {"H1": "automation", "H2": "automation", "L1": "cumulus", "S1": "cumulus", "I1": "cumulus"}
    for node, user in users.items():
        result = ssh(user, node, "sudo -n id -un; hostname")
        assert (result.returncode, result.stdout) == (0, f"root\n{node}\n"), result.stderr


@pytest.mark.parametrize(("user", "node"), [("root", "H1"), ("root", "L1"), ("cumulus", "H1"), ("automation", "L1")])
def test_no_one_else_logs_in(lab: str, user: str, node: str) -> None:
    del lab
    result = ssh(user, node, "true")
    assert result.returncode == 255
    assert "Permission denied" in result.stderr


def test_a_host_key_that_is_not_pinned_is_refused(lab: str, tmp_path: Path) -> None:
    del lab
    pinned = (paths().directory / "ssh" / "known_hosts").read_text().splitlines()
    swapped = tmp_path / "known_hosts"
    swapped.write_text(f"{pinned[0].split()[0]} {' '.join(pinned[1].split()[1:])}\n")
    result = ssh("automation", "H1", "true", known_hosts=swapped)
    assert result.returncode == 255
    assert "Host key verification failed" in result.stderr


def test_keepalived_is_not_there_and_installs_without_a_network(lab: str) -> None:
    del lab
    assert ssh("automation", "H1", "command -v keepalived; systemctl cat keepalived").returncode != 0
    result = ssh("automation", "H1", "sudo DEBIAN_FRONTEND=noninteractive apt-get install -y keepalived")
    assert result.returncode == 0, result.stderr
    assert "v2.2.7" in ssh("automation", "H1", "/usr/sbin/keepalived --version 2>&1").stdout


@pytest.mark.parametrize(("target", "code"), [("100.65.0.11", 10), ("100.65.0.12", 13)])
def test_the_firewall_rejects_vrrp_and_answers_ping(lab: str, target: str, code: int) -> None:
    """From a host that the servers never sent VRRP to: between themselves conntrack takes it for an answer."""
    del lab
    probe = f"""
import socket
answers = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
answers.settimeout(5)
# The Internet checksum over it is right: REJECT answers nothing else.
advert = bytes.fromhex("ffff0000")
socket.socket(socket.AF_INET, socket.SOCK_RAW, 112).sendto(advert, ("{target}", 0))
while True:
    packet = answers.recv(2048)
    if packet[20] == 3 and packet[28 + 9] == 112:
        print(packet[21])
        break
"""
    assert in_node("I1", "ping", "-c", "1", "-W", "5", target).returncode == 0
    assert in_node("I1", "python3", "-", stdin=probe).stdout == f"{code}\n"


def test_a_forwarder_that_died_is_replaced_without_touching_a_node(lab: str) -> None:
    then = leaders()
    victim = next(p for p in all_processes() if p.program == "socat" and f"bind={address_of('H2')}" in " ".join(p.argv))
    os.kill(victim.pid, signal.SIGKILL)
    assert vipbook("lab", "status", "--name", lab).returncode == 1
    assert vipbook("lab", "up", "--name", lab).returncode == 0
    assert ssh("automation", "H2", "true").returncode == 0
    assert leaders() == then


def test_two_labs_side_by_side(lab: str) -> None:
    second = "life2"
    vipbook("lab", "down", "--name", second)
    then = leaders()
    result = vipbook("lab", "up", "--name", second)
    try:
        assert result.returncode == 0, result.stderr
        assert address_of("H1", second) != address_of("H1")
        assert vipbook("lab", "status", "--name", lab).returncode == 0
        # A lab's key opens its own nodes alone.
        assert ssh("automation", "H1", "true").returncode == 0
    finally:
        assert vipbook("lab", "down", "--name", second).returncode == 0
    assert nothing_left(second)
    assert leaders() == then
    assert vipbook("lab", "status", "--name", lab).returncode == 0


def test_a_lab_of_another_state_directory_is_left_alone(lab: str, tmp_path: Path) -> None:
    then = leaders()
    for verb in ("up", "down"):
        result = vipbook("lab", verb, "--name", lab, state=tmp_path)
        assert result.returncode == 2
        assert "another state directory" in result.stderr
    assert leaders() == then


def test_up_recovers_from_a_killed_lab(lab: str) -> None:
    for process in lab_processes(paths(), all_processes()):
        # A container's processes go with its PID 1.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    result = vipbook("lab", "up", "--name", lab)
    assert result.returncode == 0, result.stderr
    assert "building it anew" in result.stderr
    assert vipbook("lab", "status", "--name", lab).returncode == 0


def test_up_recovers_from_a_node_that_died(lab: str) -> None:
    keeper = keeper_of(paths().namespace("L2"), paths(), all_processes())
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    status = vipbook("lab", "status", "--name", lab)
    assert status.returncode == 1
    assert "L2: does not run" in status.stdout
    assert vipbook("lab", "up", "--name", lab).returncode == 0


def test_two_ups_at_once_make_one_lab(lab: str) -> None:
    vipbook("lab", "down", "--name", lab)
    both = [start("lab", "up", "--name", lab) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("waiting for another process" in text for text in said) == 1
    assert len({process.pid for process in all_processes() if process.has_argument(f"--machine=vipbook-{lab}-H1")}) == 1


def test_down_leaves_nothing_and_refuses_at_once(lab: str, before: str) -> None:
    address = address_of("H1")
    assert vipbook("lab", "down", "--name", lab).returncode == 0
    assert traces(lab) == {kind: set() for kind in traces(lab)}
    assert machine() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, SSH_PORT), timeout=1)


def test_down_of_what_is_not_there(before: str) -> None:
    del before
    assert vipbook("lab", "down", "--name", NAME).returncode == 0
    status = vipbook("lab", "status", "--name", NAME)
    assert status.returncode == 1
    assert "H1: does not run" in status.stdout
    shell = in_node("H1", "true")
    assert shell.returncode == 1
    assert f"vipbook lab up --name {NAME}" in shell.stderr


# Seconds after the first word of `up`: among the namespaces, the mounts, the first boots, the waiting.
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.25, 0.5, 1.0, 2.0])
def test_down_after_a_kill_in_the_middle_of_up(before: str, delay: float) -> None:
    stop_up(signal.SIGKILL, delay)
    assert vipbook("lab", "down", "--name", NAME).returncode == 0
    assert traces(NAME) == {kind: set() for kind in traces(NAME)}
    assert machine() == before


def test_up_after_a_kill_in_the_middle_of_up(before: str) -> None:
    del before
    stop_up(signal.SIGKILL, 0.3)
    assert vipbook("lab", "up", "--name", NAME).returncode == 0
    assert vipbook("lab", "down", "--name", NAME).returncode == 0


def test_an_interrupt_is_told_and_can_be_cleaned_up(before: str) -> None:
    del before
    status, said = stop_up(signal.SIGINT, 0.5)
    assert status == 130
    assert "vipbook lab down" in said
    assert vipbook("lab", "down", "--name", NAME).returncode == 0
    assert nothing_left(NAME)


def test_a_killed_build_leaves_nothing_that_looks_finished(before: str, tmp_path: Path) -> None:
    del before
    deadline = time.monotonic() + 20
    with start("lab", "up", "--name", NAME, state=tmp_path) as process:
        while not list(tmp_path.glob("rootfs/.building-*/etc")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
    assert not [entry for entry in (tmp_path / "rootfs").iterdir() if not entry.name.startswith(".")]
    while builders(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not builders(tmp_path)
    assert vipbook("lab", "down", "--name", NAME, state=tmp_path).returncode == 0
    assert not list(tmp_path.glob("rootfs/*"))


def builders(state: Path) -> list[Process]:
    return [process for process in all_processes() if any(str(state) in argument for argument in process.argv)]
