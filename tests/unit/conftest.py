"""No unit test keeps its state where a user keeps theirs."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of the test's own."""
    monkeypatch.setenv("VIPBOOK_STATE", str(tmp_path / "state"))
