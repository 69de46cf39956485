"""No unit test keeps its state where a user keeps theirs."""

from __future__ import annotations

import uuid

import pytest


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of the test's own, and the width of no terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
    # Not made: most tests keep nothing, and a directory each is looked for among thousands.
    monkeypatch.setenv("VIPBOOK_STATE", str(tmp_path_factory.getbasetemp() / "kept" / uuid.uuid4().hex / "state"))
