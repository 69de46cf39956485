"""The questions as the script that a host runs, with programs that say what a test wants."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.model.answer import Answers, Command
from tasks.model.script import answers_of, split_output, write_script
from tests.unit.builders import AT

_NONCE = "nonce-of-a-test"
_REAL = ("cat", "date", "sed")
ALLOWED = 'shift; exec "$@"'
REFUSED = """shift
case $1 in
    vtysh) echo "Sorry, user ops is not allowed to execute '/usr/bin/vtysh' as root on leaf1." >&2; exit 1 ;;
esac
exec "$@"
"""


def ask(where: Path, commands: Sequence[Command], programs: Mapping[str, str]) -> Answers:
    """Run the script with these programs (bodies of shell scripts) and no others on the path."""
    for name in _REAL:
        real = shutil.which(name)
        assert real is not None
        (where / name).symlink_to(real)
    for name, body in programs.items():
        (where / name).write_text(f"#!/bin/sh\n{body}\n")
        (where / name).chmod(0o755)
    script = write_script(commands, _NONCE).replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"PATH={where}", 1)
    ran = subprocess.run(["/bin/sh", "-s"], input=script, capture_output=True, text=True, timeout=60, check=True)
    _, sections = split_output(ran.stdout, ran.stderr, _NONCE)
    assert len(sections) == len(commands)
    return Answers(host="leaf1", by_key=answers_of("leaf1", commands, sections, AT), clock_offset_s=0.0)
