"""keepalived's package: what installs it, what that brought in, and what takes exactly that out again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.change.files import sudo
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.model.server import Package, PackageManager

# A configuration file that stands already is ours or the operator's: keep it, and never ask.
_APT_OPTIONS = ("-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=60")
_APT = ("apt-get", "install", "-y", "--no-install-recommends", *_APT_OPTIONS, "keepalived")
INSTALL_S = 570
"""When the server itself ends an installation: before nobody waits for it any more."""
_BOUND = ("sudo", "-n", "timeout", "-k", "10", str(INSTALL_S))
_LISTED = ("rpm", "-qa", "--qf", "%{NAME}.%{ARCH}\n")
_UNMASK_S = 900
"""When the server takes its mask away by itself: after the time that an installation is given."""
# Packages that were removed and not purged left configuration behind (state config-files); so did somebody who wrote
# keepalived's before there was a package. A purge would take it along.
_LEFTOVERS = """
dpkg-query -W -f='${Package} ${db:Status-Status}\\n' | sed -n 's/ config-files$//p'
if [ -n "$(sudo -n ls -A /etc/keepalived 2>/dev/null)" ] || [ -e /etc/default/keepalived ]; then echo keepalived; fi
"""
# Debian starts what it installs, and a configuration that was left behind would run before there is a way back from it:
# so the unit can't be started until the installation has ended. A mask in /run is gone after a boot, and a timer takes
# it away should nobody be there to. A mask that is there already is somebody else's, and stays.
_INSTALL = f"""
vipbook_mask=/run/systemd/system/keepalived.service
vipbook_masked=
if ! [ -e "$vipbook_mask" ] && ! [ -L "$vipbook_mask" ]; then
    sudo -n systemctl stop vipbook-unmask.timer >/dev/null 2>&1
    sudo -n systemd-run --quiet --collect --on-active={_UNMASK_S} --unit=vipbook-unmask \\
        systemctl --runtime unmask keepalived.service >/dev/null &&
        sudo -n systemctl --runtime mask keepalived.service >/dev/null 2>&1 && vipbook_masked=yes
fi
if [ -e "$vipbook_mask" ] || [ -L "$vipbook_mask" ]; then
    {shlex.join((*_BOUND, *_APT))}
else
    echo 'keepalived.service could not be masked for the time of its installation' >&2
    (exit 1)
fi
vipbook_installed=$?
if [ -n "$vipbook_masked" ]; then
    sudo -n systemctl --runtime unmask keepalived.service >/dev/null 2>&1 || vipbook_installed=1
    sudo -n systemctl stop vipbook-unmask.timer >/dev/null 2>&1
fi
(exit "$vipbook_installed")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A package that an installation brought in."""

    name: str
    leftover: bool = False
    """There was configuration of it before, which stays when it goes again."""


def plan_package(package: Package) -> tuple[Step, ...]:
    """The step that installs it; none when it is there."""
    if package.version is not None or package.manager is None:
        return ()
    install: tuple[Command, ...] = (
        Command(key="before", argv=("dpkg-query", "-W"), fragment=_LEFTOVERS),
        Command(key="install", argv=_APT, sudo=True, fragment=_INSTALL),
    )
    if package.manager != "apt":
        before = Command(key="before", argv=_LISTED)
        argv = (package.manager, "install", "-y", "keepalived")
        install = (before, Command(key="install", argv=argv, sudo=True, fragment=shlex.join((*_BOUND, *argv))))
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


def installed(manager: PackageManager | None, stdout: dict[str, str]) -> tuple[Brought, ...]:
    """Packages that the installation brought in, from what the commands said, by their keys."""
    before, after = (set(stdout.get(key, "").split()) for key in ("before", "after"))
    if manager in {"apt", None}:
        names = installed_by(stdout.get("install", ""))
        # apt names a package of a foreign architecture with it; dpkg-query does not here.
        return tuple(Brought(name=name, leftover=name.partition(":")[0] in before) for name in names)
    return tuple(Brought(name=name) for name in sorted(after - before))


def simulate_removal(manager: PackageManager | None, packages: Sequence[Brought]) -> Command:
    """What removing them would remove, without doing it."""
    names = [each.name for each in packages]
    if manager in {"apt", None}:
        return sudo("simulate", "apt-get", "-s", "purge", *names)
    # rpm refuses with a status of 1 when something else needs them.
    return sudo("simulate", "rpm", "-e", "--test", *names)


def remove(manager: PackageManager | None, packages: Sequence[Brought]) -> tuple[Command, ...]:
    """Take them out; configuration files that came with them too, but not those that were there before."""
    if manager not in {"apt", None}:
        return (sudo("purge", "rpm", "-e", *(each.name for each in packages)),)
    kept = [each.name for each in packages if each.leftover]
    rest = [each.name for each in packages if not each.leftover]
    commands = [sudo("remove", "apt-get", "remove", "-y", *kept)] if kept else []
    return (*commands, sudo("purge", "apt-get", "purge", "-y", *rest)) if rest else tuple(commands)


def installed_by(text: str) -> tuple[str, ...]:
    """Packages that `apt-get install` brought in, from its own output, so that they can be taken out again.

    Only those that it calls NEW: it sets up upgraded and half-installed ones too, and they were there before.
    """
    found = re.search(r"^The following NEW packages will be installed:\n((?:[ \t]+.*\n)+)", text, re.MULTILINE)
    return tuple(found[1].split()) if found else ()


def removed_by(text: str) -> tuple[str, ...]:
    """Packages that `apt-get -s purge` says it would take out; nothing for `rpm -e --test`, which says it by status."""
    return tuple(re.findall(r"^(?:Remv|Purg) ([a-z0-9][a-z0-9.+\-]+)", text, re.MULTILINE))
