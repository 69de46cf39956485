"""A whole run among hostile hosts: in time, within its memory, with a report that names each of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.model.bounds import HOST_MOST, MIB
from tests.unit.transport import hostile
from tests.unit.transport.hostile import Host, answers, inventory

pytestmark = pytest.mark.slow

HOSTS = ("H1", "H2", "L1", "L2", "I1")
BEYOND = 300 * MIB
RUN_S = 30.0
"""The time limit of one round trip; a run has 10 s more."""
CHILD = """
import re, sys
from pathlib import Path
from runbooks.cli import main
sys.argv[0] = "vipbook"
try:
    main()
finally:
    print(re.search(r"VmHWM:.*", Path("/proc/self/status").read_text())[0], file=sys.stderr)
"""


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    code: int
    took_s: float
    peak: int
    stdout: str
    stderr: str


def ran(directory: Path, hosts: dict[str, Host], *words: str) -> Ran:
    began = time.monotonic()
    where = inventory(directory / "inventory", hosts)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *words, "--inventory", str(where)],
        capture_output=True,
        timeout=120,
        check=False,
    )
    errors = done.stderr.decode()
    peak = re.search(r"VmHWM:\s+(\d+) kB", errors)
    assert peak, errors
    took = time.monotonic() - began
    return Ran(done.returncode, took, int(peak[1]) * 1024, done.stdout.decode(), errors)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Generator[int]:
    """The memory of a run whose hosts answer, and have nothing to tell."""
    host = Host(play=hostile.healthy)
    yield ran(tmp_path_factory.mktemp("usual"), dict.fromkeys(HOSTS, host), "verify", "--json").peak
    host.close()


def rows(row: str, size: int) -> bytes:
    return b"[" + b",".join([row.encode()] * (size // len(row))) + b"]"


ONE_ANSWER = HOST_MOST // 30
"""So that all answers of a host together are about what it may send."""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(rows('{"dst":"1.1.1.1","dev":"a","state":[]}', ONE_ANSWER), id="rows"),
        pytest.param(rows("{}", ONE_ANSWER), id="objects without anything"),
        pytest.param(b"[" * ONE_ANSWER, id="brackets"),
        pytest.param(b"{" + b",".join(b'"%d":1' % number for number in range(ONE_ANSWER // 10)) + b"}", id="keys"),
        pytest.param(b"\x01" * ONE_ANSWER, id="controls"),
        pytest.param("\N{PILE OF POO}".encode() * (ONE_ANSWER // 4), id="wide signs"),
        pytest.param(b"\n" * ONE_ANSWER, id="lines"),
        pytest.param(b"-A INPUT -j X\n" * (ONE_ANSWER // 14), id="rules"),
        pytest.param(b'auth_pass "' * (ONE_ANSWER // 11), id="passwords"),
        pytest.param(b"}\n" * (ONE_ANSWER // 2), id="a keepalived.conf of braces"),
    ],
)
def test_all_hosts_send_as_much_as_they_may(text: bytes, usual: int, tmp_path: Path) -> None:
    host = Host(play=answers(text))
    files = [f"--report={form}:{tmp_path / form}" for form in ("html", "junit", "markdown", "csv", "prom")]
    found = ran(tmp_path, dict.fromkeys(HOSTS, host), "verify", "--json", *files)
    host.close()
    assert found.code in {1, 3}, found.stderr
    assert json.loads(found.stdout)["hosts"]["asked"] == ["H1", "H2", "L1", "L2", "I1"]
    assert "Traceback" not in found.stderr
    print(f"took {found.took_s:.1f} s, {(found.peak - usual) // MIB} MiB beyond {usual // MIB}")  # noqa: T201
    assert found.peak - usual < BEYOND
    assert found.took_s < RUN_S + 10


def test_each_host_in_its_own_way(usual: int, tmp_path: Path) -> None:
    plays = {"H1": hostile.giant_clock, "H2": hostile.flood(), "L1": hostile.drip, "L2": hostile.hang}
    hosts = {name: Host(play=play) for name, play in plays.items()} | {"I1": Host(raw=hostile.endless_banner)}
    found = ran(tmp_path, hosts, "verify", "--json")
    for each in hosts.values():
        each.close()
    assert found.code == 3, found.stderr
    document: dict[str, Any] = json.loads(found.stdout)
    assert document["hosts"]["answered"] == []
    checks = [check for cluster in document["clusters"] for vip in cluster["vips"] for check in vip["checks"]]
    for name, reason in (
        *(("H1", f"more than {HOST_MOST // MIB} MiB"), ("H2", f"more than {HOST_MOST // MIB} MiB")),
        *(("L1", "no answer within 30 s"), ("L2", "no answer within 30 s")),
        ("I1", "more than 1 MiB before the login"),
    ):
        told = {each["message"] for each in checks if each["target"] == name and each["status"] == "unknown"}
        assert any(reason in message for message in told), told
    assert found.peak - usual < BEYOND
    assert found.took_s < RUN_S + 10
