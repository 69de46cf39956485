"""An undo as the shell script that a server would run, in a server's directories below one of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tasks.change.undo import Undo, way_back
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.model.script import Section, split_output, write_script

TAG = "20260101T000000-abc123"
SUDO = '[ "$1" = -n ] && shift\nexec "$@"'
PLACES = {
    "/var/lib/vipbook": "var/lib/vipbook",
    "/run/vipbook": "run/vipbook",
    "/etc/systemd/system": "etc/systemd/system",
    "/run/systemd/system": "run/systemd/system",
}
"""Where the product has things, and where they are below the root."""


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh"], input=script, cwd=cwd, text=True, capture_output=True, check=False)


class Root:
    """Below `path` a server: its directories, and a `bin` whose programs come before the machine's."""

    def __init__(self, path: Path) -> None:
        self.path, self.bin = path, path / "bin"
        for each in ("bin", "var/lib", "run/systemd/system", "etc/systemd/system"):
            (path / each).mkdir(parents=True, exist_ok=True)
        self.program("sudo", SUDO)
        self.program("systemctl", f'echo "systemctl $*" >> {path}/systemd')
        self.program("systemd-run", f'echo "systemd-run $*" >> {path}/systemd')

    def program(self, name: str, body: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.bin / name).chmod(0o755)

    def here(self, text: str) -> str:
        """The product's text, with this root's paths and programs."""
        for there, below in PLACES.items():
            text = text.replace(there, str(self.path / below))
        return text.replace("PATH=/usr/sbin:", f"PATH={self.bin}:/usr/sbin:")

    def do(self, commands: Sequence[Command]) -> dict[str, Section]:
        """What each command said, up to the first that fails."""
        script = self.here(write_script([self._own(each) for each in commands], "nonce", stop_on_failure=True))
        done = subprocess.run(["/bin/sh", "-s"], input=script, text=True, capture_output=True, check=False)
        return split_output(done.stdout, done.stderr, "nonce")[1]

    def _own(self, command: Command) -> Command:
        """What is fed to a command has this root's paths, too."""
        if command.feed is None:
            return command
        return Command(
            key=command.key, argv=command.argv, sudo=command.sudo, feed=self.here(command.feed.decode()).encode()
        )

    def armed(self, undo: Undo, keeping: Sequence[Command] = ()) -> None:
        """Prepare, keep and arm; nothing is changed yet."""
        done = self.do((*undo.prepare(), *keeping, *undo.arm()))
        assert all(each.status == 0 for each in done.values()), done

    def boot(self) -> None:
        """What a power cut leaves: the disk."""
        subprocess.run(["rm", "-rf", self.path / "run"], check=True)
        (self.path / "run/systemd/system").mkdir(parents=True)

    def directory(self, tag: str = TAG) -> Path:
        return self.path / "var/lib/vipbook" / f"undo-{tag}"

    def state(self, tag: str = TAG) -> set[str]:
        """The names in /run of this undo, those of lines and of the shell apart."""
        found = self.path / "run/vipbook" / f"undo-{tag}"
        names = {each.name for each in found.iterdir()} if found.exists() else set()
        return {each for each in names if each != "shell" and not each.startswith("spare.")}

    def linked(self, tag: str = TAG) -> bool:
        """Would the next boot undo it?"""
        return (self.path / f"etc/systemd/system/multi-user.target.wants/vipbook-undo-{tag}.service").is_symlink()

    def undone(self, tag: str = TAG, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script as systemd would."""
        argv = ["/bin/sh", self.directory(tag) / "undo.sh", *arguments]
        return subprocess.run(argv, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def undo_of(*undo: tuple[str, ...], files: tuple[str, ...] = (), outlives_boot: bool = True) -> Undo:
    """The undo of steps with these lines."""
    steps = [Step(topic="x", summary=f"step {count}", undo=lines) for count, lines in enumerate(undo, 1)]
    keeping = Step(topic="x", summary="keeps", keeps=files)
    return way_back(TAG, [*steps, keeping], 120, outlives_boot=outlives_boot)
