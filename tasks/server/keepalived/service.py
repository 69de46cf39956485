"""What systemd says of keepalived: does it run, and when did it last read its configuration?"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from tasks.model.answer import Command, Reply
from tasks.model.reading import Read, Reading
from tasks.model.server import Service
from tasks.observe.question import Question
from tasks.observe.readings import Garbled
from tasks.observe.shell import shell

_UNIT = "keepalived.service"
_TIMES = ("--property=ExecMainStartTimestamp,ExecReload,StateChangeTimestamp", _UNIT)
_STAMP = r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? UTC"


def _unit(text: str) -> Service:
    fields = dict(line.partition("=")[::2] for line in text.splitlines())
    return Service(
        active=fields["ActiveState"],
        enabled=fields["UnitFileState"] or fields["LoadState"],
        main_pid=int(fields["MainPID"]),
        loaded_at=None,
    )


def _loaded_at(text: str) -> float | None:
    """The later of start and last reload, both as systemd keeps them; None when the unit never started.

    systemd forgets when it ran ExecReload as soon as anybody lets it read its units again (a package that is upgraded
    does), but not when the unit's state last changed: the end of a reload, or of the start.
    """
    if "ExecMainStartTimestamp=" not in text:
        msg = "systemctl show gave no ExecMainStartTimestamp"
        raise Garbled(msg)
    started = re.search(rf"^ExecMainStartTimestamp={_STAMP}", text, re.MULTILINE)
    reloaded = re.search(rf"^ExecReload=.*start_time=\[{_STAMP}\]", text, re.MULTILINE)
    if started and not reloaded:
        reloaded = re.search(rf"^StateChangeTimestamp={_STAMP}", text, re.MULTILINE)
    return max((_epoch(found) for found in (started, reloaded) if found), default=None)


def _epoch(found: re.Match[str]) -> float:
    whole = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return whole + float(found[2] or 0)


STATES = Question(
    Command(key="service", argv=("systemctl", "show", "--property=ActiveState,UnitFileState,MainPID,LoadState", _UNIT)),
    _unit,
)
LOADED = Question(
    Command(
        key="loaded",
        argv=("systemctl", "show", "--timestamp=us+utc", *_TIMES),
        fragment=shell("loaded", WORDS=" ".join(_TIMES)),
    ),
    _loaded_at,
)


def service(reply: Reply) -> Reading[Service]:
    """Both answers as one."""
    loaded, found = LOADED.read(reply), STATES.read(reply)
    if isinstance(loaded, Read) and isinstance(found, Read):
        return replace(found, value=replace(found.value, loaded_at=loaded.value))
    return found if isinstance(loaded, Read) else loaded
