"""The wheel holds all that its commands need: each runs from it, from any directory, without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.unit.runbooks.inventories import write_inventory

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, laid out as pip does; what it depends on is that of the tests' environment."""
    directory = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    # From a copy of what git knows: a build leaves files in the tree that it builds.
    source = directory / "source"
    source.mkdir()
    subprocess.run(["git", "checkout-index", "--all", f"--prefix={source}/"], cwd=ROOT, check=True)
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory), str(source)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    target = directory / "site"
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--target", str(target), *map(str, directory.glob("*.whl"))],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return target


def ran(installed: Path, directory: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """The command from the wheel, in a directory that knows nothing of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "VIPBOOK_STATE": str(directory / "state")}
    return subprocess.run(
        [sys.executable, "-P", str(installed / "bin/vipbook"), *argv],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("argv", "code", "shown"),
    [
        pytest.param(["--version"], 0, f"{VERSION}\n", id="version"),
        pytest.param(["-h"], 0, "Usage: vipbook", id="help"),
        pytest.param(["lab", "-h"], 0, "Usage: vipbook lab", id="help of the lab"),
        pytest.param(["lint", "--timers"], 0, "VI_web", id="lint"),
        pytest.param(["checks"], 0, "neighbor", id="checks"),
        pytest.param(["schema"], 0, '"$schema"', id="schema"),
        pytest.param(["plan"], 3, "UNKNOWN", id="plan"),
        pytest.param(["verify"], 3, "UNKNOWN", id="verify, which renders keepalived.conf"),
        pytest.param(["verify", "--report", "html:/dev/stdout"], 3, "<!doctype html>", id="report as HTML"),
        pytest.param(["locate", "100.65.0.10"], 3, "UNKNOWN", id="locate"),
        pytest.param(["schedule", "install", "--print"], 0, "OnUnitActiveSec", id="units"),
        pytest.param(["history", "list"], 2, "", id="history, of which there is none"),
    ],
)
def test_a_command_runs_from_the_wheel(installed: Path, tmp_path: Path, argv: list[str], code: int, shown: str) -> None:
    write_inventory(tmp_path / "inventory")
    done = ran(installed, tmp_path, *argv)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert shown.lower() in done.stdout.lower()


def test_what_is_loaded_is_the_wheel(installed: Path, tmp_path: Path) -> None:
    line = (
        "import lab.rendering, runbooks.cli, tasks.render.keepalived as k; print(lab.rendering.TEMPLATES, k.TEMPLATES)"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(installed / "lab/templates"), str(installed / "templates")]


def test_everything_that_is_no_python_is_in_it(installed: Path) -> None:
    (wheel,) = installed.parent.glob("*.whl")
    listed = subprocess.run(
        ["git", "ls-files", "templates", "lab", "runbooks", "tasks"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    scripts = {"lab/bench.sh", "lab/demo.sh"}  # of the Makefile
    assert set(listed) - set(zipfile.ZipFile(wheel).namelist()) - scripts == set()
