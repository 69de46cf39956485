"""Start the nodes and the forwarders that lead to them, and run commands inside a node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.detach import detach
from lab.namespaces import namespace_file
from lab.place import SSH_PORT, Lab, LabPaths
from lab.processes import Process, all_processes, leader_of

# keepalived writes to /proc/sys/net (rp_filter, arp_ignore of a virtual MAC), which a container has read-only.
NSPAWN_ENVIRONMENT = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def start_node(lab: Lab, node: str) -> None:
    """Boot the node's systemd in its namespace; returns at once."""
    name = lab.paths.namespace(node)
    log = lab.paths.nodes / node / "console.log"
    detach(name, nspawn_argv(lab.paths, node), log, environment=NSPAWN_ENVIRONMENT, cgroup=True)


def nspawn_argv(paths: LabPaths, node: str) -> list[str]:
    """systemd-nspawn with everything off that would touch the machine or copy from it."""
    name = paths.namespace(node)
    return [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--console=pipe",
        f"--machine={name}",
        f"--hostname={node}",
        f"--network-namespace-path={namespace_file(name)}",
        "--capability=CAP_NET_ADMIN,CAP_NET_RAW",
        f"--directory={paths.node_root(node)}",
    ]


def start_forwarder(lab: Lab, node: str) -> None:
    """Lead the node's loopback address on this machine to its sshd: through the namespace, not over an interface."""
    name = lab.paths.namespace(node)
    log = lab.paths.nodes / node / "forwarder.log"
    detach(f"{name}-ssh", forwarder_argv(lab, node), log)


def forwarder_argv(lab: Lab, node: str) -> list[str]:
    """A socat that starts another one inside the namespace for each connection."""
    path = namespace_file(lab.paths.namespace(node))
    return [
        "socat",
        f"TCP-LISTEN:{SSH_PORT},bind={lab.address(node)},fork,reuseaddr,nodelay",
        f"EXEC:nsenter --net={path} socat STDIO TCP\\:127.0.0.1\\:22\\,nodelay",
    ]


def has_forwarder(lab: Lab, node: str, processes: Iterable[Process]) -> bool:
    """Whether the node's forwarder listens (or a child of it serves a connection, with the same command line)."""
    # Without the program's own name: systemd calls it by its full path.
    arguments = tuple(forwarder_argv(lab, node)[1:])
    return any(process.program == "socat" and process.argv[1:] == arguments for process in processes)


def enter_argv(leader: Process, argv: Sequence[str]) -> list[str]:
    """The command as root inside the node of this PID 1, in an environment as sudo would give."""
    return [
        "nsenter",
        f"--target={leader.pid}",
        *("--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"),
        "--",
        *("env", "-i", f"PATH={PATH}", "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", "LANG=C.UTF-8"),
        *argv,
    ]


def find_leader(paths: LabPaths, node: str) -> Process | None:
    """The node's PID 1 as seen now, or None when the node does not run."""
    return leader_of(paths.namespace(node), paths, all_processes())
