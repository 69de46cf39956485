"""The way back, armed on the server itself before anything changes: it works when the machine that asked is gone.

A directory on the server holds what stood there and a script that puts it back; a systemd timer runs the script
unless it is disarmed in time. The same script is run at once when a step fails, so there is one way back and every
failure exercises it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.change.files import sudo
from tasks.model.answer import Command

_ROOT = "/var/lib/vipbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """One armed way back. `tag` is unique; `after_s` is when the server takes it by itself."""

    tag: str
    lines: tuple[str, ...]
    after_s: int

    @property
    def directory(self) -> str:
        """Where the server keeps it, readable by root alone."""
        return f"{_ROOT}/undo-{self.tag}"

    @property
    def unit(self) -> str:
        """Name of the systemd timer and of its service."""
        return f"vipbook-undo-{self.tag}"

    def script(self) -> str:
        """The script. It runs once, and goes on behind a line that fails: half a way back is better than none."""
        body = "".join(f"(\n{line}\n) || failed=1\n" for line in self.lines)
        return (
            "#!/bin/sh\n"
            "# Puts back what stood here before a change by vipbook.\n"
            "export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C\n"
            f"cd {self.directory} || exit 1\n"
            "mkdir ran || exit 1\n"
            "failed=0\n"
            f"{body}"
            # What was kept holds a password; when all is back, nobody needs it any more.
            f"[ $failed -ne 0 ] || rm -rf -- {self.directory}\n"
            "exit $failed\n"
        )

    def prepare(self) -> tuple[Command, ...]:
        """Make the directory and the script."""
        path = f"{self.directory}/undo.sh"
        return (
            sudo("undo root", "install", "-d", "-m", "0700", _ROOT),
            sudo("undo directory", "install", "-d", "-m", "0700", self.directory),
            sudo("undo create", "install", "-m", "0700", "/dev/null", path),
            sudo("undo script", "dd", f"of={path}", "conv=fsync", "status=none", feed=self.script().encode()),
        )

    def arm(self) -> Command:
        """Start the clock."""
        return sudo(
            "arm",
            "systemd-run",
            "--quiet",
            "--collect",
            f"--on-active={self.after_s}",
            "--timer-property=AccuracySec=100ms",
            f"--unit={self.unit}",
            "--property=Type=oneshot",
            "--description=vipbook: put back what stood here",
            "/bin/sh",
            f"{self.directory}/undo.sh",
        )

    def run_now(self) -> tuple[Command, ...]:
        """Take the way back at once; the service ends when the script has ended, with its status."""
        return (sudo("undo", "systemctl", "start", f"{self.unit}.service"),)

    def disarm(self) -> tuple[Command, ...]:
        """Stop the clock; `still there` or `not undone` fails when the server has already gone back."""
        return (
            sudo("stop timer", "systemctl", "stop", f"{self.unit}.timer"),
            sudo("still there", "test", "-e", f"{self.directory}/undo.sh"),
            sudo("not undone", "test", "!", "-e", f"{self.directory}/ran"),
            sudo("clean", "rm", "-rf", "--", self.directory),
        )

    def clean(self) -> tuple[Command, ...]:
        """What is left to remove when the way back was taken."""
        return (
            sudo("stop timer", "systemctl", "stop", f"{self.unit}.timer"),
            sudo("clean", "rm", "-rf", "--", self.directory),
        )


def way_back(tag: str, undo_by_step: Sequence[Sequence[str]], after_s: int) -> Undo:
    """An Undo for steps in the order in which they will be taken."""
    return Undo(tag=tag, lines=tuple(line for lines in reversed(undo_by_step) for line in lines), after_s=after_s)
