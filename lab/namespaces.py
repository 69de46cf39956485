"""The lab's network namespaces: made, configured from outside, and removed. Needs root."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.command import attempt, run
from lab.model import Topology
from lab.network import NamespacePlan, Sysctls, cable_plan, node_plan
from lab.place import LabPaths

NETNS_DIRECTORY = Path("/run/netns")


def namespace_file(namespace: str) -> Path:
    """Where iproute2 binds a namespace to a name."""
    return NETNS_DIRECTORY / namespace


def namespaces_of(paths: LabPaths) -> list[str]:
    """Names of all namespaces that bear this lab's prefix, of earlier topologies too; sorted."""
    if not NETNS_DIRECTORY.is_dir():
        return []
    return sorted(entry.name for entry in NETNS_DIRECTORY.iterdir() if paths.namespace_pattern.fullmatch(entry.name))


def build_network(topology: Topology, paths: LabPaths) -> None:
    """All namespaces, cables, bridges, addresses. The namespaces must not exist yet."""
    plans = [node_plan(node, paths) for node in topology.nodes]
    run(["ip", "-batch", "-"], stdin="".join(f"netns add {plan.namespace}\n" for plan in plans))
    with ThreadPoolExecutor() as pool:
        # Interfaces inherit the namespace's defaults when they are made: these come first.
        list(pool.map(lambda plan: _set_sysctls(plan.namespace, plan.before), plans))
        run(["ip", "-batch", "-"], stdin="".join(f"{line}\n" for line in cable_plan(topology, paths)))
        list(pool.map(_configure, plans))


def delete_namespaces(paths: LabPaths) -> None:
    """Remove all of them; what is inside goes too, once no process is left in it."""
    for name in namespaces_of(paths):
        if attempt(["ip", "netns", "delete", name]).returncode != 0:
            # A name without a namespace: `ip netns add` was killed between making the file and mounting it.
            namespace_file(name).unlink(missing_ok=True)
    if NETNS_DIRECTORY.is_dir() and not any(NETNS_DIRECTORY.iterdir()):
        # `ip netns add` mounts the directory on itself; the last one out takes that off again (someone may be quicker).
        attempt(["umount", str(NETNS_DIRECTORY)])


def _configure(plan: NamespacePlan) -> None:
    _batch(["ip", "-netns", plan.namespace], plan.ip)
    _batch(["bridge", "-netns", plan.namespace], plan.bridge)
    _set_sysctls(plan.namespace, plan.after)


def _batch(program: list[str], lines: tuple[str, ...]) -> None:
    if lines:
        run([*program, "-batch", "-"], stdin="".join(f"{line}\n" for line in lines))


def _set_sysctls(namespace: str, sysctls: Sysctls) -> None:
    if sysctls:
        settings = [f"{name}={value}" for name, value in sysctls]
        run(["nsenter", f"--net={namespace_file(namespace)}", "--", "sysctl", "-q", "-w", *settings])
