"""The `vipbook` command, a process each time as ever, forked from one that has imported it: see starter.py."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).resolve().parents[2]
VIPBOOK = Path(sys.executable).parent / "vipbook"
_STARTER = Path(__file__).with_name("starter.py")


class Runner:
    """One starter, begun when it is first needed; of two commands at once the second is started the slow way."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._starter: subprocess.Popen[bytes] | None = None
        self._busy = Lock()

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end in the checkout, without a terminal; TimeoutExpired when it takes longer."""
        if not self._busy.acquire(blocking=False):
            return subprocess.run(
                [VIPBOOK, *argv],
                capture_output=True,
                text=True,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
                check=False,
                cwd=ROOT,
                env=environment,
            )
        try:
            with tempfile.TemporaryDirectory() as out:
                status = self._ask(argv, environment, out, timeout)
                said = [(Path(out) / name).read_text() for name in ("stdout", "stderr")]
        finally:
            self._busy.release()
        return subprocess.CompletedProcess(["vipbook", *argv], status, *said)

    def close(self) -> None:
        """End the starter."""
        if self._starter is not None:
            self._starter.communicate()
            self._starter = None

    def _ask(self, argv: Sequence[str], environment: Mapping[str, str], out: str, timeout: float) -> int:
        if self._starter is None:
            self._starter = subprocess.Popen(
                [sys.executable, _STARTER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        asked = {"argv": list(map(str, argv)), "env": dict(environment), "cwd": str(ROOT), "out": out}
        self._starter.stdin.write(f"{json.dumps(asked)}\n".encode())
        child = int(self._starter.stdout.readline())
        if not select.select([self._starter.stdout], [], [], timeout)[0]:
            os.kill(child, signal.SIGKILL)
            self._starter.stdout.readline()
            raise subprocess.TimeoutExpired(["vipbook", *argv], timeout)
        return int(self._starter.stdout.readline())


RUNNER = Runner()
