"""Inventories whose hosts are of no use: every port of theirs refuses."""

from __future__ import annotations

import socket
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

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


def write_key(path: Path, passphrase: str = "", form: PrivateFormat = PrivateFormat.OpenSSH) -> Path:
    """A private key to log in with, as ssh-keygen makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, form, hidden))
    return path
