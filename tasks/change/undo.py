"""The way back, armed on the server itself before anything changes: it works when the machine that asked is gone.

A directory on the server holds what stood there and a script that puts it back; a systemd timer runs the script
unless it is disarmed in time, and so does the next boot, should there be one before that. The same script is run at
once when a step fails, so there is one way back and every failure exercises it. After a change that proved itself the
directory stays as a backup, for `vipbook rollback`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.change.files import sudo
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.observe.backups import LEFT, NONE

_ROOT = "/var/lib/vipbook"
BACKUPS = f"{_ROOT}/backups"
"""Directories named by date; each is what one change replaced."""
BACKUPS_KEPT = 5
MANIFEST = "files"
"""Name of the file that lists what a way back puts back."""
SHELL = "shell"
"""Name of the file that says which process makes the change, and since when, for it to be no other of that number."""
ROLLBACK, NO_ROLLBACK = '[ -n "${1:-}" ]', '[ -z "${1:-}" ]'
"""A rollback gives the script the directory of the backup; whoever runs it before the confirmation gives nothing."""
_SHELL = f"""
since=$(cut -d ' ' -f 22 "/proc/$2/stat") && printf "%s %s\\n" "$2" "$since" > "$1/{SHELL}"
"""
# A step that hangs must not take effect behind the way back, and whoever waited for it may be gone. Stopped first, so
# that none of them starts another one while the others are looked for; then all at once. Days later, in a rollback,
# there is nothing to end.
_END_CHANGE = f"""
[ -z "${{1:-}}" ] && [ -e {SHELL} ] || exit 0
read -r shell since < {SHELL}
[ "$(cut -d ' ' -f 22 "/proc/$shell/stat" 2>/dev/null)" = "$since" ] || exit 0
found=$shell before=
while [ "$found" != "$before" ]; do
    kill -STOP $found
    before=$found
    found=$(sed -n 's/^PPid:[^0-9]*//p; s/^Pid:[^0-9]*//p' /proc/[0-9]*/status 2>/dev/null | paste -d ' ' - - |
        awk -v shell="$shell" '{{ parent[$1] = $2 }} END {{ for (each in parent) {{
            at = each; while (at in parent && at != shell) at = parent[at]; if (at == shell) print each
        }} }}' | sort -n)
done
kill -KILL $found
tries=0
for each in $found; do
    while kill -0 "$each" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || exit 1
        sleep 0.1
    done
done
"""
_BOOT_TARGET = "multi-user.target"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
BOOT = "boot"
"""Name of the file that says in which boot the change was made."""
# What ran when the power went is not running any more, and a way back that was cut short is taken from its beginning.
_BOOTED = f"""
booted=
if [ -z "${{1:-}}" ] && [ -e {BOOT} ] && [ "$(cat {BOOT})" != "$(cat {_BOOT_ID})" ]; then
    booted=yes
    rm -f {SHELL}
    [ ! -d ran ] || rmdir ran || exit 1
fi
"""
# Once systemd has read the link, which it does when it boots and whenever somebody enables a service, it keeps the unit
# by its name until it reads again.
_IF_KNOWN = f"! systemctl show --property=Wants {_BOOT_TARGET} 2>/dev/null | grep -qF @UNIT@ || "
_FORGET = ("systemctl", "daemon-reload")
_LATER = ("systemd-run", "--on-active=1")
"""So that a service that is running is not forgotten."""
# Flushed before anything is changed: after a power cut there must be no empty file where a copy should be.
_FLUSH = f"""
cat {_BOOT_ID} > "$1/{BOOT}" || exit 1
for each in "$1"/*; do
    [ -L "$each" ] || sync "$each" || exit 1
done
sync "$1" "${{1%/*}}"
"""
UNITS = "/etc/systemd/system"
"""Where units are that outlive a boot."""
PASSING_UNITS = "/run/systemd/system"
# The files that a boot loads, and who loads them, have all been changed by then: the same situation as without a boot.
_UNIT = """[Unit]
Description=vipbook: put back what stood here
RequiresMountsFor=@DIRECTORY@
ConditionPathExists=@DIRECTORY@/undo.sh
After=network.target keepalived.service firewalld.service ufw.service nftables.service
After=netfilter-persistent.service iptables.service ip6tables.service
CollectMode=inactive-or-failed

[Service]
Type=oneshot
ExecStart=/bin/sh @DIRECTORY@/undo.sh
"""
# $1 is the directory; the files follow.
_RECORD = f"""
directory=$1
shift
for path; do
    sum={NONE}
    if [ -e "$path" ]; then sum=$(sha256sum < "$path") && sum=${{sum%% *}} || exit 1; fi
    printf "%s %s\\n" "$sum" "$path"
done > "$directory/{LEFT}"
"""
_PRUNE = f"""
sudo -n ls -1 {BACKUPS} | sort | head -n -{BACKUPS_KEPT} | while read -r vipbook_old; do
    sudo -n rm -rf -- "{BACKUPS}/$vipbook_old" || exit 1
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """One armed way back. `tag` is unique; `after_s` is when the server takes it by itself."""

    tag: str
    lines: tuple[str, ...]
    after_s: int
    files: tuple[str, ...] = ()
    """What the lines put back, for a rollback to know."""
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
    def _service(self) -> str:
        return f"{UNITS if self.outlives_boot else PASSING_UNITS}/{self.unit}.service"

    @property
    def _wanted(self) -> str:
        """The link by which a boot starts the service."""
        return f"{UNITS}/{_BOOT_TARGET}.wants/{self.unit}.service"

    @property
    def _if_known(self) -> str:
        return _IF_KNOWN.replace("@UNIT@", f"{self.unit}.service")

    def _forget(self) -> Command:
        """Nothing that is left of it in systemd's memory does any harm: this never fails."""
        line = f"{self._if_known}sudo -n {shlex.join(_FORGET)} || true"
        return Command(key="forget", argv=_FORGET, sudo=True, fragment=line)

    @property
    def _units(self) -> tuple[str, ...]:
        return (self._wanted, self._service) if self.outlives_boot else (self._service,)

    def script(self) -> str:
        """The script. It runs once, and goes on behind a line that fails: half a way back is better than none.

        A rollback runs it in the backup, whose directory below the root it gets as its argument.
        """
        body = "".join(f"(\n{line}\n) || failed=1\n" for line in (_END_CHANGE, *self.lines))
        return (
            "#!/bin/sh\n"
            "# Puts back what stood here before a change by vipbook.\n"
            "export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C\n"
            f'cd {_ROOT}/"${{1:-undo-{self.tag}}}" || exit 1\n'
            f"{_BOOTED}"
            "mkdir ran || exit 1\n"
            "failed=0\n"
            f"{body}"
            # Once, whether it went well or not: the boot after the next must not take back what people did since.
            f'[ -n "${{1:-}}" ] || rm -f -- {" ".join(self._units)}\n'
            f'[ -n "${{1:-}}" ] || {self._if_known}{shlex.join((*_LATER, *_FORGET))} || true\n'
            # What was kept holds a password; when all is back, nobody needs it any more.
            f"[ $failed -ne 0 ] || rm -rf -- {self.directory}\n"
            "exit $failed\n"
        )

    def prepare(self) -> tuple[Command, ...]:
        """Make the directory and the script."""
        path = f"{self.directory}/undo.sh"
        manifest = "".join(f"{each}\n" for each in self.files)
        return (
            sudo("undo root", "install", "-d", "-m", "0700", _ROOT),
            sudo("undo directory", "install", "-d", "-m", "0700", self.directory),
            sudo("undo create", "install", "-m", "0700", "/dev/null", path),
            sudo("undo script", "dd", f"of={path}", "conv=fsync", "status=none", feed=self.script().encode()),
            sudo("undo files", "dd", f"of={self.directory}/{MANIFEST}", "status=none", feed=manifest.encode()),
            self._tell_shell(),
        )

    def _tell_shell(self) -> Command:
        """Write down which process makes the change: the shell that runs this, as `$$` says."""
        line = shlex.join(("sudo", "-n", "sh", "-c", _SHELL, "sh", self.directory))
        argv = ("dd", f"of={self.directory}/{SHELL}")
        return Command(key="undo shell", argv=argv, sudo=True, fragment=f'{line} "$$"')

    def record(self) -> Command:
        """Write down what the change left, right behind it: so a rollback knows what others changed later."""
        words = ("sudo", "-n", "sh", "-c", _RECORD, "sh", self.directory, *self.files)
        argv = ("sha256sum", f"{self.directory}/{LEFT}")
        return Command(key="record", argv=argv, sudo=True, fragment=shlex.join(words))

    def arm(self) -> tuple[Command, ...]:
        """Start the clock, with everything kept that the script needs."""
        unit = _UNIT.replace("@DIRECTORY@", self.directory)
        flush = shlex.join(("sudo", "-n", "sh", "-c", _FLUSH, "sh", self.directory))
        wants = f"{UNITS}/{_BOOT_TARGET}.wants"
        at_boot = (
            sudo("boot target", "install", "-d", "-m", "0755", wants),
            sudo("arm boot", "ln", "-s", self._service, self._wanted),
            sudo("flush boot", "sync", wants),
        )
        return (
            Command(key="flush kept", argv=("sync", self.directory), sudo=True, fragment=flush),
            sudo("undo unit", "dd", f"of={self._service}", "conv=fsync", "status=none", feed=unit.encode()),
            *(at_boot if self.outlives_boot else ()),
            sudo(
                "arm",
                # Without --quiet, which the release of Enterprise Linux 7 may not know.
                "systemd-run",
                f"--on-active={self.after_s}",
                "--timer-property=AccuracySec=100ms",
                f"--unit={self.unit}.service",
            ),
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
            sudo("disarm", "rm", "-f", "--", *self._units),
            self._forget(),
            sudo("clean", "rm", "-rf", "--", self.directory),
        )

    def keep(self) -> tuple[Command, ...]:
        """Stop the clock as `disarm` does, and keep the directory as a backup; older ones than the last five go."""
        return (
            *self.disarm()[:-1],
            sudo("backups", "install", "-d", "-m", "0700", BACKUPS),
            sudo("keep backup", "mv", "-T", self.directory, f"{BACKUPS}/{self.tag}"),
            Command(key="prune", argv=("rm", "-rf", f"{BACKUPS}/…"), sudo=True, fragment=_PRUNE),
        )

    def clean(self) -> tuple[Command, ...]:
        """What is left to remove when the way back was taken."""
        return (
            sudo("stop timer", "systemctl", "stop", f"{self.unit}.timer"),
            sudo("clean", "rm", "-rf", "--", *self._units, self.directory),
            self._forget(),
        )


def way_back(
    tag: str, steps: Sequence[Step], after_s: int, last: Sequence[str] = (), *, outlives_boot: bool = True
) -> Undo:
    """An Undo for steps in the order in which they will be taken; `last` are lines for when all of it is back."""
    lines = tuple(line for step in reversed(steps) for line in step.undo)
    files = tuple(dict.fromkeys(path for step in steps for path in step.keeps))
    return Undo(tag=tag, lines=(*lines, *last), after_s=after_s, files=files, outlives_boot=outlives_boot)
