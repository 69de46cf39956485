"""When keepalived last read its configuration, as systemd tells it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tasks.model.reading import Read, Unread
from tasks.server.keepalived.service import service
from tests.unit.builders import answers

STATES = "ActiveState=active\nUnitFileState=enabled\nMainPID=5\nLoadState=loaded\n"
START = "ExecMainStartTimestamp=Sat 2026-11-28 17:47:56.788671 UTC\n"
RELOAD = "ExecReload={{ path=/bin/kill ; ignore_errors=no ; start_time=[{}] ; stop_time=[n/a] ; pid=0 }}\n"
AT_RELOAD, AT_CHANGE, AT_START = (
    datetime(2026, 11, 28, *each, tzinfo=UTC).timestamp()
    for each in ((18, 12, 47, 832449), (18, 12, 47, 840523), (17, 47, 56, 788671))
)
RELOADED = RELOAD.format("Sat 2026-11-28 18:12:47.832449 UTC")
CHANGED = "StateChangeTimestamp=Sat 2026-11-28 18:12:47.840523 UTC\n"
ENTERED = "StateChangeTimestamp=Sat 2026-11-28 17:47:56.840781 UTC\n"


def loaded(text: str) -> float | None:
    found = service(answers("H1", service=STATES, loaded=text))
    assert isinstance(found, Read), found
    return found.value.loaded_at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (START + RELOADED + CHANGED, AT_RELOAD),
        (START + RELOADED, AT_RELOAD),
        # Somebody let systemd read its units again: it tells no more when it ran ExecReload.
        (START + RELOAD.format("n/a") + CHANGED, AT_CHANGE),
        (START + RELOAD.format("n/a"), AT_START),
        (START + CHANGED, AT_CHANGE),
        (START, AT_START),
        # Never started: whatever changed, nothing was read.
        ("ExecMainStartTimestamp=\n" + CHANGED, None),
        ("ExecMainStartTimestamp=n/a\n" + RELOAD.format("n/a") + CHANGED, None),
        # In whole seconds, from a systemd that knows no --timestamp.
        ("ExecMainStartTimestamp=Sat 2026-11-28 17:47:56 UTC\n", int(AT_START)),
    ],
)
def test_the_later_of_start_and_last_reload(text: str, expected: float | None) -> None:
    assert loaded(text) == pytest.approx(expected)


def test_never_reloaded_it_read_the_file_when_it_started() -> None:
    told = loaded(START + RELOAD.format("n/a") + ENTERED)
    assert told is not None
    assert 0 <= told - AT_START < 1


@pytest.mark.parametrize("text", ["", CHANGED, RELOADED])
def test_without_a_start_nothing_is_told(text: str) -> None:
    found = service(answers("H1", service=STATES, loaded=text))
    assert isinstance(found, Unread)
