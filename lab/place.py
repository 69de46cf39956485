"""Where a lab lives: its names, its directories, its loopback addresses. Paths and arithmetic only."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabUsageError
from lab.model import Topology

STATE_VARIABLE = "VIPBOOK_STATE"
DEFAULT_STATE = Path("/var/lib/vipbook")
PRODUCT = "vipbook"
SSH_PORT = 22022
DEFAULT_OCTET = 1
FIRST_HOST = 11
_NAME = re.compile(r"[a-z][a-z0-9]{0,7}")


def state_directory() -> Path:
    """Where rootfs cache and labs are kept; absolute, so that a process can be recognised by the path it was given."""
    return Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE).absolute()


def lab_paths(name: str | None) -> LabPaths:
    """The lab of this name under the state directory; LabUsageError for a bad name, before it becomes a path."""
    lab_prefix(name)
    return LabPaths(name=name, state=state_directory())


def lab_prefix(name: str | None) -> str:
    """`vipbook`, or `vipbook-NAME`: what everything that the lab makes on the machine is called by."""
    if name is None:
        return PRODUCT
    if not _NAME.fullmatch(name):
        message = f"{name!r} is no name for a lab: one to eight of a-z and 0-9, a letter first"
        raise LabUsageError(message)
    return f"{PRODUCT}-{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPaths:
    """The parts of a lab that are known before anything is up. `name` is None for the default lab."""

    name: str | None
    state: Path

    @property
    def prefix(self) -> str:
        """`vipbook` or `vipbook-NAME`."""
        return lab_prefix(self.name)

    @property
    def directory(self) -> Path:
        """All state of this lab, and nothing but it."""
        return self.state / "labs" / self.prefix

    @property
    def lock_file(self) -> Path:
        """Held by whoever brings this lab up or down."""
        return self.state / "labs" / f"{self.prefix}.lock"

    @property
    def octet_file(self) -> Path:
        """The third octet of this lab's loopback addresses."""
        return self.directory / "octet"

    @property
    def nodes(self) -> Path:
        """One directory per node."""
        return self.directory / "nodes"

    @property
    def namespace_pattern(self) -> re.Pattern[str]:
        """Matches this lab's namespaces and no other lab's, whatever its topology was when they were made."""
        return re.compile(rf"{re.escape(self.prefix)}-[A-Za-z][A-Za-z0-9]{{0,7}}")

    def namespace(self, node: str) -> str:
        """Network namespace, machine and unit of a node."""
        return f"{self.prefix}-{node}"

    def node_root(self, node: str) -> Path:
        """Where the node's overlay is mounted."""
        return self.nodes / node / "root"

    @property
    def command_options(self) -> str:
        """What to put after `vipbook lab up` to mean this lab."""
        return "" if self.name is None else f" --name {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A lab with a topology and addresses. `octet` is None for a named lab that is down: it has none then."""

    paths: LabPaths
    topology: Topology
    octet: int | None

    def address(self, node: str) -> str:
        """The loopback address of this machine that leads to the node's sshd; empty when the lab has none."""
        if self.octet is None:
            return ""
        position = [entry.name for entry in self.topology.nodes].index(node)
        return f"127.0.{self.octet}.{FIRST_HOST + position}"

    @property
    def private_key(self) -> Path:
        """The key that logs in on every node."""
        return self.paths.directory / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Each node's host key, pinned to its loopback address and port."""
        return self.paths.directory / "ssh" / "known_hosts"

    @property
    def inventory(self) -> Path:
        """Nornir's inventory of this lab."""
        return self.paths.directory / "inventory"

    def secret(self, cluster: str) -> Path:
        """The VRRP password of a cluster."""
        return self.paths.directory / "secrets" / cluster
