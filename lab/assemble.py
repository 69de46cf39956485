"""Put a lab together, and tell whether one is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.boot import has_forwarder, nspawn_argv, start_forwarder, start_node
from lab.inventory import render_inventory, write_inventory
from lab.keys import login_key, make_keys, make_secrets
from lab.layers import ensure_layers, layer_key
from lab.namespaces import build_network, namespaces_of
from lab.network import cable_plan, node_plan
from lab.nodefiles import key_files, node_files
from lab.overlay import mount_node, mounts_below, write_files
from lab.place import Lab
from lab.processes import all_processes, leader_of
from lab.recipe import recipe_key
from lab.rootfs import ensure_rootfs


def fingerprint(lab: Lab) -> str:
    """A hash of all that the lab is made of but its keys: a lab with another one was made from something else."""
    prefix = lab.paths.prefix
    nodes = lab.topology.nodes
    ingredients = [
        recipe_key(lab.topology),
        [layer_key(node, lab.topology) for node in nodes],
        cable_plan(lab.topology, lab.paths),
        [repr(node_plan(node, lab.paths)) for node in nodes],
        [repr(node_files(node, lab.topology, prefix)) for node in nodes],
        [nspawn_argv(lab.paths, node.name) for node in nodes],
        render_inventory(lab),
    ]
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()


def amiss(lab: Lab) -> str | None:
    """Why the lab has to be built anew; None when all of it is there (forwarders apart, which are easily replaced)."""
    try:
        built = _built_file(lab).read_text(encoding="ascii")
    except FileNotFoundError:
        return "an earlier `lab up` was cut short"
    if built != fingerprint(lab):
        return "the lab was made from another topology or by another version"
    processes = all_processes()
    mounted = mounts_below(lab.paths.directory)
    namespaces = namespaces_of(lab.paths)
    for node in lab.topology.nodes:
        if lab.paths.namespace(node.name) not in namespaces:
            return f"{node.name} has no namespace"
        if str(lab.paths.node_root(node.name)) not in mounted:
            return f"{node.name} has no root"
        if leader_of(lab.paths.namespace(node.name), lab.paths, processes) is None:
            return f"{node.name} does not run"
    return None


def assemble(lab: Lab, progress: Callable[[str], None]) -> None:
    """Everything from nothing: root, keys, network, nodes, forwarders, inventory. Returns while the nodes boot."""
    rootfs = ensure_rootfs(lab.paths.state, lab.topology, progress)
    layers = ensure_layers(lab.paths.state, lab.topology, rootfs, progress)
    progress("making the network, the keys and the nodes' disks")
    build_network(lab.topology, lab.paths)
    _furnish(lab, layers)
    progress(f"booting {len(lab.topology.nodes)} nodes")
    for node in lab.topology.nodes:
        start_node(lab, node.name)
        start_forwarder(lab, node.name)
    make_secrets(lab)
    write_inventory(lab, lab.inventory)
    _built_file(lab).write_text(fingerprint(lab), encoding="ascii")


def restart_forwarders(lab: Lab, progress: Callable[[str], None]) -> None:
    """Start those that are not there."""
    processes = all_processes()
    for node in lab.topology.nodes:
        if not has_forwarder(lab, node.name, processes):
            progress(f"starting the forwarder of {node.name} again")
            start_forwarder(lab, node.name)


def _furnish(lab: Lab, layers: Mapping[str, Sequence[Path]]) -> None:
    hosts = make_keys(lab)
    login = login_key(lab)

    def furnish(name: str) -> None:
        node = lab.topology.node(name)
        mount_node(lab.paths, name, layers[name])
        files = node_files(node, lab.topology, lab.paths.prefix) + key_files(node, hosts[name], login)
        write_files(lab.paths.node_root(name), files)

    with ThreadPoolExecutor() as pool:
        list(pool.map(furnish, [node.name for node in lab.topology.nodes]))


def _built_file(lab: Lab) -> Path:
    return lab.paths.directory / "built"
