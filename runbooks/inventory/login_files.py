"""The files that logins depend on, tried before any host is contacted: a wrong one is one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.intent.wording import printable
from tasks.model.errors import IntentError

if TYPE_CHECKING:
    from nornir.core import Nornir

_NAMED = 5
"""So many hosts are named; of more there is the number."""


def refuse_unusable(nornir: Nornir, names: Iterable[str], inventory: Path) -> None:
    """IntentError with each file that these hosts log in by, or are known by, and that can't be used."""
    hosts: dict[tuple[str, str, str | None], list[str]] = {}
    for name in names:
        wanted = nornir.inventory.hosts[name].get_connection_parameters("netmiko")
        for key, path, passphrase in _files(wanted.extras or {}, password=wanted.password):
            hosts.setdefault((key, path, passphrase), []).append(name)
    problems = []
    for (key, path, passphrase), of in hosts.items():
        problem = _key_problem(Path(path), passphrase) if key == "key_file" else _unreadable(Path(path), key)
        if problem is not None:
            problems.append(f"{inventory}: {key} {printable(path)} of {_listed(of)}: {problem}")
    if problems:
        raise IntentError(*problems)


def _files(extras: dict[str, Any], *, password: str | None) -> Iterable[tuple[str, str, str | None]]:
    """Parameter, path, passphrase. What a key can't do, an agent or a password may."""
    if extras.get("key_file") and not extras.get("allow_agent") and not password:
        yield "key_file", extras["key_file"], extras.get("passphrase")
    # netmiko leaves out a file that is not there, and then every host key is unknown.
    if extras.get("alt_host_keys") and extras.get("alt_key_file"):
        yield "alt_key_file", extras["alt_key_file"], None


def _unreadable(path: Path, key: str) -> str | None:
    mend = {
        "key_file": "name the private key of the inventory's user",
        "alt_key_file": "name the known_hosts file with the keys of the hosts",
    }[key]
    try:
        with path.expanduser().open("rb"):
            return None
    except (OSError, RuntimeError, ValueError) as error:
        return f"can't be read: {getattr(error, 'strerror', None) or error}; {mend}"


def _key_problem(path: Path, passphrase: str | None) -> str | None:
    """Why this is not a key to log in with: paramiko tells a refused login from it by the kind of key alone."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - `lint` needs none of it
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
        load_pem_private_key,
        load_ssh_private_key,
    )

    if (problem := _unreadable(path, "key_file")) is not None:
        return problem
    data, password = path.expanduser().read_bytes(), passphrase.encode() if passphrase else None
    for load in (load_ssh_private_key, load_pem_private_key):
        try:
            load(data, password)
        except UnsupportedAlgorithm:
            return None
        except TypeError:  # encrypted and no passphrase, or the reverse, which harms nothing
            return None if passphrase else _PROTECTED
        except ValueError:
            continue
        return None
    if passphrase:
        return "not a private key, or not the passphrase of it; give the passphrase that it was made with"
    return "not a private key; name the file that ssh-keygen made, without .pub"


_PROTECTED = (
    "it has a passphrase, and none is given; load it into ssh-agent and write allow_agent: true in place of key_file, "
    "or name a key without one"
)


def _listed(hosts: list[str]) -> str:
    more = len(hosts) - _NAMED
    return ", ".join(hosts[:_NAMED]) + (f" and {more} more" if more > 0 else "")
