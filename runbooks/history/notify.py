"""Telling somebody that the verdict changed: a webhook or a command. It never changes how a run ends."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import platform
import re
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from runbooks.history.keeping import history_path
from runbooks.process.state import made, state_directory
from tasks.model.errors import IntentError
from tasks.model.text import visible

if TYPE_CHECKING:
    from tasks.store.history import History

_KINDS = ("webhook:URL", "webhook-env:NAME", "command:PATH")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_FINE = {"pass", "warn"}
_TOKEN, _SECRET = "VIPBOOK_WEBHOOK_TOKEN", "VIPBOOK_WEBHOOK_SECRET"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SIGNATURE = "X-Vipbook-Signature"
_TRIES = 4
_BACKOFF_S = 0.5
_CONNECT_S, _READ_S = 3.0, 10.0
_TOTAL_S = 30.0
"""For all tries together."""
_COMMAND_S = 30.0
_SHOWN = 10
_AGAIN = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a change is told."""

    kind: Literal["webhook", "command"]
    place: str

    @property
    def shown(self) -> str:
        """Without what may be a secret: a webhook's path and query often are one."""
        if self.kind == "command":
            return f"command:{self.place}"
        parts = urlsplit(self.place)
        return f"webhook:{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/…"

    @property
    def key(self) -> str:
        """What it is remembered by: no URL is kept."""
        return f"{self.kind}:{hashlib.sha256(self.place.encode()).hexdigest()}"


def check_notify(text: str) -> None:
    """IntentError for a --notify that is none; what an environment variable holds is not looked at."""
    kind, _, name = text.partition(":")
    if kind != "webhook-env":
        parse_notify(text)
    elif not _NAME.match(name):
        raise IntentError(f"--notify {text}: name an environment variable that holds the URL")


def parse_notify(text: str) -> Target:
    """A --notify; IntentError when it is none, before anything is contacted. A secret in it is not repeated."""
    kind, colon, place = text.partition(":")
    if kind == "webhook-env":
        check_notify(text)
        if not os.environ.get(place):
            raise IntentError(f"--notify {text}: environment variable {place} is not set; set it to the URL")
        return _webhook(os.environ[place])
    if kind == "webhook" and place:
        return _webhook(place)
    if kind == "command" and place:
        path = Path(place)
        if not path.is_absolute() or not os.access(path, os.X_OK) or path.is_dir():
            raise IntentError(f"--notify {text}: name an executable file by its absolute path")
        return Target("command", place)
    raise IntentError(f"--notify {kind}{colon}…: accepted: {', '.join(_KINDS)}")


def _webhook(place: str) -> Target:
    try:
        parts = urlsplit(place)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine:
        raise IntentError("--notify webhook:…: not a URL that begins with https:// or http:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise IntentError(f"--notify webhook:…: no password in the URL; set {_TOKEN} or {_SECRET} instead")
    for name in (_TOKEN, _SECRET):
        if _CONTROL.search(os.environ.get(name, "")):
            raise IntentError(f"--notify webhook:…: {name} holds a control character, such as the end of a line")
    if parts.scheme == "http" and os.environ.get(_TOKEN) and not _is_here(parts.hostname or ""):
        raise IntentError(
            f"--notify webhook:…: {_TOKEN} would go over plain http, where others can read it; "
            f"use https://, or unset {_TOKEN}"
        )
    return Target("webhook", place)


def _is_here(host: str) -> bool:
    """Is it this machine, which nothing leaves on the way?"""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def notify(targets: Sequence[str], shape: dict[str, Any]) -> list[str]:
    """Tell each target that was last told another verdict; why not, for each that could not be told.

    What could not be sent is tried again by the next run. The first run of all sends what is not fine; so does each run
    while the history can't be read, because twice is better than never.
    """
    problems: list[str] = []
    for each in targets:
        try:
            problems += _notify(parse_notify(each), shape)
        except IntentError as error:
            problems.append(str(error))
    return problems


def _notify(target: Target, shape: dict[str, Any]) -> Iterator[str]:
    from tasks.store.history import scope_of  # noqa: PLC0415 - the report is out by now

    scope, verdict = f"{shape['command']} {scope_of(shape)}", shape["verdict"]
    before = None
    try:
        with _memory() as history:
            before = history.noticed(target.key, scope)
    except IntentError as error:
        yield f"the last verdict sent to {target.shown} is not known: {error}"
    if before == verdict:
        return
    quiet = before is None and verdict in _FINE
    problem = None if quiet else _tell(target, message(shape, before))
    if problem is not None:
        yield f"{target.shown} was not told: {problem}"
        return
    try:
        with _memory() as history:
            history.notice(target.key, scope, verdict)
    except IntentError as error:
        yield f"{target.shown} may be notified again, because the verdict sent is not kept: {error}"


@contextmanager
def _memory() -> Generator[History]:
    from tasks.store.history import open_history  # noqa: PLC0415 - as above

    made(state_directory())
    with open_history(history_path(), create=True) as history:
        yield history


def message(shape: dict[str, Any], before: str | None) -> dict[str, Any]:
    """What is told."""
    vips = [(cluster["name"], vip) for cluster in shape["clusters"] for vip in cluster["vips"]]
    wrong = [
        visible(f"{check['check']} {check['target']}: {check['message']}")
        for status in ("fail", "unknown")
        for _, vip in vips
        for check in vip["checks"]
        if check["status"] == status
    ]
    return {
        "schema": 1,
        "event": "verdict-changed",
        "at": shape["started_at"],
        "from": before,
        "to": shape["verdict"],
        "command": shape["command"],
        "host": platform.node(),
        "reason": visible(shape.get("reason") or (wrong[0] if wrong else "nothing is wrong")),
        "wrong": wrong[:_SHOWN],
        "vips": [
            {"cluster": name, "address": vip["address"], "state": vip["state"], "owner": vip["owner"]}
            for name, vip in vips
        ],
    }


def _tell(target: Target, told: dict[str, Any]) -> str | None:
    body = (json.dumps(told) + "\n").encode()
    return _post(target.place, body) if target.kind == "webhook" else _run(target.place, body)


def _post(url: str, body: bytes) -> str | None:
    """All tries together have a time limit, whatever the other side sends, and however slowly."""
    results: list[str | None] = []
    # No time-out of a socket bounds a name server, or an answer that comes byte by byte.
    trying = threading.Thread(target=lambda: results.append(_tried(url, body)), name="vipbook-notify", daemon=True)
    trying.start()
    trying.join(_TOTAL_S)
    return results[0] if results else f"it did not answer within {_TOTAL_S:g} s"


def _tried(url: str, body: bytes) -> str | None:
    """Tried again with growing pauses while the other side has trouble; never sent on to where a redirect points."""
    import urllib3  # noqa: PLC0415 - needed by few runs

    timeout = urllib3.Timeout(connect=_CONNECT_S, read=_READ_S)
    problem = None
    for number in range(_TRIES):
        time.sleep(_BACKOFF_S * 2**number if number else 0)
        with urllib3.PoolManager(num_pools=1) as pool:
            try:
                # What it says beyond its status is not read: nothing bounds it.
                answer = pool.request(
                    "POST",
                    url,
                    body=body,
                    headers=_headers(body),
                    retries=False,
                    timeout=timeout,
                    preload_content=False,
                )
                answer.close()
            except urllib3.exceptions.HTTPError as error:
                problem = f"{type(error).__name__} after {_TRIES} tries"
                continue
            except (OSError, ValueError) as error:
                # What it says may hold the token.
                return type(error).__name__
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's success
            return None
        problem = f"it answered {answer.status}"
        if answer.status not in _AGAIN:
            break
    return problem


def _headers(body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "vipbook"}
    if os.environ.get(_TOKEN):
        headers["Authorization"] = f"Bearer {os.environ[_TOKEN]}"
    if os.environ.get(_SECRET):
        digest = hmac.new(os.environ[_SECRET].encode(), body, hashlib.sha256).hexdigest()
        headers[_SIGNATURE] = f"sha256={digest}"
    return headers


def _run(path: str, body: bytes) -> str | None:
    """Nothing that the command prints is kept; when its time is up, what it began ends with it."""
    try:
        # A session of its own: one signal reaches all that it began.
        process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        return str(error.strerror)
    with process:
        try:
            process.communicate(body, timeout=_COMMAND_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return f"it did not end within {_COMMAND_S:.0f} s"
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return None if process.returncode == 0 else f"it ended with exit status {process.returncode}"
