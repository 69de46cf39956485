"""A way back as the shell script that a server would run, in a directory of the test's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tasks.change.undo import Undo, way_back
from tasks.model.plan import Step

TAG = "20260101T000000-abc123"


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh"], input=script, cwd=cwd, text=True, capture_output=True, check=False)


def undo_in(place: Path, *undo: tuple[str, ...]) -> tuple[Undo, str]:
    """An armed way back whose directory stands under `place`, and its script."""
    armed = way_back(TAG, [Step(topic="x", summary="x", undo=lines) for lines in undo], 120)
    (place / f"undo-{TAG}").mkdir()
    return armed, armed.script().replace("/var/lib/vipbook", str(place))
