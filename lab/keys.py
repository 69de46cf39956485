"""A lab's SSH keys: one pair to log in with, one host key per node, and the known_hosts that pins them."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.command import run
from lab.place import SSH_PORT, Lab

SECRET_LENGTH = 8  # VRRPv2 carries eight characters; keepalived cuts what is longer


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """Both halves as OpenSSH writes them."""

    private: str
    public: str


def make_keys(lab: Lab) -> Mapping[str, KeyPair]:
    """Host keys by node name, made at the first call and read ever after; the login pair and known_hosts too."""
    directory = lab.private_key.parent
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _pair(lab.private_key, comment=lab.paths.prefix)
    hosts = {
        node.name: _pair(directory / f"host_{node.name}", comment=lab.paths.namespace(node.name))
        for node in lab.topology.nodes
    }
    lab.known_hosts.write_text(known_hosts(lab, {name: pair.public for name, pair in hosts.items()}), encoding="utf-8")
    return hosts


def login_key(lab: Lab) -> str:
    """The public half that goes into authorized_keys."""
    return lab.private_key.with_suffix(".pub").read_text(encoding="utf-8")


def known_hosts(lab: Lab, public: Mapping[str, str]) -> str:
    """One line per node: `[127.0.1.11]:22022 ssh-ed25519 …`, without the comment."""
    lines = [f"[{lab.address(name)}]:{SSH_PORT} {' '.join(key.split()[:2])}\n" for name, key in public.items()]
    return "".join(lines)


def make_secrets(lab: Lab) -> None:
    """A VRRP password per cluster, made once, for root's eyes alone."""
    for cluster in lab.topology.clusters:
        path = lab.secret(cluster)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            letters = string.ascii_letters + string.digits
            path.write_text("".join(secrets.choice(letters) for _ in range(SECRET_LENGTH)) + "\n", encoding="ascii")


def _pair(path: Path, *, comment: str) -> KeyPair:
    if not path.with_suffix(".pub").exists():
        path.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return KeyPair(
        private=path.read_text(encoding="ascii"), public=path.with_suffix(".pub").read_text(encoding="ascii")
    )
