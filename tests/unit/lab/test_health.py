"""What FRR says about its sessions and VTEPs: only what is plainly there counts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab import health
from lab.health import established, json_documents, remote_vteps, sshd_answers
from lab.model import Kind
from lab.place import Lab, LabPaths
from lab.status import Count, LabStatus, NodeStatus
from lab.topology import load_topology

UP, OTHER = {"swp1": "Established"}, {"swp2": "Established"}


def summary(**families: dict[str, str]) -> object:
    return {
        name: {"peers": {port: {"state": state} for port, state in peers.items()}} for name, peers in families.items()
    }


def test_a_session_counts_when_it_is_up_for_every_family() -> None:
    up = {"swp1": "Established", "swp2": "Established"}
    assert established(summary(ipv4Unicast=up, ipv6Unicast=up, l2VpnEvpn=up), ("swp1", "swp2")) == 2


@pytest.mark.parametrize(
    "said",
    [
        {},
        [],
        None,
        "text",
        summary(ipv4Unicast=UP),
        summary(l2VpnEvpn=UP),
        summary(ipv4Unicast=UP, l2VpnEvpn=UP),
        summary(ipv6Unicast=UP, l2VpnEvpn=UP),
        summary(ipv4Unicast=UP, ipv6Unicast=UP),
        summary(ipv4Unicast=UP, ipv6Unicast=UP, l2VpnEvpn={"swp1": "Active"}),
        summary(ipv4Unicast=UP, ipv6Unicast={"swp1": "NoNeg"}, l2VpnEvpn=UP),
        summary(ipv4Unicast={"swp1": "Idle"}, ipv6Unicast=UP, l2VpnEvpn=UP),
        summary(ipv4Unicast=OTHER, ipv6Unicast=OTHER, l2VpnEvpn=OTHER),
        {"ipv4Unicast": {"peers": []}, "ipv6Unicast": {"peers": {}}, "l2VpnEvpn": None},
        {family: {"peers": UP} for family in ("ipv4Unicast", "ipv6Unicast", "l2VpnEvpn")},
    ],
)
def test_no_session(said: object) -> None:
    assert established(said, ("swp1",)) == 0


def test_vteps() -> None:
    assert remote_vteps({"numRemoteVteps": ["10.255.0.12"]}) == {IPv4Address("10.255.0.12")}


@pytest.mark.parametrize("said", [{}, [], None, {"numRemoteVteps": 1}, {"numRemoteVteps": []}, {"vni": 100}])
def test_no_vteps(said: object) -> None:
    assert remote_vteps(said) == frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}\n{"b": 2}\n', 2),
        ('{"a": 1}', 1),
        ("", 0),
        ("   \n", 0),
        ("failed to connect to any daemons.\n", 0),
        ('{"a": 1}\n% Unknown command', 1),
        ('{"a": 1', 0),
    ],
)
def test_documents_that_follow_each_other(text: str, found: int) -> None:
    assert len(json_documents(text)) == found


def node(name: str = "L1", *, running: bool = True, sshd: bool = True, bgp: int = 1, vteps: int = 1) -> NodeStatus:
    return NodeStatus(
        name=name,
        kind=Kind.LEAF,
        address="127.0.1.13",
        port=22022,
        user="cumulus",
        running=running,
        sshd=sshd,
        bgp=Count(actual=bgp, expected=1),
        vteps=Count(actual=vteps, expected=1),
    )


@pytest.mark.parametrize(
    ("hurt", "problem"),
    [
        (node(running=False, sshd=False, bgp=0, vteps=0), "L1: does not run"),
        (node(sshd=False, bgp=0), "L1: sshd does not answer at 127.0.1.13:22022"),
        (node(bgp=0, vteps=0), "L1: BGP sessions 0/1"),
        (node(vteps=0), "L1: remote VTEPs 0/1"),
    ],
)
def test_the_first_cause_is_named(hurt: NodeStatus, problem: str) -> None:
    status = LabStatus(name=None, prefix="vipbook", nodes=(node("L2"), hurt))
    assert not status.ready
    assert status.missing() == [problem]
    assert status.document()["ready"] is False


def test_a_lab_that_is_up() -> None:
    status = LabStatus(name=None, prefix="vipbook", nodes=(node(),))
    assert (status.ready, status.missing()) == (True, [])


def test_a_lab_without_nodes_is_not_up() -> None:
    assert not LabStatus(name=None, prefix="vipbook", nodes=()).ready


def test_counts() -> None:
    assert str(Count(actual=1, expected=2)) == "1/2"
    assert str(Count(actual=0, expected=0)) == "-"
    assert Count(actual=0, expected=0).complete
    assert not Count(actual=1, expected=2).complete


@pytest.fixture
def greeter(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server on loopback that says one thing and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(health, "SSH_PORT", server.getsockname()[1])
        monkeypatch.setattr(health, "BANNER_TIMEOUT_S", 0.5)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(request.param)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "127.0.0.1"
        thread.join()


@pytest.mark.parametrize("greeter", [b"SSH-2.0-OpenSSH_9.2p1\r\n"], indirect=True)
def test_an_ssh_server(greeter: str) -> None:
    assert sshd_answers(greeter)


@pytest.mark.parametrize("greeter", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"SSH-"], indirect=True)
def test_no_ssh_server(greeter: str) -> None:
    assert not sshd_answers(greeter)


def test_no_server_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(health, "SSH_PORT", server.getsockname()[1])
    assert not sshd_answers("127.0.0.1")
    assert not sshd_answers("")


def test_an_sshd_that_has_greeted_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenSSH 9.8 and later shut out a source that connects again and again without a login."""
    topology, asked, looks = load_topology(), [], []

    def routing(*_: object) -> tuple[Count, Count]:
        looks.append(1)
        complete = Count(actual=int(len(looks) > 3 * len(topology.nodes)), expected=1)
        return complete, complete

    def greets(address: str) -> bool:
        asked.append(address)
        return len(asked) > 3

    monkeypatch.setattr(health, "POLL_S", 0.0)
    monkeypatch.setattr(health, "all_processes", tuple)
    monkeypatch.setattr(health, "leader_of", lambda *_: object())
    monkeypatch.setattr(health, "_routing", routing)
    monkeypatch.setattr(health, "sshd_answers", greets)
    lab = Lab(paths=LabPaths(state=tmp_path, name="x"), topology=topology, octet=9)
    assert health.wait_until_ready(lab, lambda _: None).ready
    assert len(asked) == 3 + len(topology.nodes)
