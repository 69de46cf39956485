"""What an addition costs: one file in its folder, and every place that lists such things knows it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.model.reading import Read
from tests.unit.builders import GONE, subject, with_leaf

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., str]

FORMAT = '''
"""One word."""

from tasks.report.formats import Format

FORMAT = Format(suffix="txt", render=lambda report: f"just {report.verdict}\\n")
'''
CHECK, FAULT, SYSTEM, *BACKEND = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL
)
"""The examples."""
PARTS = ("model", "questions", "read", "judge", "plan")
REPORT = (
    '{"schema": 1, "command": "verify", "started_at": "2026-01-01T00:00:00.000Z", "duration_s": 1.0, '
    '"verdict": "pass", "hosts": {"asked": [], "answered": []}, "clusters": []}'
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product without its tests, to add to."""
    place = tmp_path_factory.mktemp("product")
    for name in ("runbooks", "tasks", "lab", "templates"):
        shutil.copytree(ROOT / name, place / name)
    return place


@pytest.fixture
def run(copy: Path, tmp_path: Path) -> Run:
    def called(*argv: str, code: int = 0, path: Path = tmp_path) -> str:
        places = {"PYTHONPATH": f"{copy}:{path}", "COLUMNS": "200", "VIPBOOK_STATE": str(tmp_path / "state")}
        environment = {**os.environ, **places}
        words = [sys.executable, "-c", "from runbooks.cli import main; main()", *argv]
        done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return called


def test_a_format_is_one_file(copy: Path, run: Run, tmp_path: Path) -> None:
    (copy / "tasks/report/formats/oneword.py").write_text(FORMAT)
    (tmp_path / "report.json").write_text(REPORT)
    assert run("report", "oneword", str(tmp_path / "report.json")) == "just pass\n"
    assert "oneword or prom" in run("verify", "--help")
    assert "markdown, oneword, prom" in run("verify", "--report", "none:x", code=2)


def test_a_fault_is_one_file(copy: Path, run: Run) -> None:
    own = FAULT.replace("ending=GRACEFUL_STOP", 'ending=replace(GRACEFUL_STOP, name="halt")')
    own = own.replace("import Sequence", "import Sequence\nfrom dataclasses import replace")
    (copy / "tasks/change/faults/stop.py").write_text(own)
    assert "What to inject: link-down, stop." in run("drill", "--help")
    assert re.search(
        "^VI_web +halt +H1 +H2 ", run("lint", "--timers", "--inventory", str(ROOT / "inventory")), re.MULTILINE
    )


def test_a_check_is_one_file(copy: Path, run: Run) -> None:
    file = copy / "tasks/judge/checks/vtep.py"
    file.write_text(CHECK)
    assert '"check": "vtep"' in run("checks", "--json")
    file.unlink()


LOOK = """
import sys
from ipaddress import ip_address
from tasks.model.cluster import Opening
from tasks.server.firewall.backends import judge_of
from tasks.server.firewall.model import Firewall
from tasks.server.firewall.plan import notes_on, plan_firewall, refusal_of
from tasks.server.firewall.questions import FILES, UNITS
from tasks.server.firewall.read import parse_firewall

rules, running = sys.argv[1:]
files = "".join(f"\\n== {path}\\n{rules if 'shorewall' in path else '== none' + chr(10)}" for path in FILES)
units = "Id=shorewall.service\\nActiveState=active\\nUnitFileState=enabled\\n"
tables = f"-P INPUT DROP\\n-A INPUT -j net-fw\\n{running}"
firewall = parse_firewall(units, {"iptables": tables, "firewall files": files})
peer = Opening(address=ip_address("100.65.0.12"))
judge = judge_of(firewall)
print(firewall.manager, firewall.at_boot, [judge.is_open(firewall, peer, saved=saved) for saved in (False, True)])
print(*notes_on(firewall, [peer]))
print(*(step.summary for step in plan_firewall(firewall, [peer])))
print(refusal_of(firewall), refusal_of(Firewall(manager="pf")), "shorewall.service" in UNITS)
"""
ACCEPTS = "ACCEPT net:100.65.0.12 $FW vrrp # vipbook\n"
RUNS = "-A net-fw -s 100.65.0.12/32 -p vrrp -j ACCEPT\n"
DROPPED = "today protocol 112 is dropped by shorewall: the policy of net, which no rule opens for protocol vrrp from "
OPENS = "shorewall: open protocol 112 from 100.65.0.12"


@pytest.fixture
def with_backend(copy: Path) -> Iterator[Path]:
    """A folder and a line, and nothing else."""
    folder, registry = (
        copy / "tasks/server/firewall/backends/shorewall",
        copy / "tasks/server/firewall/backends/__init__.py",
    )
    before = registry.read_text()
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, text in zip(PARTS, BACKEND, strict=True):
        (folder / f"{name}.py").write_text(text)
    registry.write_text(before.replace('    "ufw",\n', '    "ufw",\n    "shorewall",\n'))
    yield copy
    registry.write_text(before)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("rules", "running", "is_open", "note", "step"),
    [
        pytest.param("", "", [False, False], f"{DROPPED}100.65.0.12", OPENS, id="closed"),
        pytest.param(ACCEPTS, "", [False, True], f"{DROPPED}100.65.0.12", "", id="not loaded"),
        pytest.param("", RUNS, [True, False], "", OPENS, id="until the next boot"),
        pytest.param(ACCEPTS, RUNS, [True, True], "", "", id="open"),
        pytest.param(ACCEPTS.replace(".12", ".13"), RUNS, [True, False], "", OPENS, id="another peer"),
    ],
)
def test_a_firewall_backend_is_a_folder_and_a_line(
    with_backend: Path, rules: str, running: str, is_open: list[bool], note: str, step: str
) -> None:
    """It is detected, judged and planned; the lists of what is handled and awaited have it."""
    argv = [sys.executable, "-c", LOOK, rules, running]
    done = subprocess.run(
        argv, cwd=with_backend, env={"PYTHONPATH": str(with_backend)}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    handled = "None pf in charge of the firewall; handled: iptables, nftables, firewalld, ufw, shorewall, none True"
    assert done.stdout.splitlines() == [f"shorewall True {is_open}", note, step, handled]


def test_its_questions_and_its_part_of_the_check_are_in_the_lists(with_backend: Path, run: Run) -> None:
    listed = run("commands", "--inventory", str(ROOT / "inventory"), "--json")
    assert re.search(r'"cat [^"]*/etc/default/ufw /etc/shorewall/rules"', listed)
    assert re.search(r"UnitFileState [^\"]*ufw.service shorewall.service", listed)
    assert "firewall-cmd, ufw's rules, Shorewall's rules, and the files loaded at boot" in run("checks", "--json")


def test_the_example_of_a_check_judges() -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(CHECK, names)
    judge = names["judge_vtep"]
    known = subject().leaves["L1"].vni
    assert isinstance(known, Read)
    healthy, broken = subject(), with_leaf(subject(), "L1", vni=replace(known.value, local_vtep=None))
    assert [judge(facts, "L1").status for facts in (healthy, broken)] == ["pass", "fail"]
    assert judge(healthy, "L1").evidence
    assert judge(with_leaf(subject(), "L1", vni=GONE), "L1").status == "unknown"


LEAF = """
import sys
from pathlib import Path

from tasks.fabric.leaf import LeafReader, leaf_commands
from tests.unit.builders import VIP, cluster
from tests.unit.fabric.captured import SAMPLES
from tests.unit.observe.scripts import ALLOWED, REFUSED, ask

docker = f"case $* in 'exec bgp vtysh -c show evpn mac vni 100 json') cat {SAMPLES}/frr/mac.json ;; *) exit 1 ;; esac"
programs = {"docker": docker, "vtysh": f"cat {SAMPLES}/frr/mac.json", "ip": "echo '[]'", "bridge": "echo '[]'"}
programs["sudo"] = REFUSED if "refused" in sys.argv else ALLOWED
answers = ask(Path(sys.argv[1]), leaf_commands([cluster()]), programs)
macs = LeafReader("leaf1", answers).facts(cluster(), VIP.ip).evpn_macs
print(len(macs.value), macs.source.command)
"""


@pytest.mark.parametrize(
    ("vtysh", "asked"),
    [
        pytest.param("refused", "docker exec bgp vtysh -c 'show evpn mac vni 100 json'", id="in place of vtysh"),
        pytest.param("allowed", "sudo vtysh -c 'show evpn mac vni 100 json'", id="not where vtysh answers"),
    ],
)
def test_a_leaf_system_is_one_folder_and_one_line(copy: Path, tmp_path: Path, vtysh: str, asked: str) -> None:
    registry, folder = copy / "tasks/fabric/system.py", copy / "tasks/fabric/docker"
    before = registry.read_text()
    folder.mkdir()
    (folder / "__init__.py").write_text(SYSTEM)
    registry.write_text(before.replace('"nclu")', '"nclu", "docker")'))
    try:
        places = {**os.environ, "PYTHONPATH": f"{copy}:{ROOT}"}
        words = [sys.executable, "-c", LEAF, str(tmp_path), vtysh]
        done = subprocess.run(words, cwd=copy, env=places, capture_output=True, text=True, check=False)
        assert done.stdout == f"3 {asked}\n", done.stderr
    finally:
        registry.write_text(before)
        shutil.rmtree(folder)


class TestEntryPoints:
    """A package of the user's, as pip installs it."""

    @pytest.fixture
    def package(self, tmp_path: Path) -> Path:
        about = tmp_path / "mine-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
        (about / "entry_points.txt").write_text("[vipbook.checks]\nvtep = mine:judge_vtep\n")
        return tmp_path

    def test_it_is_in_the_catalogue(self, package: Path, run: Run) -> None:
        (package / "mine.py").write_text(CHECK)
        assert '"check": "vtep"' in run("checks", "--json", path=package)

    def test_one_that_is_broken_is_named_and_nothing_is_contacted(self, package: Path, run: Run) -> None:
        (package / "mine.py").write_text("judge_vtep = 1\n")
        said = run("lint", "--inventory", str(ROOT / "inventory"), path=package, code=2)
        assert said.startswith("error: entry point vtep = mine:judge_vtep of vipbook.checks: not a check")
