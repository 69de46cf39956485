"""Reports as files: FORMAT:PATH is checked before anything is contacted, and a file appears whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from tasks.model.errors import IntentError, VipbookError
from tasks.report.formats import FORMATS, format_of, json_text
from tasks.store.files import place_of, write_whole

_OWNER, _EVERYBODY = 0o600, 0o644


def parse_target(text: str) -> tuple[str, Path]:
    """Format and path of a --report; IntentError when it is neither."""
    form, colon, path = text.partition(":")
    if not colon or form not in FORMATS or not path:
        raise IntentError(f"--report {text}: write FORMAT:PATH; accepted formats: {', '.join(FORMATS)}")
    target = Path(path)
    try:
        if not target.parent.is_dir():
            raise IntentError(f"--report {text}: there is no directory {target.parent}; make it first")
        if target.is_dir():
            raise IntentError(f"--report {text}: {target} is a directory; name a file")
        with place_of(target):
            return form, target
    except OSError as error:
        raise IntentError(f"--report {text}: can't be written: {error.strerror}") from None


def stored_report(source: Path) -> bytes:
    """A stored report as it is; IntentError for a file that can't be read."""
    try:
        return source.read_bytes()
    except FileNotFoundError:
        raise IntentError(f"{source}: there is no such file; `vipbook verify --report json:PATH` makes one") from None
    except OSError as error:
        raise IntentError(f"{source}: can't be read: {error.strerror}") from None


def formed(form: str, text: bytes, name: str) -> str:
    """A stored report in one of the formats; `name` is what an error calls it. IntentError for what is not a report.

    It is checked before any of it is shown: half a report must not pass for a whole one.
    """
    from tasks.report.document import read_report  # noqa: PLC0415 - pydantic

    report = read_report(text, name)
    render = format_of(form).render
    return json_text(json.loads(text)) if render is None else render(report)


def write_report(text: str, content: str) -> None:
    """Write to the path of FORMAT:PATH. Only its owner reads it: evidence tells much about a network."""
    form, path = parse_target(text)
    try:
        write_whole(path, content.encode(errors="replace"), mode=_EVERYBODY if format_of(form).public else _OWNER)
    except OSError as error:
        raise VipbookError(f"--report {text}: can't be written: {error.strerror}") from None
