"""Which system, which package manager, which keepalived."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tasks.observe.readings import Garbled
from tasks.server.package import SYSTEM, VERSION, parse_package, upstream


@pytest.mark.parametrize(
    ("text", "manager", "version", "candidate", "system"),
    [
        ("manager=apt-get\nname=Debian 12\ninstalled=1:2.2.7-1+b2\n", "apt", "1:2.2.7-1+b2", None, "Debian 12"),
        ("manager=apt-get\nname=Debian 12\ncandidate=1:2.2.7-1\n", "apt", None, "1:2.2.7-1", "Debian 12"),
        ("manager=apt-get\nname=x\ncandidate=(none)\n", "apt", None, None, "x"),
        ("manager=apt-get\nname=x\n", "apt", None, None, "x"),
        ("manager=dnf\nname=Rocky 9\ninstalled=2.2.8-3.el9\n", "dnf", "2.2.8-3.el9", None, "Rocky 9"),
        ("manager=yum\nname=CentOS 7\n", "yum", None, None, "CentOS 7"),
        ("manager=\nname=openSUSE\n", None, None, None, "openSUSE"),
        ("manager=pacman\nname=Arch\n", None, None, None, "Arch"),
    ],
)
def test_answers(text: str, manager: str | None, version: str | None, candidate: str | None, system: str) -> None:
    found = parse_package(text)
    assert (found.manager, found.version, found.candidate, found.system) == (manager, version, candidate, system)


@pytest.mark.parametrize("text", ["", "installed=1\n", "sudo: no\n"])
def test_no_manager_told_is_no_answer(text: str) -> None:
    with pytest.raises(Garbled):
        parse_package(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1:2.2.7-1+b2", (2, 2, 7)),
        ("2.2.8-3.el9", (2, 2, 8)),
        ("1.3.5-19.el7", (1, 3, 5)),
        ("2.3-1", (2, 3, 0)),
        ("1:2.0.19-2ubuntu0.2", (2, 0, 19)),
        ("unknown", None),
        ("", None),
    ],
)
def test_the_upstream_part(text: str, version: tuple[int, int, int] | None) -> None:
    assert upstream(text) == version


def run_on(tmp_path: Path, release: str, programs: dict[str, str]) -> str:
    """Both fragments on a machine that has these programs and that os-release."""
    (tmp_path / "os-release").write_text(release)
    for name, text in programs.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    script = "".join(each.command.fragment or "" for each in (SYSTEM, VERSION)).replace(
        "/etc/os-release", str(tmp_path / "os-release")
    )
    for tool in ("sed", "tail"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    done = subprocess.run(
        ["/bin/sh"],
        input=script,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": str(tmp_path / "bin")},
    )
    return done.stdout


DEBIAN, UBUNTU = "ID=debian\nPRETTY_NAME='Debian 13'\n", "ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME='Ubuntu 24.04'\n"
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9"\n'
CENTOS = 'ID="centos"\nID_LIKE="rhel fedora"\nPRETTY_NAME="CentOS Linux 7"\n'
DPKG = "echo '1:2.3.3-1 installed'"
POLICY = "printf 'keepalived:\\n  Installed: (none)\\n  Candidate: 1:2.2.4-0.2build1\\n'"
LISTED = "printf 'Available Packages\\nkeepalived.x86_64          2.2.8-4.el9      appstream\\n'"


@pytest.mark.parametrize(
    ("release", "programs", "said"),
    [
        (DEBIAN, {"apt-get": "", "dpkg-query": DPKG}, ("apt", "1:2.3.3-1", None)),
        (UBUNTU, {"apt-get": "", "dpkg-query": "exit 1", "apt-cache": POLICY}, ("apt", None, "1:2.2.4-0.2build1")),
        (DEBIAN, {"apt-get": "", "dpkg-query": "echo '1:2.2.7-1 config-files'", "apt-cache": ""}, ("apt", None, None)),
        # rpm on Debian and dpkg on Rocky decide nothing
        (DEBIAN, {"apt-get": "", "dpkg-query": DPKG, "dnf": "", "rpm": "printf 9"}, ("apt", "1:2.3.3-1", None)),
        (ROCKY, {"dnf": "", "yum": "", "rpm": "printf 2.2.8-4.el9", "apt-get": ""}, ("dnf", "2.2.8-4.el9", None)),
        (ROCKY, {"dnf": LISTED, "rpm": "echo not installed; exit 1"}, ("dnf", None, "2.2.8-4.el9")),
        (CENTOS, {"yum": "exit 1", "rpm": "exit 1"}, ("yum", None, None)),
        (DEBIAN, {"dnf": ""}, (None, None, None)),
        ("ID=arch\nPRETTY_NAME=Arch\n", {"apt-get": "", "dnf": ""}, (None, None, None)),
        ("", {"apt-get": ""}, (None, None, None)),
    ],
)
def test_the_fragments_on_many_systems(
    tmp_path: Path, release: str, programs: dict[str, str], said: tuple[str | None, str | None, str | None]
) -> None:
    found = parse_package(run_on(tmp_path, release, programs))
    assert (found.manager, found.version, found.candidate) == said
