"""A host whose user has nothing but what templates/ publishes: the lists of sudo, and the helpers that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.lab.conftest import Fabric

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
LISTS = TEMPLATES / "sudoers"
HELPERS = TEMPLATES / "helpers"
INSTALLED = "/usr/local/libexec/vipbook"
_WRITE = 'mkdir -p "${1%/*}" && printf %s "$2" > "$1" && chmod "$3" "$1"'


def write(fabric: Fabric, node: str, path: str, text: str, mode: str = "0644") -> None:
    fabric.shell(node, "sh", "-c", _WRITE, "sh", path, text, mode)


def named(name: str) -> list[str]:
    """The helpers that a list allows, without arguments."""
    return re.findall(rf'{INSTALLED}/([a-z-]+) ""', (LISTS / name).read_text())


@contextmanager
def only(fabric: Fabric, nodes: Mapping[str, tuple[str, ...]]) -> Iterator[None]:
    """Each node with these lists in the place of its own, as the lists say how."""
    try:
        for node, names in nodes.items():
            fabric.shell(node, "sh", "-c", "mkdir -p /root/sudoers && mv /etc/sudoers.d/* /root/sudoers/")
            for name in names:
                write(fabric, node, f"/etc/sudoers.d/{name}", (LISTS / name).read_text(), "0440")
                for helper in named(name):
                    write(fabric, node, f"{INSTALLED}/{helper}", (HELPERS / helper).read_text(), "0755")
            fabric.shell(node, "visudo", "-c")
        yield
    finally:
        for node in nodes:
            undo = f"rm -rf /etc/sudoers.d/* {INSTALLED}; mv /root/sudoers/* /etc/sudoers.d/"
            fabric.shell(node, "sh", "-c", undo)
