"""The undo, armed on the server itself before anything changes: it works when the machine that asked is gone.

A directory on the server holds what was there and a script that restores it; a systemd timer runs the script unless the
change is confirmed in time, and so does the next boot, should there be one before that. The same script is run at once
when a step fails, so there is one undo and every failure exercises it. After a change that proved itself the directory
stays as a backup, for `vipbook rollback`.

It has to work when the machine is at its worst, so everything that takes space is done before the change: each file has
a copy next to it that a rename restores, and the only states are names in /run (`armed`, `undoing`, `undone`,
`confirmed`), each a rename of the one before. What fails is tried again by systemd until it is restored. systemd's
timers and the lock run on clocks that no step of the wall clock moves.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.change.files import sudo
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.server.backups import LEFT, NONE
from tasks.server.firewall.questions import UNITS as FIREWALLS

_ROOT = "/var/lib/vipbook"
_RUN = "/run/vipbook"
BACKUPS = f"{_ROOT}/backups"
"""Directories named by date; each is what one change replaced."""
BACKUPS_KEPT = 5
CONFIRMED = 12
"""Exit status of `run_now` and `ended` where the change turns out to be confirmed."""
RETRY_S = 10
"""How long systemd waits before it tries again what could not be restored."""
ROLLBACK, NO_ROLLBACK = '[ -n "${backup:-}" ]', '[ -z "${backup:-}" ]'
"""A rollback gives the script the directory of the backup; who runs it before the confirmation gives nothing."""
BOOTED = '[ -n "${booted:-}" ]'
"""Was the server booted since the change? Then the files and other programs have made what runs, from the beginning."""
_SCRIPTS = Path(__file__).resolve().parents[2] / "templates" / "undo"
_MANIFEST = "files"
"""Name of the file that lists what an undo restores."""
# Says which process makes the change, and since when, for it to be no other of that number.
_SHELL = """
since=$(cut -d ' ' -f 22 "/proc/$2/stat") && printf "%s %s\\n" "$2" "$since" > "$1/shell"
"""
# Before anything is changed: after a power cut there must be no empty file where a copy should be.
_FLUSH = """
for each in "$1"/*; do
    [ -L "$each" ] || sync "$each" || exit 1
done
sync "$1" "${1%/*}" "${1%/*/*}"
"""
UNITS = "/etc/systemd/system"
"""Where units are that outlive a boot."""
_PASSING_UNITS = "/run/systemd/system"
_BOOT_LINKS = f"{UNITS}/multi-user.target.wants"
# The files that a boot loads, and who loads them, have all been changed by then: the same situation as without a boot.
# Not oneshot, which could not be restarted before systemd 244. No limit of starts is met at this pace. No condition and
# no requirement names the directory: a /var that is mounted late, or comes back, must find the undo still trying.
_UNIT = f"""[Unit]
Description=vipbook: restore what was here before a change
@CONDITION@After=remote-fs.target network.target keepalived.service {" ".join(FIREWALLS)}
CollectMode=inactive-or-failed

[Service]
ExecStart=/bin/sh @DIRECTORY@/undo.sh
Restart=on-failure
RestartSec={RETRY_S}
OOMScoreAdjust=-1000
"""
# $1 is the directory; the files follow. Programs that write their own files do not flush them.
_RECORD = f"""
directory=$1
shift
for path; do
    sum={NONE}
    if [ -e "$path" ]; then sum=$(sha256sum < "$path") && sum=${{sum%% *}} && sync "$path" || exit 1; fi
    [ ! -d "${{path%/*}}" ] || sync "${{path%/*}}" || exit 1
    printf "%s %s\\n" "$sum" "$path"
done > "$directory/{LEFT}" && sync "$directory/{LEFT}" "$directory"
"""
_LONGEST_WORDS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Shell lines that restore one thing. `number` is the step and the place in it; `what` is for people."""

    number: str
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """One armed undo. `tag` is unique; `after_s` is when the server begins it by itself."""

    tag: str
    lines: tuple[Line, ...] = ()
    after_s: int = 0
    files: tuple[str, ...] = ()
    """What the lines restore, for a rollback to know."""
    outlives_boot: bool = True
    """Does what the lines take back outlive a boot?"""

    @property
    def directory(self) -> str:
        """Where the server keeps it, readable by root alone."""
        return f"{_ROOT}/undo-{self.tag}"

    @property
    def unit(self) -> str:
        """Name of the systemd timer and of its service."""
        return f"vipbook-undo-{self.tag}"

    @property
    def _state(self) -> str:
        return f"{_RUN}/undo-{self.tag}"

    @property
    def _service(self) -> str:
        return f"{UNITS if self.outlives_boot else _PASSING_UNITS}/{self.unit}.service"

    @property
    def _link(self) -> str:
        """By which a boot starts the service."""
        return f"{_BOOT_LINKS}/{self.unit}.service"

    @property
    def _header(self) -> str:
        units = (self._link, self._service) if self.outlives_boot else (self._service,)
        values = {
            "tag": self.tag,
            "root": _ROOT,
            "run": _RUN,
            "state": self._state,
            "unit": self.unit,
            "units": " ".join(units),
            "unit_directories": " ".join(dict.fromkeys(unit.rpartition("/")[0] for unit in units)),
            "evidence": units[0],
            "boot_links": _BOOT_LINKS,
            "lasting_units": UNITS,
            "passing_units": _PASSING_UNITS,
            "backups_kept": str(BACKUPS_KEPT),
            "confirmed_status": str(CONFIRMED),
        }
        assigned = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
        return f"export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C\n{assigned}{_text('common')}"

    @property
    def _lines(self) -> tuple[Line, ...]:
        return (Line(number="end", what="end the change that hangs", text="end_change"), *self.lines)

    def script(self) -> str:
        """The undo. A line that fails keeps none of the others from running: half an undo is better than none."""
        lines = self._lines
        cases = "".join(f"    {each.number}) (\n{each.text}\n) ;;\n" for each in lines)
        attempts = "".join(f"    attempt {each.number} {shlex.quote(each.what)}\n" for each in lines)
        body = f"line() {{\n    case $1 in\n{cases}    esac\n}}\nattempts() {{\n{attempts}}}\n"
        return f"#!/bin/sh\n{self._header}{body}{_text('undo')}"

    def prepare(self) -> tuple[Command, ...]:
        """Make the directory and the script; fails while an earlier change is not undone yet."""
        path = f"{self.directory}/undo.sh"
        manifest = "".join(f"{each}\n" for each in self.files)
        # By a rename of these a line is noted down as done, which needs no space in /run.
        spare = (f"{self._state}/spare.{each.number}" for each in self._lines)
        return (
            self._run("no other undo", "begin"),
            sudo("undo root", "install", "-d", "-m", "0700", _ROOT, _RUN),
            sudo("undo directory", "install", "-d", "-m", "0700", self.directory, self._state, *spare),
            sudo("undo create", "install", "-m", "0700", "/dev/null", path),
            sudo("undo script", "dd", f"of={path}", "conv=fsync", "status=none", feed=self.script().encode()),
            sudo("undo files", "dd", f"of={self.directory}/{_MANIFEST}", "status=none", feed=manifest.encode()),
            self._note_shell(),
        )

    def _note_shell(self) -> Command:
        """Write down which process makes the change: the shell that runs this, as `$$` says."""
        line = shlex.join(("sudo", "-n", "sh", "-c", _SHELL, "sh", self._state))
        argv = ("dd", f"of={self._state}/shell")
        return Command(key="undo shell", argv=argv, sudo=True, fragment=f'{line} "$$"')

    def record(self) -> Command:
        """Write down what the change left, right behind it: so a rollback knows what others changed later."""
        words = ("sudo", "-n", "sh", "-c", _RECORD, "sh", self.directory, *self.files)
        argv = ("sha256sum", f"{self.directory}/{LEFT}")
        return Command(key="record", argv=argv, sudo=True, fragment=shlex.join(words))

    def arm(self) -> tuple[Command, ...]:
        """Start the clock, with everything kept, and on the disk, that the script needs."""
        # Any of them: what was undone has none, so that another start finds nothing to do, and systemd nothing to try
        # again; what was cut short has one of them still.
        evidence = f"IsSymbolicLink=|{self._link}" if self.outlives_boot else f"Exists=|{self._service}"
        states = (f"Exists=|{self._state}/{name}" for name in ("armed", "undoing"))
        condition = "".join(f"ConditionPath{each}\n" for each in (evidence, *states))
        unit = _UNIT.replace("@DIRECTORY@", self.directory).replace("@CONDITION@", condition)
        flush = shlex.join(("sudo", "-n", "sh", "-c", _FLUSH, "sh", self.directory))
        at_boot = (
            sudo("boot target", "install", "-d", "-m", "0755", _BOOT_LINKS),
            sudo("arm boot", "ln", "-s", self._service, self._link),
            sudo("flush boot", "sync", UNITS, _BOOT_LINKS),
        )
        return (
            Command(key="flush kept", argv=("sync", self.directory), sudo=True, fragment=flush),
            sudo("undo unit", "dd", f"of={self._service}", "conv=fsync", "status=none", feed=unit.encode()),
            *(at_boot if self.outlives_boot else ()),
            sudo(
                "arm",
                # Without --quiet, which the release of Enterprise Linux 7 may not know. CLOCK_MONOTONIC: no step of the
                # wall clock moves it, and a suspended server counts on when it wakes.
                "systemd-run",
                f"--on-active={self.after_s}",
                "--timer-property=AccuracySec=100ms",
                f"--unit={self.unit}.service",
            ),
            # Last: what has a state has a clock, or an undo that a boot begins.
            sudo("armed", "install", "-m", "0600", "/dev/null", f"{self._state}/armed"),
        )

    def run_now(self, wait_s: float) -> tuple[Command, ...]:
        """Undo at once, by systemd, or without it; `undone` fails with what is not restored after `wait_s`."""
        start = ("systemctl", "start", "--no-block", f"{self.unit}.service")
        directly = f"{shlex.join(('sudo', '-n', *start))} || sudo -n sh {self.directory}/undo.sh"
        return (Command(key="undo", argv=start, sudo=True, fragment=directly), self.ended(wait_s))

    def ended(self, wait_s: float = 0) -> Command:
        """Is nothing left to undo? Status 1 with what is not restored after `wait_s`; CONFIRMED: nothing will be."""
        return self._run("undone", "wait", str(int(wait_s * 10)))

    def confirm(self, *, keep: bool) -> Command:
        """There is no undo from then on; fails when it has begun. `keep`: the directory becomes a backup.

        What can't be tidied up afterwards is on stderr.
        """
        return self._run("confirm", "end", "keep" if keep else "drop", *self.files)

    def clean(self) -> Command:
        """Remove what is left when the change was undone; fails when it is not."""
        return self._run("clean", "end", "clean", *self.files)

    def _run(self, key: str, name: str, *words: str) -> Command:
        script = f"{self._header}{_text(name)}"
        line = shlex.join(("sudo", "-n", "sh", "-c", script, "sh", *words))
        return Command(key=key, argv=("sh", f"{name}.sh", self.unit), sudo=True, fragment=line)


@cache
def _text(name: str) -> str:
    return (_SCRIPTS / f"{name}.sh").read_text()


def way_back(
    tag: str, steps: Sequence[Step], after_s: int, last: Sequence[str] = (), *, outlives_boot: bool = True
) -> Undo:
    """An Undo for steps in the order in which they will be taken; `last` compares with what ran before."""
    lines = [
        Line(number=f"{count}.{place}", what=_what(text, step.summary), text=text)
        for count, step in enumerate(reversed(steps), 1)
        for place, text in enumerate(step.undo, 1)
    ]
    lines += [
        Line(number=f"last.{place}", what="compare the firewall with what ran before", text=text)
        for place, text in enumerate(last, 1)
    ]
    files = tuple(dict.fromkeys(path for step in steps for path in step.keeps))
    return Undo(tag=tag, lines=tuple(lines), after_s=after_s, files=files, outlives_boot=outlives_boot)


def _what(text: str, summary: str) -> str:
    """The line itself where that is short enough to read, and the change that it belongs to."""
    words = " ".join(text.split())
    shown = words if len(words) <= _LONGEST_WORDS else f"{words[:_LONGEST_WORDS]} …"
    return shown if text.startswith("restore ") else f"undo '{summary}' ({shown})"
