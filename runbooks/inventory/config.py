"""config.yaml: Nornir's own settings, or those of a SimpleInventory when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbooks.inventory.text_files import read_text
from tasks.intent.document import Document, read_document
from tasks.intent.wording import shown
from tasks.model.errors import IntentError

CONFIG_FILE = "config.yaml"
_SIMPLE = "SimpleInventory"
_FILES = {"hosts": "host_file", "groups": "group_file", "defaults": "defaults_file"}
_DEFAULT_CONFIG: dict[str, Any] = {
    "inventory": {
        "plugin": _SIMPLE,
        "options": {option: f"{kind}.yaml" for kind, option in _FILES.items()},
    },
    "runner": {"plugin": "threaded", "options": {"num_workers": 50}},
}
_SECTIONS = ("inventory", "runner", "logging", "ssh", "core", "user_defined")


def nornir_config(inventory: Path) -> dict[str, Any]:
    """What InitNornir is called with; IntentError for what Nornir would stumble over."""
    path = inventory / CONFIG_FILE
    if path.exists():
        document = read_document(read_text(path), str(path))
    else:
        document = Document(source=str(path), value=_DEFAULT_CONFIG, lines={})
    config = _sections(document)
    section = config.get("inventory", _DEFAULT_CONFIG["inventory"])
    options = _paths(document, inventory, section)
    _check_runner(document, config.get("runner", {}))
    return {"logging": {"enabled": False}, **config, "inventory": {**section, "options": options}}


def simple_files(config: Mapping[str, Any]) -> dict[str, Path]:
    """The files of a SimpleInventory by what they hold; none for any other plugin, or when they are not UTF-8."""
    section = config["inventory"]
    if not _is_simple(section) or "encoding" in section["options"]:
        return {}
    return {kind: Path(section["options"][option]) for kind, option in _FILES.items()}


def _is_simple(section: Mapping[str, Any]) -> bool:
    return (section.get("plugin") or _SIMPLE) == _SIMPLE


def inside(inventory: Path, value: str, place: str) -> str:
    """A path of an inventory, relative to its directory."""
    try:
        return str(inventory / Path(value).expanduser())
    except RuntimeError:
        whose = value.partition("/")[0]
        raise IntentError(f"{place}: there is no home directory {whose}; write the path out") from None


def _sections(document: Document) -> dict[str, Any]:
    if not isinstance(document.value, dict):
        raise _wrong(document, (), f"should be a mapping (given {shown(document.value)})", _listed())
    for name, section in document.value.items():
        if name not in _SECTIONS:
            raise _wrong(document, (str(name),), "unknown section", _listed())
        # A section whose every line is commented out is one that was left out.
        if not isinstance(section, dict) and (section is not None or name == "inventory"):
            given = f"should be a mapping (given {shown(section)})"
            raise _wrong(document, (name,), given, "plugin and options, or the section left out, as in Nornir's manual")
    return {name: section for name, section in document.value.items() if section is not None}


def _listed() -> str:
    return ", ".join(_SECTIONS)


def _paths(document: Document, inventory: Path, section: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the inventory plugin, each path among them from the inventory directory."""
    options = section.get("options", {})
    here = ("inventory", "options")
    if not isinstance(options, dict):
        raise _wrong(document, here, f"should be a mapping (given {shown(options)})", "the plugin's options by name")
    for key, value in options.items():
        if not isinstance(key, str):
            raise _wrong(document, here, f"a name that is no text (given {shown(key)})", "the plugin's options by name")
        if key.endswith("_file") and not isinstance(value, str):
            raise _wrong(document, (*here, key), f"should be a path (given {shown(value)})", "a path in quotes")
    if _is_simple(section):
        options = {**_DEFAULT_CONFIG["inventory"]["options"], **options}
    return {
        key: inside(inventory, value, document.place((*here, key))) if key.endswith("_file") else value
        for key, value in options.items()
    }


def _check_runner(document: Document, runner: Mapping[str, Any]) -> None:
    options = runner.get("options") or {}
    here = ("runner", "options")
    if not isinstance(options, dict):
        raise _wrong(document, here, f"should be a mapping (given {shown(options)})", "{num_workers: 50}")
    workers = options.get("num_workers", 1)
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise _wrong(document, (*here, "num_workers"), f"should be a number (given {shown(workers)})", "1 or more")


def _wrong(document: Document, path: tuple[str, ...], what: str, accepted: str) -> IntentError:
    return IntentError(f"{document.place(path)}: {what}; accepted: {accepted}")
