"""Reports as files: FORMAT:PATH is checked before anything is contacted, and a file appears whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.model.errors import IntentError, VipbookError
from tasks.report.formats import FORMATS, format_of, json_text
from tasks.store.files import writable, write_whole

if TYPE_CHECKING:
    from tasks.model.report import Report

_OWNER, _EVERYBODY = 0o600, 0o644


def parse_target(text: str) -> tuple[str, Path]:
    """Format and path of a --report; IntentError when it is neither."""
    form, colon, path = text.partition(":")
    if not colon or form not in FORMATS or not path:
        raise IntentError(f"--report {text}: write FORMAT:PATH; accepted formats: {', '.join(FORMATS)}")
    if Path(path).is_dir():
        raise IntentError(f"--report {text}: {path} is a directory; name a file")
    return form, writable(Path(path), f"--report {text}")


def stored_report(source: Path) -> bytes:
    """A stored report as it is; IntentError for a file that can't be read."""
    try:
        return source.read_bytes()
    except FileNotFoundError:
        raise IntentError(f"{source}: there is no such file; `vipbook verify --report json:PATH` makes one") from None
    except OSError as error:
        raise IntentError(f"{source}: can't be read: {error.strerror}") from None


def formed(form: str, text: bytes, report: Report) -> str:
    """A stored report in one of the formats; `report` was read from it: half of one is none."""
    render = format_of(form).render
    return json_text(json.loads(text)) if render is None else render(report)


def write_report(text: str, content: str) -> None:
    """Write to the path of FORMAT:PATH. Only its owner reads it: evidence tells much about a network."""
    form, path = parse_target(text)
    try:
        write_whole(path, content.encode(errors="replace"), mode=_EVERYBODY if format_of(form).public else _OWNER)
    except OSError as error:
        raise VipbookError(f"--report {text}: can't be written: {error.strerror}") from None
