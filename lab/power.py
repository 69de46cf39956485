"""Cut the power of one node, and boot it again: what was on its disk is there, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

from lab.boot import enter_argv, start_node
from lab.command import attempt, run
from lab.errors import LabError, LabUsageError
from lab.health import wait_until_ready
from lab.model import Node
from lab.network import node_plan
from lab.place import Lab
from lab.processes import all_processes, keeper_of, kill, leader_of
from lab.status import LabStatus

_END_TIMEOUT_S = 15.0
_POLL_S = 0.05
_EMPTY = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n"


def rebootable(lab: Lab, name: str) -> Node:
    """The node of this name; LabUsageError for one that is not there, and for a router.

    A router's bridges and VXLAN interfaces are the lab's, and `lab up` alone makes them.
    """
    nodes = {node.name: node for node in lab.topology.nodes}
    accepted = ", ".join(node.name for node in nodes.values() if not node.is_router)
    node = nodes.get(name)
    if node is None:
        message = f"the lab has no node {name!r} (nodes that can be rebooted: {accepted})"
        raise LabUsageError(message)
    if node.is_router:
        message = f"{name} is a {node.kind} and its interfaces are the lab's (nodes that can be rebooted: {accepted})"
        raise LabUsageError(message)
    return node


def power_cycle(lab: Lab, node: Node, progress: Callable[[str], None]) -> LabStatus:
    """Kill everything in the node at once, empty its part of the kernel, and boot it; returns when it is up again."""
    namespace = lab.paths.namespace(node.name)
    progress(f"cutting the power of {node.name}")
    # The cable first: a dying keepalived says goodbye to nobody.
    for interface in node.interfaces:
        run(["ip", "-netns", namespace, "link", "set", interface.name, "down"])
    _empty_firewall(lab, namespace)
    _kill(lab, node)
    for interface in node.interfaces:
        run(["ip", "-netns", namespace, "addr", "flush", "dev", interface.name])
    # The macvlan of a virtual MAC.
    for name in _made_inside(namespace):
        run(["ip", "-netns", namespace, "link", "delete", "dev", name])
    progress(f"booting {node.name}")
    lines = node_plan(node, lab.paths).ip
    run(["ip", "-netns", namespace, "-batch", "-"], stdin="".join(f"{line}\n" for line in lines))
    start_node(lab, node.name)
    return wait_until_ready(lab, progress)


def _empty_firewall(lab: Lab, namespace: str) -> None:
    """Rules live in the namespace, which stays; the programs are the node's, the machine may have none."""
    leader = leader_of(namespace, lab.paths, all_processes())
    if leader is not None:
        attempt(enter_argv(leader, ["nft", "flush", "ruleset"]))
        for family in ("ip", "ip6"):
            # Only where it is in use: reading it would make the table of the older interface.
            used = f"! grep -qs filter /proc/net/{family}_tables_names || {family}tables-legacy-restore"
            attempt(enter_argv(leader, ["sh", "-c", used]), stdin=_EMPTY)


def _kill(lab: Lab, node: Node) -> None:
    """SIGKILL to PID 1: the kernel ends the rest with it."""
    namespace = lab.paths.namespace(node.name)
    deadline = time.monotonic() + _END_TIMEOUT_S
    while keeper_of(namespace, lab.paths, processes := all_processes()) is not None:
        leader = leader_of(namespace, lab.paths, processes)
        if leader is not None:
            kill(leader)
        if time.monotonic() > deadline:
            message = f"{node.name} does not end"
            raise LabError(message, f"vipbook lab down{lab.paths.command_options}")
        time.sleep(_POLL_S)


def _made_inside(namespace: str) -> list[str]:
    listing = run(["ip", "-netns", namespace, "-o", "link", "show", "type", "macvlan"])
    return [line.split(":")[1].split("@")[0].strip() for line in listing.splitlines()]
