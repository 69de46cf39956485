"""Which system a server is, and which keepalived it has or could have. Light to import: servers are asked with it."""

from __future__ import annotations

import re

from tasks.model.answer import Command, Reply
from tasks.model.reading import Reading, Unread
from tasks.model.server import Package, PackageManager
from tasks.observe.question import Question
from tasks.observe.readings import Garbled, shortened
from tasks.observe.shell import shell

_UPSTREAM = re.compile(r"(?:[0-9]{1,9}:)?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?")


def parse_package(text: str, system: str = "") -> Package:
    """What the two fragments print, the second first: `key=value` a line."""
    text = system + text
    fields = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    name = fields.get("manager")
    if name is None:
        raise Garbled(f"no package manager told: {shortened(text.strip())!r}")
    managers: dict[str, PackageManager] = {"apt-get": "apt", "dnf": "dnf", "yum": "yum"}
    candidate = fields.get("candidate")
    return Package(
        manager=managers.get(name),
        version=fields.get("installed") or None,
        candidate=None if candidate in {None, "", "(none)"} else candidate,
        system=fields.get("name", ""),
    )


SYSTEM = Question(Command(key="system", argv=("cat", "/etc/os-release"), fragment=shell("system")), str)
VERSION = Question(
    Command(key="package", argv=("dpkg-query or rpm", "keepalived"), fragment=shell("version")),
    parse_package,
    also=(SYSTEM.command,),
)


def package(reply: Reply) -> Reading[Package]:
    """Both answers as one; the source is the one with the version."""
    system = SYSTEM.read(reply)
    return system if isinstance(system, Unread) else VERSION.read(reply)


def upstream(version: str) -> tuple[int, int, int] | None:
    """Upstream's part of a package's version: `1:2.2.7-1+b2` is (2, 2, 7). None where it has none."""
    found = _UPSTREAM.match(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None
