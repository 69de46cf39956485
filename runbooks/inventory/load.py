"""Nornir from an inventory directory; whatever is wrong with it is one sentence, and nobody is contacted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runbooks.inventory.checks import (
    Parameters,
    Problem,
    circle_problems,
    element_problems,
    named_problems,
    netmiko_parameters,
)
from runbooks.inventory.config import inside, nornir_config, simple_files
from tasks.intent.document import read_document, read_places
from tasks.intent.wording import printable
from tasks.model.errors import IntentError

if TYPE_CHECKING:
    from nornir.core import Nornir

_PATH_EXTRAS = ("key_file", "alt_key_file", "ssh_config_file")
Kinds = Mapping[str, object]
"""What an inventory holds: hosts, groups, defaults."""


def load_nornir(inventory: Path) -> Nornir:
    """Nornir from config.yaml; paths in it and in the connection options are relative to the inventory directory."""
    from nornir import InitNornir  # noqa: PLC0415 - 0.1 s that `lint` does without

    config = nornir_config(inventory)
    files = simple_files(config)
    try:
        nornir = InitNornir(**config)
    except Exception as error:  # noqa: BLE001 - an inventory plugin may raise anything; none of it is ours to trace
        _refuse(inventory, files, {kind: _read(kind, path) for kind, path in files.items()})
        mend = "mend config.yaml or what it names, as in Nornir's manual"
        raise IntentError(f"{inventory}: Nornir can't load this inventory: {printable(str(error))}; {mend}") from None
    _refuse(inventory, files, _contents(nornir))
    _resolve_extras(nornir, inventory)
    return nornir


def _contents(nornir: Nornir) -> Kinds:
    found = nornir.inventory
    return {
        "hosts": {name: host.dict() for name, host in found.hosts.items()},
        "groups": {name: group.dict() for name, group in found.groups.items()},
        "defaults": found.defaults.dict(),
    }


def _read(kind: str, path: Path) -> object:
    """A file of Nornir's SimpleInventory as that reads it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if kind == "hosts":
            raise IntentError(f"{path}: there is no such file; write it, or name another in config.yaml") from None
        return None
    except UnicodeDecodeError:
        raise IntentError(f"{path}: can't be read: it is not UTF-8; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise IntentError(f"{path}: can't be read: {printable(str(error))}; name a file in config.yaml") from None
    return read_document(text, str(path), ambiguous=True).value


def _refuse(inventory: Path, files: Mapping[str, Path], contents: Kinds) -> None:
    """IntentError with all that is wrong, each with its file and line where it comes from a file."""
    problems: list[str] = []
    for kind, found in _problems(contents, netmiko_parameters).items():
        if found and kind in files:
            document = read_places(_again(files[kind]), str(files[kind]))
            problems += [f"{document.place(path)}: {text}" for path, text in found]
        else:
            problems += [f"{inventory}: {printable('.'.join(map(str, (kind, *path))))}: {text}" for path, text in found]
    if problems:
        raise IntentError(*problems)


def _problems(contents: Kinds, parameters: Parameters) -> dict[str, list[Problem]]:
    hosts, groups, defaults = (contents.get(kind) for kind in ("hosts", "groups", "defaults"))
    return {
        "hosts": [*named_problems(hosts, groups, parameters)],
        "groups": [*named_problems(groups, groups, parameters), *circle_problems(groups)],
        "defaults": [*element_problems(defaults or {}, parameters)],
    }


def _again(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _resolve_extras(nornir: Nornir, inventory: Path) -> None:
    holders = [*nornir.inventory.hosts.values(), *nornir.inventory.groups.values()]
    options_of = [holder.connection_options for holder in holders] + [nornir.inventory.defaults.connection_options]
    for each in options_of:
        for name, options in each.items():
            # A new mapping each: a YAML anchor makes several groups share one.
            options.extras = {
                key: inside(inventory, value, f"{inventory}: {name}.extras.{key}")
                if key in _PATH_EXTRAS and isinstance(value, str) and value
                else value
                for key, value in (options.extras or {}).items()
            }
