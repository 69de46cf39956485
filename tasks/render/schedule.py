"""A schedule as systemd units."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tasks.model.errors import IntentError
from tasks.model.schedule import Schedule
from tasks.render.keepalived import environment

MARKER = "# Managed by vipbook schedule: changes made here are lost with the next `vipbook schedule install`."
_EVERY = re.compile(r"([0-9]{1,6})(s|m|h|d)\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SHORTEST_S, _LONGEST_S = 30, 7 * 86400
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_SPREAD_S = 30
_LONGEST_WAIT_S = 86400
_PATTERN = "*?[]\\"
_RUN_S = 300
"""What a run may take beyond twice what it waits."""


def parse_every(text: str) -> int:
    """Seconds of `30s`, `5m`, `1h`, `1d`; IntentError for what is none, or too short or long to be meant."""
    found = _EVERY.match(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise IntentError(f"--every {text}: accepted: 30s to 7d, as 30s, 5m, 1h or 1d")
    return seconds


def parse_name(text: str) -> str:
    """A name that fits into a unit's."""
    if text and not _NAME.match(text):
        raise IntentError(f"--name {text}: accepted: 1 to 32 of a-z, 0-9 and -, a letter or digit first")
    return text


def parse_user(text: str) -> str:
    """A name that may be a user's."""
    if not _USER.match(text):
        raise IntentError(f"--user {text}: not the name of a user")
    return text


def parse_wait(seconds: float | None) -> float | None:
    """A time that a unit can be given."""
    if seconds is not None and not 0 <= seconds <= _LONGEST_WAIT_S:
        raise IntentError(f"--wait {seconds:g}: accepted: 0 to {_LONGEST_WAIT_S} seconds")
    return seconds


def render_units(schedule: Schedule) -> dict[str, str]:
    """Texts of service and timer by file name; IntentError for what would begin a line of its own in one of them."""
    about = ", ".join(schedule.clusters) or "all clusters"
    program, *arguments = _command(schedule)
    values: dict[str, object] = {
        "marker": MARKER,
        "about": _specifiers(about),
        # systemd takes the program as it is, and replaces variables in its arguments alone.
        "command": " ".join([word(program), *(word(each, variables=True) for each in arguments)]),
        "timeout_s": int(2 * (schedule.wait_s or 0) + _RUN_S),
        "user": schedule.user,
        "environment_file": _environment_file(schedule.environment_file or ""),
        "state": schedule.state,
        "state_setting": word(f"VIPBOOK_STATE={schedule.state}"),
        "written": " ".join(map(word, _written(schedule))),
        "every": _words(schedule.every_s),
        "every_s": schedule.every_s,
        "spread_s": min(_SPREAD_S, schedule.every_s // 10),
    }
    for each in values.values():
        _one_line(str(each))
    templates = environment()
    return {
        f"{schedule.unit}.{kind}": templates.get_template(f"systemd/verify.{kind}.j2").render(values)
        for kind in ("service", "timer")
    }


def _one_line(text: str) -> str:
    if any(not sign.isprintable() for sign in text):
        raise IntentError(f"{text!r}: can't be written into a unit; name it without control characters")
    return text


def _environment_file(path: str) -> str:
    """systemd takes the rest of the line as it is: a pattern of file names, whose last backslash continues the line."""
    _one_line(path)
    wrong = next((sign for sign in path if sign in _PATTERN), None)
    if wrong is not None or path != path.strip():
        what = wrong if wrong is not None else "a blank at its end"
        raise IntentError(f"--environment-file {path}: {what} means something else in a unit; name it without")
    return _specifiers(path)


def _command(schedule: Schedule) -> list[str]:
    argv = [schedule.program, "verify", *schedule.clusters, "--inventory", schedule.inventory]
    argv += ["--wait", f"{schedule.wait_s:g}"] if schedule.wait_s is not None else []
    for form, path in schedule.reports:
        argv += ["--report", f"{form}:{path}"]
    for each in schedule.notify:
        argv += ["--notify", each]
    return argv


def _written(schedule: Schedule) -> list[str]:
    """Directories that the run writes into."""
    places = [schedule.state] if schedule.state else []
    return list(dict.fromkeys([*places, *(str(PurePosixPath(path).parent) for _, path in schedule.reports)]))


def _words(seconds: int) -> str:
    for unit, size in reversed(_SECONDS.items()):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _specifiers(text: str) -> str:
    """`%` begins a specifier in a unit (systemd.unit(5))."""
    return text.replace("%", "%%")


def word(text: str, *, variables: bool = False) -> str:
    """One word of a line in a unit (systemd.syntax(7)): specifiers, quotes and blanks are text.

    `variables`: in a command line, where `$` begins one (systemd.service(5)); elsewhere it is a sign like others.
    """
    escaped = _specifiers(_one_line(text)).replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("$", "$$") if variables else escaped
    plain = escaped == text and not set(text) & set(" '\t;") and text
    return text if plain else f'"{escaped}"'
