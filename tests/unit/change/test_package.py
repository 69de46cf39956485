"""Installing keepalived where configuration of it is there already: it is not started, and not purged afterwards."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.change.package import Brought, installed, plan_package, remove, simulate_removal
from tasks.model.answer import Command
from tasks.model.script import Section, split_output, write_script
from tasks.model.server import Package

NEW = "The following NEW packages will be installed:\n  keepalived libnl-3-200 libsnmp-base\n0 upgraded\n"
MASK = "/run/systemd/system/keepalived.service"
# Every command under sudo is a word of this script, so that nothing of the machine that runs the test is touched.
SUDO = """#!/bin/sh
shift
echo "$*" >> @DIR@/log
case "$*" in
systemd-run*) [ ! -e @DIR@/timerless ] ;;
"systemctl --runtime unmask"*) [ ! -e @DIR@/stuck ] && rm -f @DIR@/mask ;;
"systemctl --runtime mask"*) [ -e @DIR@/unmaskable ] || echo > @DIR@/mask ;;
"timeout -k 10 570 apt-get"*) [ -e @DIR@/mask ] && echo masked; cat @DIR@/says; exit "$(cat @DIR@/status)" ;;
ls*) cat @DIR@/ls ;;
esac
"""
DPKG = "#!/bin/sh\nprintf 'keepalived %s\\nlibc6 installed\\nlibsnmp-base config-files\\n' \"$(cat @DIR@/state)\"\n"


class Host:
    """What the commands say to a server that is played."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name, text in {"sudo": SUDO, "dpkg-query": DPKG}.items():
            (directory / name).write_text(text.replace("@DIR@", str(directory)))
            (directory / name).chmod(0o755)
        for name, text in {"log": "", "says": NEW, "status": "0", "ls": "", "state": "not-installed"}.items():
            self.has(name, text)

    def has(self, name: str, text: str = "") -> None:
        (self.directory / name).write_text(text)

    def do(self, *commands: Command) -> dict[str, Section]:
        script = write_script(commands, "nonce", stop_on_failure=True).replace(MASK, str(self.directory / "mask"))
        script = script.replace("/etc/default/keepalived", str(self.directory / "default"))
        script = script.replace("PATH=/usr/sbin:", f"PATH={self.directory}:/usr/sbin:")
        done = subprocess.run(["/bin/sh", "-s"], input=script, text=True, capture_output=True, check=False)
        return split_output(done.stdout, done.stderr, "nonce")[1]

    def install(self) -> dict[str, Section]:
        (step,) = plan_package(Package(manager="apt", version=None))
        return self.do(*step.commands)

    def log(self) -> list[str]:
        return (self.directory / "log").read_text().splitlines()

    def masked(self) -> bool:
        return (self.directory / "mask").exists()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_it_can_not_start_while_it_is_installed_and_can_afterwards(host: Host) -> None:
    done = host.install()["install"]
    assert (done.status, done.stdout) == (0, f"masked\n{NEW}")
    assert not host.masked()
    words = [line.split(" -", maxsplit=1)[0] for line in host.log() if not line.startswith("ls")]
    # The timer that takes the mask away is there before the mask is.
    stop, install = "systemctl stop vipbook-unmask.timer", "timeout"
    assert words == [stop, "systemd-run", "systemctl", install, "systemctl", stop]
    (timer,) = [line for line in host.log() if line.startswith("systemd-run")]
    assert timer.endswith("--on-active=900 --unit=vipbook-unmask systemctl --runtime unmask keepalived.service")


def test_an_installation_that_fails_leaves_no_mask(host: Host) -> None:
    host.has("status", "100")
    assert host.install()["install"].status == 100
    assert not host.masked()
    assert host.log()[-1] == "systemctl stop vipbook-unmask.timer"


@pytest.mark.parametrize("trouble", ["timerless", "unmaskable"])
def test_without_a_mask_nothing_is_installed(host: Host, trouble: str) -> None:
    host.has(trouble)
    done = host.install()["install"]
    assert done.status == 1
    assert "could not be masked" in done.stderr
    assert not any("apt-get" in line for line in host.log())


def test_a_mask_that_stays_is_an_error(host: Host) -> None:
    host.has("stuck")
    assert host.install()["install"].status == 1


def test_a_mask_of_somebody_elses_stays(host: Host) -> None:
    host.has("mask")
    assert host.install()["install"].status == 0
    assert host.masked()
    assert not any("mask" in line for line in host.log())


@pytest.mark.parametrize(
    ("state", "files", "names"),
    [
        ("not-installed", (), {"libsnmp-base"}),
        ("config-files", (), {"keepalived", "libsnmp-base"}),
        ("half-installed", (), {"libsnmp-base"}),
        ("not-installed", ("default",), {"keepalived", "libsnmp-base"}),
        ("not-installed", ("ls",), {"keepalived", "libsnmp-base"}),
    ],
)
def test_what_was_left_behind_before(host: Host, state: str, files: tuple[str, ...], names: set[str]) -> None:
    host.has("state", state)
    for name in files:
        host.has(name, "keepalived.conf\n")
    said = {key: section.stdout for key, section in host.install().items()}
    brought = installed("apt", said)
    assert {each.name for each in brought} == {"keepalived", "libnl-3-200", "libsnmp-base"}
    assert {each.name for each in brought if each.leftover} == names


OURS, THEIRS = Brought(name="libnl-3-200"), Brought(name="keepalived", leftover=True)


@pytest.mark.parametrize(
    ("manager", "packages", "titles"),
    [
        ("apt", (OURS,), ["apt-get purge -y libnl-3-200"]),
        ("apt", (THEIRS,), ["apt-get remove -y keepalived"]),
        ("apt", (OURS, THEIRS), ["apt-get remove -y keepalived", "apt-get purge -y libnl-3-200"]),
        ("dnf", (OURS, THEIRS), ["rpm -e libnl-3-200 keepalived"]),
    ],
)
def test_what_was_left_behind_stays_when_the_package_goes(
    manager: str, packages: tuple[Brought, ...], titles: list[str]
) -> None:
    commands = remove("apt" if manager == "apt" else "dnf", packages)
    assert [command.title for command in commands] == [f"sudo {title}" for title in titles]


def test_the_trial_names_all_of_them() -> None:
    assert simulate_removal("apt", (OURS, THEIRS)).argv[-2:] == ("libnl-3-200", "keepalived")
    assert installed("dnf", {"before": "a.x\n", "after": "a.x\nkeepalived.x\n"}) == (Brought(name="keepalived.x"),)
    assert installed("apt", {}) == ()
