"""The text of a file of the inventory, or a sentence about why there is none."""

from __future__ import annotations

from pathlib import Path

from tasks.model.errors import IntentError


def read_text(path: Path) -> str:
    """The whole file; IntentError when it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "name the inventory directory with --inventory DIR"
        raise IntentError(f"{path}: there is no such file; {hint}") from None
    except UnicodeDecodeError as error:
        raise IntentError(f"{path}: can't be read: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise IntentError(f"{path}: can't be read: {error.strerror}; make it a file that this user can read") from None
