"""Whether a lab is up, asked of the lab itself: PID 1, sshd's banner, BGP sessions, the VTEPs of each VNI."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

from lab.boot import enter_argv
from lab.command import attempt
from lab.errors import LabError
from lab.model import Node
from lab.place import SSH_PORT, Lab
from lab.processes import Process, all_processes, keeper_of, leader_of
from lab.status import Count, LabStatus, NodeStatus

BANNER = b"SSH-2.0-"
BANNER_TIMEOUT_S = 2.0
VTYSH_TIMEOUT_S = 10.0
READY_TIMEOUT_S = 90.0
POLL_S = 0.2
NO_COUNT = Count(actual=0, expected=0)


def look(lab: Lab, greeted: Container[str] = ()) -> LabStatus:
    """The state of every node at this moment; asks the nodes in parallel and changes nothing.

    An sshd that has `greeted` is not asked again: one that is asked again and again without a login shuts us out.
    """
    processes = all_processes()
    with ThreadPoolExecutor(max_workers=16) as pool:
        nodes = pool.map(lambda node: _look_at(lab, node, processes, greeted=node.name in greeted), lab.topology.nodes)
        return LabStatus(name=lab.paths.name, prefix=lab.paths.prefix, nodes=tuple(nodes))


def wait_until_ready(lab: Lab, progress: Callable[[str], None]) -> LabStatus:
    """Poll until all of it is up; LabError that says what is missing after 90 s."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    told = ""
    greeted: set[str] = set()
    while not (status := look(lab, greeted)).ready:
        greeted |= {node.name for node in status.nodes if node.sshd}
        _refuse_dead(lab, status)
        missing = status.missing()
        if time.monotonic() > deadline:
            message = f"the lab is not up after {READY_TIMEOUT_S:g} s: {'; '.join(missing)}"
            options = lab.paths.command_options
            raise LabError(message, f"vipbook lab down{options} && vipbook lab up{options}")
        summary = f"waiting for {', '.join(entry.split(':')[0] for entry in missing)}"
        if summary != told:
            progress(summary)
            told = summary
        time.sleep(POLL_S)
    return status


def _refuse_dead(lab: Lab, status: LabStatus) -> None:
    """LabError for a node that ended while it booted, with the last thing it said."""
    processes = all_processes()
    for node in status.nodes:
        if not node.running and keeper_of(lab.paths.namespace(node.name), lab.paths, processes) is None:
            log = lab.paths.nodes / node.name / "console.log"
            said = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
            last = next((line.strip() for line in reversed(said) if line.strip()), "nothing")
            message = f"{node.name} ended while it booted; the last it said: {last}"
            options = lab.paths.command_options
            raise LabError(message, f"vipbook lab down{options} && vipbook lab up{options}")


def _look_at(lab: Lab, node: Node, processes: Sequence[Process], *, greeted: bool) -> NodeStatus:
    leader = leader_of(lab.paths.namespace(node.name), lab.paths, processes)
    bgp, vteps = _routing(lab, node, leader)
    return NodeStatus(
        name=node.name,
        kind=node.kind,
        address=lab.address(node.name),
        port=SSH_PORT,
        user=node.user,
        running=leader is not None,
        sshd=leader is not None and (greeted or sshd_answers(lab.address(node.name))),
        bgp=bgp,
        vteps=vteps,
    )


def sshd_answers(address: str) -> bool:
    """Whether an SSH server greets at the address; the forwarder alone accepts even when sshd does not."""
    try:
        with socket.create_connection((address, SSH_PORT), timeout=BANNER_TIMEOUT_S) as connection:
            connection.settimeout(BANNER_TIMEOUT_S)
            return connection.recv(len(BANNER)) == BANNER
    except OSError:
        return False


def _routing(lab: Lab, node: Node, leader: Process | None) -> tuple[Count, Count]:
    """BGP sessions, and remote VTEPs over all VNIs."""
    if not node.is_router:
        return NO_COUNT, NO_COUNT
    expected = {svi.vlan.vni: lab.topology.vteps(svi.vlan) - {node.loopback} for svi in node.svis}
    documents = _vtysh(leader, ["show bgp summary json", *(f"show evpn vni {vni} json" for vni in expected)])
    known = sum(
        len(wanted & remote_vteps(document)) for wanted, document in zip(expected.values(), documents[1:], strict=False)
    )
    return (
        Count(actual=established(documents[0], node.fabric_ports), expected=len(node.fabric_ports)),
        Count(actual=known, expected=sum(map(len, expected.values()))),
    )


def _vtysh(leader: Process | None, commands: list[str]) -> list[object]:
    """One JSON document per command; empty ones when FRR does not answer (yet)."""
    nothing: list[object] = [{} for _ in commands]
    if leader is None:
        return nothing
    options = [part for command in commands for part in ("-c", command)]
    result = attempt(enter_argv(leader, ["vtysh", *options]), timeout=VTYSH_TIMEOUT_S)
    documents = json_documents(result.stdout)
    return documents if len(documents) == len(commands) else nothing


def json_documents(text: str) -> list[object]:
    """The JSON documents that follow each other in a text, up to the first thing that is none."""
    decoder = json.JSONDecoder()
    found: list[object] = []
    rest = text.lstrip()
    while rest:
        try:
            document, end = decoder.raw_decode(rest)
        except json.JSONDecodeError:
            break
        found.append(document)
        rest = rest[end:].lstrip()
    return found


def established(summary: object, ports: Sequence[str]) -> int:
    """How many of the ports have a session that is up for IPv4, IPv6 and EVPN (`show bgp summary json`)."""
    families = [_peers(summary, family) for family in ("ipv4Unicast", "ipv6Unicast", "l2VpnEvpn")]
    return sum(all(peers.get(port) == "Established" for peers in families) for port in ports)


def _peers(summary: object, family: str) -> dict[str, object]:
    section = summary.get(family) if isinstance(summary, dict) else None
    peers = section.get("peers") if isinstance(section, dict) else None
    entries = peers.items() if isinstance(peers, dict) else ()
    return {name: entry.get("state") for name, entry in entries if isinstance(entry, dict)}


def remote_vteps(vni: object) -> frozenset[IPv4Address]:
    """The VTEPs that `show evpn vni N json` lists; empty when it lists none (8.x: a list under `numRemoteVteps`)."""
    listed = vni.get("numRemoteVteps") if isinstance(vni, dict) else None
    return frozenset(IPv4Address(entry) for entry in listed) if isinstance(listed, list) else frozenset()
