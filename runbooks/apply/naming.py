"""Names of changes, which are the names of their backups: dated, and in the order in which the changes were made."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from runbooks.session import Session
from tasks.change.undo import BACKUPS
from tasks.model.answer import Answers, Command
from tasks.server.backups import NAME
from tasks.transport import Script

_FORMAT = "%Y%m%dT%H%M%S"
_NAMES = Command(key="backups", argv=("ls", "-1", BACKUPS), sudo=True)


def tag(earlier: Sequence[str] = ()) -> str:
    """A name that no other change has, and that comes after the earlier ones, whatever clock they were made by."""
    at = datetime.now(UTC).replace(tzinfo=None)
    for name in earlier:
        # A name may have the form of a date and be none.
        with suppress(ValueError, OverflowError):
            at = max(at, datetime.strptime(name.partition("-")[0], _FORMAT) + timedelta(seconds=1))  # noqa: DTZ007 - UTC
    return f"{at:{_FORMAT}}-{secrets.token_hex(3)}"


def tag_for(session: Session, hosts: Sequence[str]) -> str:
    """A name that comes after every backup of these servers.

    The last name is what a rollback goes back to, and the first ones are pruned: a run by a machine whose clock was in
    the future must not be the last one for years. A server that can't be asked is found out by what comes next.
    """
    replies = session.run_scripts({host: Script(commands=(_NAMES,)) for host in hosts})
    answers = [reply.by_key.get("backups") for reply in replies.values() if isinstance(reply, Answers)]
    lines = [line for answer in answers if answer is not None for line in answer.stdout.splitlines()]
    return tag([line for line in lines if re.fullmatch(NAME, line)])
