"""One operator at a time: a lock a cluster, held on its servers, with who holds it, since when, and until when.

It stands in /run, so no reboot leaves one behind. It is a lease: whoever holds it goes on saying until when, by the
server's own clock, and a holder that died is outlived by it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.change.files import sudo
from tasks.model.answer import Command

_DIRECTORY = "/run/vipbook"
_MUTEX = f"{_DIRECTORY}/.mutex"
SERVER = "this.server"
"""In the place of a cluster's name, which never has a dot: the server itself, whatever its clusters are called."""
HELD = 11
"""Exit status of the fragment that finds somebody else's lock."""
# One of these at a time on a server: what is read is still so when it is written. $1 is the lock, $2 its token.
_TAKE = f"""
now=$(date +%s)
until=$(sed -n 's/^until=\\([0-9]*\\)$/\\1/p' "$1" 2>/dev/null)
if [ "${{until:-0}}" -ge "$now" ]; then cat "$1"; exit {HELD}; fi
printf '%s\\ntoken=%s\\nuntil=%s\\n' "$4" "$2" "$((now + $3))" > "$1.new" && mv -T "$1.new" "$1"
"""
# Only one's own: after a lease that ran out it may be another's.
_RENEW = """
grep -qsxF "token=$2" "$1" && sed -i "s/^until=.*/until=$(($(date +%s) + $3))/" "$1"
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
        """Take it for each cluster; status HELD and the holder's text when somebody else has it."""
        text = f"who={self.holder.who}\ndoing={self.holder.doing}\nsince={self.holder.since}"
        directory = sudo("lock directory", "install", "-d", "-m", "0755", _DIRECTORY)
        return (directory, *(self._each("lock", name, _TAKE, str(self.lease_s), text) for name in self.clusters))

    def renew(self, lease_s: int | None = None) -> tuple[Command, ...]:
        """Say a new time; one that is no longer ours fails."""
        return tuple(self._each("renew", name, _RENEW, str(lease_s or self.lease_s)) for name in self.clusters)

    def release(self) -> tuple[Command, ...]:
        """Give it up, where it is ours."""
        return tuple(self._each("release", name, _RELEASE) for name in self.clusters)

    def _each(self, verb: str, name: str, script: str, *more: str) -> Command:
        path = _path(name)
        words = ("sudo", "-n", "flock", "-w", "10", _MUTEX, "sh", "-c", script, "sh", path, self.token, *more)
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
