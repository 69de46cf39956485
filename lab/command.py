"""Programs of this machine: run one, and turn its failure into a LabError that names it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from lab.errors import LabError

DEFAULT_TIMEOUT_S = 60.0
# A command whose caller was killed must not go on building what `lab down` is removing.
_TIED = ("setpriv", "--pdeathsig", "KILL", "--")


def run(argv: Sequence[str], *, stdin: str = "", timeout: float = DEFAULT_TIMEOUT_S) -> str:
    """What it wrote to stdout; LabError with its last line of stderr when it fails or takes over `timeout` seconds."""
    result = attempt(argv, stdin=stdin, timeout=timeout)
    if result.returncode != 0:
        said = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()[-1]
        message = f"`{_short(argv)}` failed with {result.returncode}: {said}"
        raise LabError(message)
    return result.stdout


def attempt(
    argv: Sequence[str], *, stdin: str = "", timeout: float = DEFAULT_TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    """The same, but an exit status other than 0 is the caller's business."""
    try:
        return subprocess.run(
            [*_TIED, *argv], input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        message = "setpriv is not installed"
        raise LabError(message, "apt-get install -y util-linux") from error
    except subprocess.TimeoutExpired as error:
        message = f"`{_short(argv)}` took over {timeout:g} s"
        raise LabError(message) from error


def _short(argv: Sequence[str]) -> str:
    text = " ".join(argv)
    return text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004 - what fits on a line
