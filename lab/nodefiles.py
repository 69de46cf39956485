"""What makes a node out of the common root: the files of its own, as pure text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.keys import KeyPair
from lab.model import Firewall, Kind, Node, Topology
from lab.rendering import render

NEIGHMGRD = Path(__file__).with_name("neighmgrd")
WANTS = "/etc/systemd/system/multi-user.target.wants"
UNITS = "/lib/systemd/system"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFile:
    """A file of a node: absolute path inside it, octal mode, owner's name. `link` makes it a symbolic link instead."""

    path: str
    text: str = ""
    mode: int = 0o644
    owner: str = "root"
    link: str = ""


def node_files(node: Node, topology: Topology, prefix: str) -> tuple[NodeFile, ...]:
    """All files that follow from the topology, keys apart."""
    files = [*_identity(node, topology, prefix)]
    if node.is_router:
        files += _frr(node)
    if node.kind is Kind.LEAF:
        files += _neighmgrd(node)
    if node.firewall is Firewall.IPTABLES:
        files += _iptables()
    if node.firewall is Firewall.NFTABLES:
        files += _nftables()
    return tuple(files)


def key_files(node: Node, host: KeyPair, login: str) -> tuple[NodeFile, ...]:
    """Host key, and the one key that may log in, as the one user that may."""
    home = f"/home/{node.user}/.ssh"
    return (
        NodeFile(path="/etc/ssh/ssh_host_ed25519_key", text=host.private, mode=0o600),
        NodeFile(path="/etc/ssh/ssh_host_ed25519_key.pub", text=host.public),
        NodeFile(path=f"{home}/authorized_keys", text=login, mode=0o600, owner=node.user),
    )


def _identity(node: Node, topology: Topology, prefix: str) -> Iterator[NodeFile]:
    yield NodeFile(path="/etc/hostname", text=f"{node.name}\n")
    # sudo looks its own host name up: without this line each sudo waits for a name server that is not there.
    hosts = "".join(f"{address}\t{name}\n" for name, address in _addresses(node, topology))
    yield NodeFile(path="/etc/hosts", text=f"127.0.0.1\tlocalhost\n::1\tlocalhost\n{hosts}")
    yield NodeFile(path="/etc/resolv.conf", text="")
    # A machine-id of its own, and the same at every `up`: systemd takes the boot for a first boot without one.
    machine_id = hashlib.blake2b(f"{prefix}/{node.name}".encode(), digest_size=16).hexdigest()
    yield NodeFile(path="/etc/machine-id", text=f"{machine_id}\n")


def _addresses(node: Node, topology: Topology) -> Iterator[tuple[str, str]]:
    yield node.name, "127.0.1.1"
    for other in topology.nodes:
        own = [address.ip for interface in other.interfaces for address in interface.addresses]
        if other is not node and (own or other.loopback):
            yield other.name, str(other.loopback or own[0])


def _enabled(unit: str, *, where: str = UNITS, wants: str = WANTS) -> NodeFile:
    return NodeFile(path=f"{wants}/{unit}", link=f"{where}/{unit}")


def _frr(node: Node) -> Iterator[NodeFile]:
    yield NodeFile(path="/etc/frr/frr.conf", text=render("frr.conf.j2", node=node), mode=0o640, owner="frr")
    yield NodeFile(path="/etc/frr/daemons", text=render("frr.daemons.j2"), mode=0o640, owner="frr")
    yield _enabled("frr.service")


def _neighmgrd(node: Node) -> Iterator[NodeFile]:
    for source in sorted(NEIGHMGRD.glob("*.py")):
        yield NodeFile(path=f"/usr/local/lib/neighmgrd/{source.name}", text=source.read_text(encoding="utf-8"))
    yield NodeFile(path="/etc/systemd/system/neighmgrd.service", text=render("neighmgrd.service.j2", node=node))
    yield _enabled("neighmgrd.service", where="/etc/systemd/system")


def _iptables() -> Iterator[NodeFile]:
    rules = render("iptables.rules.j2", icmp="icmp", reject="icmp-host-prohibited")
    yield NodeFile(path="/etc/iptables/rules.v4", text=rules, mode=0o640)
    rules = render("iptables.rules.j2", icmp="ipv6-icmp", reject="icmp6-adm-prohibited")
    yield NodeFile(path="/etc/iptables/rules.v6", text=rules, mode=0o640)
    yield _enabled("netfilter-persistent.service")
    # Its aliases, as `systemctl enable` makes them.
    for alias in ("iptables.service", "ip6tables.service"):
        yield NodeFile(path=f"/etc/systemd/system/{alias}", link=f"{UNITS}/netfilter-persistent.service")


def _nftables() -> Iterator[NodeFile]:
    yield NodeFile(path="/etc/nftables.conf", text=render("nftables.conf.j2"), mode=0o755)
    yield _enabled("nftables.service", wants="/etc/systemd/system/sysinit.target.wants")
