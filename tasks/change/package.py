"""keepalived's package: what installs it, what that brought in, and what takes exactly that out again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tasks.change.files import sudo
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.model.server import Package, PackageManager

# A configuration file that stands already is ours or the operator's: keep it, and never ask.
_APT_OPTIONS = ("-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=60")
_LISTED = ("rpm", "-qa", "--qf", "%{NAME}.%{ARCH}\n")


def plan_package(package: Package) -> tuple[Step, ...]:
    """The step that installs it; none when it is there."""
    if package.version is not None or package.manager is None:
        return ()
    install: tuple[Command, ...] = (
        sudo("install", "apt-get", "install", "-y", "--no-install-recommends", *_APT_OPTIONS, "keepalived"),
    )
    if package.manager != "apt":
        before = Command(key="before", argv=_LISTED)
        install = (before, sudo("install", package.manager, "install", "-y", "keepalived"))
    candidate = f" {package.candidate}" if package.candidate else ""
    return (
        Step(
            topic="package",
            summary=f"install keepalived with {package.manager}",
            diff=f"+keepalived{candidate}",
            commands=install,
        ),
    )


def listing(manager: PackageManager | None) -> tuple[Command, ...]:
    """The question that `installed` needs after an installation, whether it ended well or not; none with apt."""
    return () if manager in {"apt", None} else (Command(key="after", argv=_LISTED),)


def installed(manager: PackageManager | None, stdout: dict[str, str]) -> tuple[str, ...]:
    """Packages that the installation brought in, from what the commands said, by their keys."""
    if manager in {"apt", None}:
        return installed_by(stdout.get("install", ""))
    before, after = (set(stdout.get(key, "").split()) for key in ("before", "after"))
    return tuple(sorted(after - before))


def simulate_removal(manager: PackageManager | None, packages: Sequence[str]) -> Command:
    """What removing them would remove, without doing it."""
    if manager in {"apt", None}:
        return sudo("simulate", "apt-get", "-s", "purge", *packages)
    # rpm refuses with a status of 1 when something else needs them.
    return sudo("simulate", "rpm", "-e", "--test", *packages)


def remove(manager: PackageManager | None, packages: Sequence[str]) -> Command:
    """Take them out; configuration files that came with them too."""
    if manager in {"apt", None}:
        return sudo("purge", "apt-get", "purge", "-y", *packages)
    return sudo("purge", "rpm", "-e", *packages)


def installed_by(text: str) -> tuple[str, ...]:
    """Packages that `apt-get install` brought in, from its own output, so that they can be taken out again.

    Only those that it calls NEW: it sets up upgraded and half-installed ones too, and they were there before.
    """
    found = re.search(r"^The following NEW packages will be installed:\n((?:[ \t]+.*\n)+)", text, re.MULTILINE)
    return tuple(found[1].split()) if found else ()


def removed_by(text: str) -> tuple[str, ...]:
    """Packages that `apt-get -s purge` says it would take out; nothing for `rpm -e --test`, which says it by status."""
    return tuple(re.findall(r"^(?:Remv|Purg) ([a-z0-9][a-z0-9.+\-]+)", text, re.MULTILINE))
