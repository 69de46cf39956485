"""Inventories whose hosts are of no use: every port of theirs refuses."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.unit.builders import CLUSTERS_YAML

HOSTS = ("H1", "H2", "L1", "L2", "I1")


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def write_inventory(directory: Path, *, clusters: str = CLUSTERS_YAML, groups: str = "") -> Path:
    """A whole inventory without config.yaml; `groups` is the text of groups.yaml."""
    directory.mkdir(parents=True, exist_ok=True)
    port = closed_port()
    lines = [f"{name}: {{hostname: 127.0.0.1, port: {port}, groups: [all]}}\n" for name in HOSTS]
    (directory / "hosts.yaml").write_text("".join(lines))
    (directory / "groups.yaml").write_text(groups or "all: {username: nobody, platform: linux}\n")
    (directory / "defaults.yaml").write_text("{}\n")
    (directory / "clusters.yaml").write_text(clusters)
    return directory
