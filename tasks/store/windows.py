"""Change windows as files: one a name, whole or not at all, and with a checksum that tells a torn one."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tasks.model.errors import IntentError, VipbookError
from tasks.model.window import WindowFile
from tasks.store.files import write_whole

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_FORMAT = 1
_SHAPE: TypeAdapter[WindowFile] = TypeAdapter(WindowFile)


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows of one directory, which exists."""

    directory: Path

    def path(self, name: str) -> Path:
        """Where the window of that name is kept; IntentError for what is no name."""
        if not _NAME.match(name):
            raise IntentError(
                f"{name!r}: a window's name is 1 to 64 of A-Z, a-z, 0-9, '.', '_', '-', a letter or digit first"
            )
        return self.directory / f"{name}.json"

    def names(self) -> tuple[str, ...]:
        """Those that are there, in order."""
        return tuple(sorted(path.stem for path in self.directory.glob("*.json")))

    def read(self, name: str) -> WindowFile:
        """The window; IntentError when there is none, or when the file is torn or somebody else's."""
        path = self.path(name)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none"
            raise IntentError(f"there is no window {name!r}; open now: {known}") from None
        except OSError as error:
            raise IntentError(f"{path}: can't be read: {error.strerror}") from None
        return _parsed(text, path)

    def exists(self, name: str) -> bool:
        """Is there a file of that name?"""
        return self.path(name).exists()

    def write(self, window: WindowFile) -> None:
        """Whole or not at all: written beside, flushed to the disk, and renamed. Its owner alone reads it."""
        path = self.path(window.name)
        body = _SHAPE.dump_json(window)
        head = json.dumps({"vipbook_window": _FORMAT, "sha256": hashlib.sha256(body).hexdigest()})
        try:
            write_whole(path, head.encode() + b"\n" + body + b"\n")
        except OSError as error:
            raise VipbookError(f"{path}: can't be written: {error.strerror}") from None

    @contextmanager
    def locked(self, name: str) -> Generator[None]:
        """Nobody else has this window meanwhile; IntentError at once when somebody has. Other windows are free."""
        path = self.path(name).with_suffix(".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise IntentError(f"{path}: can't be opened: {error.strerror}") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise IntentError(f"window {name!r} is in use by another vipbook; wait for it to end") from None
            yield
        finally:
            os.close(descriptor)


def _parsed(text: bytes, path: Path) -> WindowFile:
    mend = "it is torn or somebody else's; move it away"
    head, _, body = text.partition(b"\n")
    try:
        first = json.loads(head)
        form, digest = first["vipbook_window"], first["sha256"]
    except (ValueError, KeyError, TypeError):
        raise IntentError(f"{path}: not a window of vipbook: {mend}") from None
    if form != _FORMAT:
        raise IntentError(f"{path}: a window of format {form}; this vipbook knows {_FORMAT}")
    if hashlib.sha256(body.removesuffix(b"\n")).hexdigest() != digest:
        raise IntentError(f"{path}: not as vipbook wrote it: {mend}")
    try:
        return _SHAPE.validate_json(body)
    except ValidationError as error:
        first_problem = error.errors()[0]
        where = ".".join(map(str, first_problem["loc"]))
        raise IntentError(f"{path}: not a window of vipbook: {where}: {first_problem['msg']}") from None
