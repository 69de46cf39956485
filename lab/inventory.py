"""The lab's Nornir inventory: complete, so that it can be copied and pointed at other servers and leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.place import SSH_PORT, Lab
from lab.rendering import render


def render_inventory(lab: Lab) -> Mapping[str, str]:
    """Text of each file by its name: config, hosts, groups, defaults and clusters."""
    nodes = lab.topology.nodes
    return {
        "config.yaml": render("config.yaml.j2"),
        "hosts.yaml": render(
            "hosts.yaml.j2", nodes=nodes, addresses={node.name: lab.address(node.name) for node in nodes}, port=SSH_PORT
        ),
        "groups.yaml": render("groups.yaml.j2", users={node.kind: node.user for node in nodes}),
        "defaults.yaml": render("defaults.yaml.j2", key_file=lab.private_key, known_hosts=lab.known_hosts),
        "clusters.yaml": render(
            "clusters.yaml.j2",
            clusters=lab.topology.clusters,
            secrets={cluster: lab.secret(cluster) for cluster in lab.topology.clusters},
        ),
    }


def write_inventory(lab: Lab, directory: Path) -> None:
    """Write the files into the directory, which is made if it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in render_inventory(lab).items():
        (directory / name).write_text(text, encoding="utf-8")
