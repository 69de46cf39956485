"""How long `vipbook verify` takes beside the same commands run by parallel bare SSH sessions.

All are measured in turn in one run on the default lab, so that whatever else the machine does falls on each. verify is
timed twice: as a whole process, interpreter and imports included, and from the first connection to the verdict, as a
long-lived process or a poll of --wait has it. The OpenSSH client of the machine is the yardstick.
A backup waits for its next advert in both, up to one advert interval: that is part of the commands. Each run begins
after a pause of random length, for otherwise each would begin where the one before ended, at an advert.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

from runbooks.session import Session, open_session
from runbooks.verify import questions, verify
from tasks.model.script import write_script

ROOT = Path(__file__).resolve().parents[2]
VIPBOOK = Path(sys.executable).parent / "vipbook"


def main() -> int:
    """Print the ratio; exit status 1 when a verify did not pass, for its time would mean nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inventory", type=Path, default=ROOT / "inventory")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    session = open_session(options.inventory, [])
    calls = bare_calls(session)
    ours: list[float] = []
    inside: list[float] = []
    bare: list[float] = []
    longest = max(cluster.advert_int for cluster in session.clusters)
    for _ in range(options.rounds):
        time.sleep(random.uniform(0.0, longest))
        seconds, status = verify_once(options.inventory)
        if status != 0:
            print(f"verify ended with {status}: bring the lab up and apply first", file=sys.stderr)
            return 1
        ours.append(seconds)
        time.sleep(random.uniform(0.0, longest))
        inside.append(verify_inside(options.inventory))
        time.sleep(random.uniform(0.0, longest))
        bare.append(bare_once(calls))
    print(f"{len(calls)} hosts, one SSH session and one round trip each; {options.rounds} rounds, in turn")
    for name, seconds in (
        ("vipbook verify, whole process", ours),
        ("the same, connections to verdict", inside),
        ("parallel bare ssh, same commands", bare),
    ):
        against = f"{mean(seconds) / mean(bare):.2f} of the means, {median(seconds) / median(bare):.2f} of the medians"
        print(f"{name:34} median {median(seconds):.3f} s, mean {mean(seconds):.3f} s; ratio {against}")
    return 0


def bare_calls(session: Session) -> dict[str, tuple[list[str], bytes]]:
    """For each host the ssh command line and the script, exactly the one that verify sends."""
    calls = {}
    for name, script in questions(session.clusters, {}).items():
        wanted = session.nornir.inventory.hosts[name].get_connection_parameters("netmiko")
        extras = wanted.extras or {}
        argv = ["ssh", "-T", "-F", "none", "-i", extras["key_file"], "-p", str(wanted.port)]
        argv += ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        argv += ["-o", f"UserKnownHostsFile={extras['alt_key_file']}", f"{wanted.username}@{wanted.hostname}"]
        calls[name] = ([*argv, "/bin/sh -s"], write_script(script.commands, "bench").encode())
    return calls


def bare_once(calls: dict[str, tuple[list[str], bytes]]) -> float:
    """Seconds until the last of the parallel sessions has ended."""
    began = time.perf_counter()
    running = []
    for argv, script in calls.values():
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert child.stdin is not None
        child.stdin.write(script)
        child.stdin.close()
        child.stdin = None
        running.append(child)
    for child in running:
        _, errors = child.communicate()
        if child.returncode != 0:
            raise SystemExit(errors.decode())
    return time.perf_counter() - began


def verify_inside(inventory: Path) -> float:
    """Seconds from the first connection to the verdict, with sessions of its own."""
    session = open_session(inventory, [])
    began = time.perf_counter()
    try:
        verify(session)
        return time.perf_counter() - began
    finally:
        session.close()


def verify_once(inventory: Path) -> tuple[float, int]:
    """Seconds and exit status of one whole `vipbook verify`."""
    argv = [VIPBOOK, "verify", "--json", "--inventory", inventory]
    with tempfile.TemporaryDirectory() as kept:
        # The run is kept as always, but not where a user keeps theirs.
        environment = {**os.environ, "VIPBOOK_STATE": kept}
        began = time.perf_counter()
        done = subprocess.run(argv, capture_output=True, check=False, env=environment)
        return time.perf_counter() - began, done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
