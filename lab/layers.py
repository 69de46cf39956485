"""What lies between the common root and a node's own overlay: packages of that node alone, built once and cached.

A layer is the upper directory of an overlay in which a script ran. Two packages of Debian that exclude each other (ufw
and iptables-persistent) stand in one lab only so.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.command import run
from lab.lock import locked
from lab.model import Distribution, Firewall, Node, Topology
from lab.recipe import recipe_key
from lab.rootfs import BUILD_TIMEOUT_S, BUILDING

EL = Path(__file__).with_name("el")
_UFW = """\
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get --quiet=2 --yes --no-install-recommends install ufw
# Into its files alone: it is off until the node boots.
ufw allow 22/tcp comment 'SSH. Ask the network team before you open more.' >/dev/null
sed -i 's/^ENABLED=no$/ENABLED=yes/' /etc/ufw/ufw.conf
"""
# Network and mounts of its own: nothing that a package's scripts do reaches the machine, and nothing is left mounted.
_BUILD = """\
set -eu
mkdir -p "$1/work" "$1/root" "$1/upper/srv"
if [ -n "$4" ]; then cp -a "$4" "$1/upper/srv/vipbook-el"; fi
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount -t tmpfs tmpfs "$1/root/tmp"
mount --bind /dev "$1/root/dev"
ip link set lo up
chroot "$1/root" /bin/sh -euc "$3"
"""


def layer_script(node: Node) -> str | None:
    """What runs inside the root to make this node's layer; None when it needs none."""
    if node.distribution is Distribution.EL:
        return "sh /srv/vipbook-el/dress.sh"
    if node.firewall is Firewall.UFW:
        return _UFW
    return None


def layer_key(node: Node, topology: Topology) -> str | None:
    """Name of the node's layer in the cache: it changes exactly when the layer has to be built anew."""
    script = layer_script(node)
    if script is None:
        return None
    dress = [entry.read_bytes() for entry in sorted(EL.iterdir())] if node.distribution is Distribution.EL else []
    made = hashlib.sha256(b"\0".join([_BUILD.encode(), script.encode(), *dress]))
    return f"{recipe_key(topology)}-{made.hexdigest()[:8]}"


def ensure_layers(
    state: Path, topology: Topology, rootfs: Path, progress: Callable[[str], None]
) -> Mapping[str, tuple[Path, ...]]:
    """The directories beneath each node's overlay, the uppermost first, by node."""
    return {node.name: (*_layer(state, topology, node, rootfs, progress), rootfs) for node in topology.nodes}


def _layer(
    state: Path, topology: Topology, node: Node, rootfs: Path, progress: Callable[[str], None]
) -> tuple[Path, ...]:
    key, script = layer_key(node, topology), layer_script(node)
    if key is None or script is None:
        return ()
    cache = state / "rootfs"
    wanted = cache / key
    if not wanted.is_dir():
        with locked(cache / ".lock", progress, doing="building the nodes' root", timeout=BUILD_TIMEOUT_S):
            if not wanted.is_dir():
                progress(f"installing what {node.name} alone has, once (about 20 s)")
                _build(cache / f"{BUILDING}{key}", rootfs, script, el=node.distribution is Distribution.EL)
                (cache / f"{BUILDING}{key}" / "upper").rename(wanted)
                shutil.rmtree(cache / f"{BUILDING}{key}")
    return (wanted,)


def _build(building: Path, rootfs: Path, script: str, *, el: bool) -> None:
    if building.exists():
        shutil.rmtree(building)
    contained = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")
    arguments = (str(building), str(rootfs), script, str(EL) if el else "")
    run([*contained, "--", "sh", "-c", _BUILD, "sh", *arguments], timeout=BUILD_TIMEOUT_S)
