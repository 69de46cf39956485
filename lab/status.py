"""What `lab status` says: frozen, and with the words for what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from lab.model import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """So many of so many."""

    actual: int
    expected: int

    @property
    def complete(self) -> bool:
        """Whether none is missing; true where none is expected."""
        return self.actual >= self.expected

    def __str__(self) -> str:
        """`1/2`, or `-` where none is expected."""
        return f"{self.actual}/{self.expected}" if self.expected else "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """A node: does PID 1 run, does sshd greet at `address`:`port`, are its BGP sessions and remote VTEPs there.

    `address` is empty while a named lab is down.
    """

    name: str
    kind: Kind
    address: str
    port: int
    user: str
    running: bool
    sshd: bool
    bgp: Count
    vteps: Count

    @property
    def ready(self) -> bool:
        """All of it."""
        return self.running and self.sshd and self.bgp.complete and self.vteps.complete

    def missing(self) -> str:
        """`L1: BGP 0/1`; only the first cause, because the others follow from it."""
        if not self.running:
            return f"{self.name}: does not run"
        if not self.sshd:
            return f"{self.name}: sshd does not answer at {self.address}:{self.port}"
        if not self.bgp.complete:
            return f"{self.name}: BGP sessions {self.bgp}"
        if not self.vteps.complete:
            return f"{self.name}: remote VTEPs {self.vteps}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """A whole lab. `name` is None for the default one."""

    name: str | None
    prefix: str
    nodes: tuple[NodeStatus, ...]

    @property
    def ready(self) -> bool:
        """Whether it has nodes, and all of them are up."""
        return bool(self.nodes) and all(node.ready for node in self.nodes)

    def missing(self) -> list[str]:
        """A line for each node that is not up."""
        return [line for node in self.nodes if (line := node.missing())]

    def document(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return {"lab": self.prefix, "ready": self.ready, "nodes": [_node_document(node) for node in self.nodes]}


def _node_document(node: NodeStatus) -> dict[str, object]:
    counts = {"bgp": node.bgp, "vteps": node.vteps}
    return {
        "name": node.name,
        "kind": str(node.kind),
        "address": node.address,
        "port": node.port,
        "user": node.user,
        "running": node.running,
        "sshd": node.sshd,
        **{name: {"actual": count.actual, "expected": count.expected} for name, count in counts.items()},
        "ready": node.ready,
    }
