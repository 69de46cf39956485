"""schedule: a timer of systemd that runs verify, on the machine that vipbook runs on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runbooks.history.notify import check_notify
from runbooks.process.report_files import parse_target
from runbooks.session import read_intent
from tasks.model.errors import IntentError, NotRestoredError, VipbookError
from tasks.model.schedule import Schedule
from tasks.render.schedule import MARKER, parse_every, parse_name, parse_user, parse_wait, render_units
from tasks.store.files import write_whole

UNITS = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")
_PATIENCE_S = 60
_ENDS = {"0": "holds", "1": "fails", "2": "wrong call or intent", "3": "undetermined", "130": "interrupted"}
_TIMER = ("ActiveState", "UnitFileState", "NextElapseUSecMonotonic", "LastTriggerUSec")
_SERVICE = ("ActiveState", "Result", "ExecMainStatus", "ExecMainExitTimestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A timer as systemd has it. `last_exit` is None when it has not run yet."""

    unit: str
    installed: bool
    active: bool
    enabled: bool
    last_trigger: str
    last_exit: int | None
    meaning: str
    running: bool


def planned(  # noqa: PLR0913 - what an operator may ask for
    *,
    every: str,
    name: str,
    clusters: Sequence[str],
    inventory: Path,
    wait_s: float | None,
    reports: Sequence[str],
    notify: Sequence[str],
    user: str | None,
    environment_file: Path | None,
) -> Schedule:
    """The schedule with absolute paths; IntentError for everything in it that would not run."""
    intent = read_intent(inventory, need_secrets=False)
    intent.select(tuple(clusters))
    for each in notify:
        check_notify(each)
        if each.startswith("webhook:"):
            # Everybody can read a unit and a process list, and a webhook's URL is often all that it takes.
            raise IntentError(
                "--notify webhook:…: a unit is no place for it; --notify webhook-env:NAME, and "
                "--environment-file PATH of a file that sets NAME"
            )
    if environment_file is not None and not environment_file.is_file():
        raise IntentError(f"--environment-file {environment_file}: there is no such file")
    return Schedule(
        name=parse_name(name),
        every_s=parse_every(every),
        program=str(_program()),
        inventory=str(inventory.resolve()),
        clusters=tuple(clusters),
        wait_s=parse_wait(wait_s),
        reports=tuple((form, str(path.absolute())) for form, path in map(parse_target, reports)),
        notify=tuple(notify),
        user=parse_user(user) if user is not None else None,
        environment_file=str(environment_file.resolve()) if environment_file is not None else None,
        state=str(Path(os.environ["VIPBOOK_STATE"]).absolute()) if os.environ.get("VIPBOOK_STATE") else None,
    )


def _program() -> Path:
    """The vipbook command that this is."""
    program = Path(sys.executable).parent / "vipbook"
    if not program.exists():
        raise IntentError(f"{program}: there is no vipbook command beside this Python; `make install` makes one")
    return program


def install(schedule: Schedule) -> str:
    """Write both units and enable the timer; `installed`, `changed` or `unchanged`. What fails is put back."""
    _fit_for_systemd()
    units = render_units(schedule)
    before = {name: _ours(UNITS / name) for name in units}
    timer = f"{schedule.unit}.timer"
    if before == units and _is("is-enabled", timer) and _is("is-active", timer):
        return "unchanged"
    _verified(units)
    try:
        for name, text in units.items():
            write_whole(UNITS / name, text.encode(), mode=0o644)
        _systemctl("daemon-reload")
        _systemctl("enable", timer)
        _systemctl("restart", timer)
    except (VipbookError, OSError) as error:
        _put_back(before, timer)
        raise VipbookError(f"the timer could not be set up, and what stood there is back: {error}") from None
    return "changed" if any(before.values()) else "installed"


def _put_back(before: Mapping[str, str | None], timer: str) -> None:
    try:
        if not any(before.values()):
            _systemctl("disable", "--now", timer, check=False)
        for name, text in before.items():
            if text is None:
                (UNITS / name).unlink(missing_ok=True)
            else:
                write_whole(UNITS / name, text.encode(), mode=0o644)
        _systemctl("daemon-reload")
    except (VipbookError, OSError) as error:
        raise NotRestoredError(f"{UNITS}: {', '.join(before)}: not as they were: {error}") from None


def remove(name: str) -> str:
    """Stop the timer and take both units away; `removed`, or `nothing to remove`."""
    _fit_for_systemd()
    unit = Schedule(name=parse_name(name), every_s=0, program="", inventory="").unit
    files = [UNITS / f"{unit}.{kind}" for kind in ("timer", "service")]
    if not any([_ours(path) for path in files]):  # noqa: C419 - each is looked at: one that is not ours refuses
        return "nothing to remove"
    _systemctl("disable", "--now", f"{unit}.timer", check=False)
    for path in files:
        path.unlink(missing_ok=True)
    _systemctl("daemon-reload")
    _systemctl("reset-failed", f"{unit}.service", check=False)
    return "removed"


def status(name: str) -> State:
    """The timer and its last run."""
    _fit_for_systemd(root=False)
    unit = Schedule(name=parse_name(name), every_s=0, program="", inventory="").unit
    installed = _ours(UNITS / f"{unit}.timer") is not None
    timer, service = _show(f"{unit}.timer", _TIMER), _show(f"{unit}.service", _SERVICE)
    ran = bool(service.get("ExecMainExitTimestamp"))
    code = service.get("ExecMainStatus", "")
    running = service.get("ActiveState") == "activating"
    told = _ENDS.get(code, service.get("Result", "")) if ran else "has not run yet"
    return State(
        unit=unit,
        installed=installed,
        active=timer.get("ActiveState") == "active",
        enabled=timer.get("UnitFileState") == "enabled",
        last_trigger=timer.get("LastTriggerUSec", ""),
        last_exit=int(code) if ran and code.isdecimal() else None,
        meaning="runs now" if running else told,
        running=running,
    )


def _fit_for_systemd(*, root: bool = True) -> None:
    if not _BOOTED.is_dir():
        raise IntentError(
            "systemd does not run this machine; `vipbook schedule install --print` shows the units, cron does as well"
        )
    if root and os.geteuid() != 0:
        raise IntentError(
            "units are root's; mend: sudo vipbook schedule …, or --print for those who deploy them otherwise"
        )


def _ours(path: Path) -> str | None:
    """The text of a unit of ours, None where there is none; IntentError for somebody else's."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise IntentError(f"{path}: can't be read: {error}") from None
    if not text.startswith(MARKER):
        raise IntentError(f"{path}: somebody else's unit; give this one another --name")
    return text


def _verified(units: Mapping[str, str]) -> None:
    """IntentError when systemd itself does not like them."""
    with tempfile.TemporaryDirectory(prefix="vipbook-") as directory:
        paths = [Path(directory) / name for name in units]
        for path in paths:
            path.write_text(units[path.name], encoding="utf-8")
        done = _run(["systemd-analyze", "verify", "--man=no", *map(str, paths)])
    if done.returncode != 0:
        raise IntentError(f"systemd does not accept the units: {(done.stderr or done.stdout).strip()}")


def _systemctl(*words: str, check: bool = True) -> None:
    done = _run(["systemctl", *words])
    if check and done.returncode != 0:
        raise VipbookError(f"systemctl {' '.join(words)}: {done.stderr.strip() or done.returncode}")


def _is(question: str, unit: str) -> bool:
    return _run(["systemctl", "--quiet", question, unit]).returncode == 0


def _show(unit: str, properties: Sequence[str]) -> dict[str, str]:
    done = _run(["systemctl", "show", "--property", ",".join(properties), unit])
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())


def _run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        # What a locale or a unit makes of a text need not be UTF-8.
        return subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VipbookError(f"{argv[0]}: {error}") from None
