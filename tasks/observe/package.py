"""Which system a server is, and which keepalived it has or could have. Light to import: servers are asked with it."""

from __future__ import annotations

import re

from tasks.model.server import Package, PackageManager
from tasks.observe.readings import Garbled, shortened

# os-release(5) is made to be sourced. Which package manager there is decides among those of the family alone: an
# Enterprise Linux may have dpkg installed, and Debian rpm.
SYSTEM_FRAGMENT = """
vipbook_family=$( . /etc/os-release && printf ' %s %s ' "${ID:-}" "${ID_LIKE:-}")
case $vipbook_family in
*' debian '* | *' ubuntu '*) vipbook_managers=apt-get ;;
*' rhel '* | *' centos '* | *' fedora '*) vipbook_managers='dnf yum' ;;
*) vipbook_managers= ;;
esac
vipbook_manager=
for vipbook_program in $vipbook_managers; do
    if [ -z "$vipbook_manager" ] && command -v "$vipbook_program" >/dev/null 2>&1; then
        vipbook_manager=$vipbook_program
    fi
done
printf 'manager=%s\\n' "$vipbook_manager"
( . /etc/os-release && printf 'name=%s\\n' "${PRETTY_NAME:-${NAME:-}}" )
"""
# The candidate is asked for where nothing is installed alone, and without a look at the network.
VERSION_FRAGMENT = """
case $vipbook_manager in
apt-get)
    vipbook_installed=$(dpkg-query -W -f='${Version} ${db:Status-Status}' keepalived 2>/dev/null)
    case $vipbook_installed in
    *' installed') printf 'installed=%s\\n' "${vipbook_installed% installed}" ;;
    *) LC_ALL=C apt-cache policy keepalived | sed -n 's/^  Candidate: /candidate=/p' ;;
    esac ;;
dnf | yum)
    if vipbook_installed=$(rpm -q --qf '%{VERSION}-%{RELEASE}' keepalived); then
        printf 'installed=%s\\n' "$vipbook_installed"
    else
        "$vipbook_manager" -q -C list available keepalived 2>/dev/null |
            sed -n 's/^keepalived[^ ]* *\\([^ ]*\\) .*/candidate=\\1/p' | tail -n 1
    fi ;;
esac
true
"""
_UPSTREAM = re.compile(r"(?:[0-9]{1,9}:)?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?")


def parse_package(text: str) -> Package:
    """What the two fragments print, one behind the other: `key=value` a line."""
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


def upstream(version: str) -> tuple[int, int, int] | None:
    """Upstream's part of a package's version: `1:2.2.7-1+b2` is (2, 2, 7). None where it has none."""
    found = _UPSTREAM.match(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None
