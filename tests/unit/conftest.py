"""No unit test keeps its state where a user keeps theirs."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of the test's own, and the width of no terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("VIPBOOK_STATE", str(tmp_path_factory.mktemp("kept") / "state"))
