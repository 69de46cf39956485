"""One operator at a time: a lock a cluster, held on its servers, with who holds it, since when, and until when.

It is in /run, so no reboot leaves one behind, in a directory that no other user can look into: what they can open they
can also hold. It is a lease: the holder renews it, and one that died is outlived by it. Leases run on CLOCK_BOOTTIME
(/proc/uptime), which no step of the wall clock moves and which counts the time that a server is suspended; the boot is
written down with it, for a /run that outlives one.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.change.files import sudo
from tasks.model.answer import Command

_DIRECTORY = "/run/vipbook"
_MUTEX = f"{_DIRECTORY}/.exclusive"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
SERVER = "this.server"
"""In the place of a cluster's name, which never has a dot: the server itself, whatever its clusters are called."""
HELD = 11
"""Exit status of the fragment that finds another holder's lock."""
# One of these at a time on a server: what is read is still so when it is written. $1 is the lock, $2 its token. An
# older release left the directory open to all users, and one of them may hold what was in it then: `.exclusive` is made
# by root alone, after the directory was closed. After a boot there is no directory, and nothing is held. The wall clock
# is for people, and for an older release, which knows `until` alone.
_ALONE = f"""
umask 077
[ -d {_DIRECTORY} ] || exit {HELD}
exec 9>>{_MUTEX} && chmod 0600 {_MUTEX} || exit 1
flock -w 10 9 || {{ echo "{_MUTEX} is held by another process" >&2; exit 1; }}
read -r now idle < /proc/uptime && now=${{now%.*}} && boot=$(cat {_BOOT_ID}) || exit 1
wall=$(date +%s)
write() {{
    printf '%s\\n' "$3" "token=$2" "boot=$boot" "lease=$4" "until=$((wall + $4 - now))" > "$1.new" &&
        mv -T "$1.new" "$1"
}}
"""
# A lock of an older release has no `boot`. Two releases in use at once have to exclude each other, so it counts for its
# lease: from when it was written until the time that it names, both by the wall clock. All that can be compared bounds
# it: it was written since this boot, and not further in the future than the lease is long, or the clock was stepped.
_TAKE = """
until=$(sed -n 's/^until=\\([0-9]\\{1,11\\}\\)$/\\1/p' "$1" 2>/dev/null)
if [ -n "$until" ] && ! grep -qs '^boot=' "$1"; then
    written=$(stat -c %Y "$1")
    if [ "$wall" -le "$until" ] && [ "$written" -ge "$((wall - now))" ] &&
        [ "$((written - wall))" -le "$((until - written))" ]
    then
        cat "$1"
        exit @HELD@
    fi
fi
lease=$(sed -n 's/^lease=\\([0-9]*\\)$/\\1/p' "$1" 2>/dev/null)
if grep -qsxF "boot=$boot" "$1" && [ "${lease:-0}" -ge "$now" ]; then
    cat "$1"
    echo "until=$((wall + lease - now))"
    exit @HELD@
fi
write "$1" "$2" "$4" "$((now + $3))"
""".replace("@HELD@", str(HELD))
# Only the caller's: after a lease that ran out it may be another's.
_RENEW = f"""
grep -qsxF "token=$2" "$1" || exit {HELD}
write "$1" "$2" "$(sed -n '/^who=/p; /^doing=/p; /^since=/p' "$1")" "$((now + $3))"
"""
_RELEASE = """
if grep -qsxF "token=$2" "$1"; then rm -f "$1"; fi
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, for people."""

    who: str
    doing: str
    since: str
    until: str = ""
    """When its lease runs out; empty where the lock does not tell."""

    def __str__(self) -> str:
        """`alice@ops1 (apply) since 2026-01-01T00:00:00Z`."""
        return f"{self.who} ({self.doing}) since {self.since}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock on clusters. `token` is nobody else's; `lease_s` is how long it lasts unless it is renewed."""

    clusters: tuple[str, ...]
    holder: Holder
    token: str
    lease_s: int

    def take(self) -> tuple[Command, ...]:
        """Take it for each cluster; status HELD and the holder's text when another one has it."""
        text = f"who={self.holder.who}\ndoing={self.holder.doing}\nsince={self.holder.since}"
        directory = sudo("lock directory", "install", "-d", "-m", "0700", _DIRECTORY)
        return (directory, *(self._each("lock", name, _TAKE, str(self.lease_s), text) for name in self.clusters))

    def renew(self, lease_s: int | None = None) -> tuple[Command, ...]:
        """A new lease; status HELD for one that is not ours any more."""
        return tuple(self._each("renew", name, _RENEW, str(lease_s or self.lease_s)) for name in self.clusters)

    def release(self) -> tuple[Command, ...]:
        """Give it up, where it is ours."""
        return tuple(self._each("release", name, _RELEASE) for name in self.clusters)

    def _each(self, verb: str, name: str, script: str, *more: str) -> Command:
        path = _path(name)
        words = ("sudo", "-n", "sh", "-c", f"{_ALONE}{script}", "sh", path, self.token, *more)
        return Command(key=f"{verb} {name}", argv=("flock", _MUTEX, verb, path), sudo=True, fragment=shlex.join(words))


def _path(cluster: str) -> str:
    return f"{_DIRECTORY}/{cluster}.lock"


def parse_holder(text: str) -> Holder:
    """What a lock says of its holder; words that are not there are `somebody`, `something` and `some time`."""
    fields = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    until = fields.get("until", "")
    return Holder(
        who=fields.get("who") or "somebody",
        doing=fields.get("doing") or "something",
        since=fields.get("since") or "some time",
        until=f"{datetime.fromtimestamp(int(until), UTC):%Y-%m-%dT%H:%M:%SZ}"
        if re.fullmatch(r"\d{1,11}", until)
        else "",
    )


def now() -> str:
    """The time for a lock."""
    return _stamp(datetime.now(UTC))


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
