"""The lock of a run: taken on every server of its clusters before anything changes, and given up at the end."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from runbooks.process.interrupts import deferred, shielded
from runbooks.session import Session
from tasks.change.lock import HELD, SERVER, Holder, Lock, now, parse_holder
from tasks.model.answer import Answers, Command, Reply
from tasks.model.errors import NoAnswerError, RefusedError
from tasks.transport import Script

LEASE_MARGIN_S = 30
"""What a lease has beyond the longest step that it must cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lock that is held: it is renewed before whatever may take long."""

    session: Session
    lock: Lock
    servers: tuple[str, ...]

    def renew(self, lease_s: int | None = None) -> None:
        """A new lease on all servers; NoAnswerError when it ran out and is another's now, or can't be written.

        A server that can't be asked is found out by what comes next.
        """
        for server, reply in _ask(self.session, self.servers, self.lock.renew(lease_s)).items():
            answers = reply.by_key if isinstance(reply, Answers) else {}
            for answer in answers.values():
                if answer.status == HELD:
                    raise NoAnswerError(server, "", "the lock ran out and is not held any more")
                if answer.status != 0:
                    raise NoAnswerError(server, "", f"the lock can't be renewed: {_last(answer.stderr)}")


@contextmanager
def locked(session: Session, doing: str, lease_s: int, progress: Callable[[str], None]) -> Generator[Held]:
    """Hold the lock of the session's clusters; RefusedError names who holds it instead, and since when.

    A server that does not answer locks nothing: whoever changes servers finds that out by itself.
    """
    if session.dry_run:
        raise RefusedError("Nornir is set to a dry run; nothing was changed")
    servers = tuple(sorted({server.name for cluster in session.clusters for server in cluster.servers}))
    # A server's files are those of all its clusters; another inventory may have other names for them.
    names = tuple(sorted({each.name for server in servers for each in session.memberships(server)}))
    holder = Holder(who=f"{_user()}@{socket.gethostname()}", doing=doing, since=now())
    lock = Lock(
        clusters=(*names, SERVER), holder=holder, token=f"{os.getpid()}-{secrets.token_hex(8)}", lease_s=lease_s
    )
    held = Held(session=session, lock=lock, servers=servers)
    try:
        with deferred(progress):
            replies = _ask(session, servers, lock.take())
        _refuse_held(session, lock.clusters, replies)
        yield held
    finally:
        with shielded(progress):
            _ask(session, servers, lock.release())


def _refuse_held(session: Session, names: Sequence[str], replies: dict[str, Reply]) -> None:
    for server, reply in replies.items():
        if not isinstance(reply, Answers):
            continue
        for name in names:
            answer = reply.by_key.get(f"lock {name}")
            if answer is not None and answer.status == HELD:
                holder = parse_holder(answer.stdout)
                until = f", until {holder.until} unless it is renewed" if holder.until else ""
                shown = session.memberships(server)[0].name if name == SERVER else name
                raise RefusedError(f"{shown} is locked on {server} by {holder}{until}; nothing was changed")
            if answer is None or answer.status != 0:
                said = _last(answer.stderr) if answer is not None else "no answer"
                raise NoAnswerError(server, "", f"the lock can't be taken: {said}")


def _last(text: str) -> str:
    """The last line of what a program said."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason was given"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _ask(session: Session, servers: Sequence[str], commands: tuple[Command, ...]) -> dict[str, Reply]:
    return session.run_scripts({name: Script(commands=commands) for name in servers})
