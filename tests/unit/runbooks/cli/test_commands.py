"""The command line: exit codes, one clear text, nothing but the report on stdout, and no contact before it is due."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from runbooks.cli import app
from runbooks.session import Session
from tests.unit.builders import CLUSTERS_YAML
from tests.unit.runbooks.inventories import HOSTS, write_inventory


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write_inventory(tmp_path / "inventory")


@pytest.fixture
def no_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever contacts a host in such a test is told so by a traceback, which no test takes."""

    def contact(*_: object, **__: object) -> None:
        pytest.fail("a host was contacted")

    monkeypatch.setattr(Session, "run_scripts", contact)
    monkeypatch.setattr(Session, "open_stream", contact)


def run(*words: object, inventory: Path | None = None) -> Result:
    options = [] if inventory is None else ["--inventory", str(inventory)]
    return CliRunner().invoke(app, [*map(str, words), *options])


def ended(result: Result, code: int, *pieces: str) -> None:
    """It ended with this code and said all this on stderr, without a traceback."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    for piece in pieces:
        assert piece in result.stderr, result.stderr


def test_help_waits_for_nothing_that_it_does_not_need() -> None:
    loaded = "import sys, runbooks.cli; print(sorted({'pydantic', 'nornir', 'jinja2', 'netmiko'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


COMMANDS = ("lint", "plan", "apply", "verify")


@pytest.mark.usefixtures("no_contact")
@pytest.mark.parametrize("command", [*COMMANDS, "drill"])
class TestWrongCalls:
    """Exit 2, one clear sentence, nothing on stdout, nothing contacted."""

    def test_an_unknown_cluster(self, command: str, inventory: Path) -> None:
        result = run(command, "wbe", inventory=inventory)
        ended(result, 2, "error: no cluster 'wbe'; accepted: web")
        assert result.stdout == ""

    def test_a_missing_inventory(self, command: str, tmp_path: Path) -> None:
        result = run(command, "web", inventory=tmp_path / "nowhere")
        ended(result, 2, "nowhere/clusters.yaml: there is no such file; name the inventory directory")
        assert result.stdout == ""

    def test_an_intent_with_several_problems_names_each(self, command: str, inventory: Path) -> None:
        broken = CLUSTERS_YAML.replace("vrid: 11", "vrid: 0").replace("priority: 1,", "priority: 0,")
        (inventory / "clusters.yaml").write_text(broken)
        result = run(command, "web", inventory=inventory)
        ended(result, 2, "clusters.yaml:3: clusters.web.vrid", "clusters.yaml:10: clusters.web.servers.H2.priority")

    @pytest.mark.parametrize(
        ("report", "said"),
        [
            ("json", "write FORMAT:PATH; accepted formats: csv, html, json, junit, markdown, prom"),
            ("json:", "write FORMAT:PATH"),
            ("yaml:x", "write FORMAT:PATH; accepted formats: csv, html, json, junit, markdown, prom"),
            (":x", "write FORMAT:PATH"),
            ("json:/nowhere/at/all.json", "there is no directory /nowhere/at; make it first"),
            ("json:/tmp", "is a directory; name a file"),
        ],
    )
    def test_a_report_that_can_not_be_written(self, command: str, report: str, said: str, inventory: Path) -> None:
        result = run(command, "web", "--report", report, inventory=inventory)
        ended(result, 2, "error: --report", said)
        assert result.stdout == ""

    def test_one_wrong_report_of_several(self, command: str, tmp_path: Path, inventory: Path) -> None:
        good = tmp_path / "good.json"
        result = run(command, "web", "--report", f"json:{good}", "--report", "xml:x", inventory=inventory)
        ended(result, 2, "--report xml:x")
        assert not good.exists()

    def test_an_unknown_option(self, command: str, inventory: Path) -> None:
        ended(run(command, "web", "--no-such-option", inventory=inventory), 2)


@pytest.mark.usefixtures("no_contact")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["drill", "web", "--fault", "flood"], "error: no fault 'flood'; accepted: link-down"),
        (["drill", "web", "--target", "H9"], "--target H9: not a server of web; accepted: H1, H2"),
        (["drill", "web", "--target", "L1"], "--target L1: not a server of web; accepted: H1, H2"),
        (["drill", "web", "--fault", "x", "--target", "y"], "no fault 'x'"),
        (["drill"], "Missing argument"),
        (["verify", "--wait", "-1"], "--wait"),
        (["verify", "--wait", "soon"], "--wait"),
        (["verify", "--wait", "nan"], "--wait"),
        (["no-such-command"], "No such command"),
    ],
)
def test_a_wrong_word(words: list[str], said: str, inventory: Path) -> None:
    result = run(*words, inventory=inventory) if words[0] in {"drill", "verify"} else run(*words)
    ended(result, 2, said)


@pytest.mark.usefixtures("no_contact")
def test_a_drill_needs_a_probe_host(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path / "i", clusters=CLUSTERS_YAML.replace("    probes: [I1]\n", ""))
    ended(
        run("drill", "web", inventory=inventory), 2, "clusters.web.probes: a drill measures from a probe host; name one"
    )


@pytest.mark.usefixtures("no_contact")
def test_lint_holds(inventory: Path) -> None:
    result = run("lint", inventory=inventory)
    ended(result, 0)
    assert "nothing to mend" in result.stdout


@pytest.mark.usefixtures("no_contact")
def test_lint_needs_no_secret_but_says_so(inventory: Path) -> None:
    (inventory / "clusters.yaml").write_text(CLUSTERS_YAML.replace("{clear: hunter22}", "{env: VRRP_NOT_SET}"))
    result = run("lint", "--json", inventory=inventory)
    ended(result, 0, "warning: ", "VRRP_NOT_SET is not set")
    assert json.loads(result.stdout)["verdict"] == "warn"


@pytest.mark.parametrize("command", ["plan", "apply", "verify"])
def test_these_do_need_it(command: str, inventory: Path) -> None:
    (inventory / "clusters.yaml").write_text(CLUSTERS_YAML.replace("{clear: hunter22}", "{env: VRRP_NOT_SET}"))
    ended(run(command, inventory=inventory), 2, "VRRP_NOT_SET is not set")


@pytest.mark.parametrize(
    "call",
    ["verify", "verify web", "verify --wait 0", "plan", "plan --check", "apply --yes", "drill web --yes"],
)
def test_hosts_that_refuse_leave_it_undetermined(call: str, inventory: Path) -> None:
    words = call.split()
    result = run(*words, "--json", inventory=inventory)
    ended(result, 3)
    shape = json.loads(result.stdout)
    assert (shape["command"], shape["verdict"], shape["hosts"]["answered"]) == (words[0], "unknown", [])
    asked = {"H1", "H2"} if words[0] in {"plan", "apply"} else set(HOSTS)
    assert set(shape["hosts"]["asked"]) == asked
    assert "hunter22" not in result.output


def test_the_screen_says_who_did_not_answer(inventory: Path) -> None:
    result = run("verify", inventory=inventory)
    ended(result, 3)
    assert "UNKNOWN" in result.stdout
    assert "no answer: H1, H2, L1, L2, I1" in result.stdout
    assert "127.0.0.1" in result.stdout


def test_a_report_goes_to_its_file_and_to_nobody_else(inventory: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    result = run("verify", "--json", "--report", f"json:{target}", inventory=inventory)
    ended(result, 3)
    assert json.loads(target.read_text()) == json.loads(result.stdout)
    assert target.stat().st_mode & 0o077 == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["inventory", "report.json"]


def test_checks_prints_the_catalogue(tmp_path: Path) -> None:
    result = run("checks", "--json")
    ended(result, 0)
    assert {"neighbor", "bgp-type2"} <= {each["check"] for each in json.loads(result.stdout)}
    assert "neighbor" in run("checks").stdout


@pytest.mark.parametrize("words", [[], ["--help"], ["verify", "--help"], ["lab", "--help"]])
def test_help(words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == (0 if words else 2)
    assert "Usage" in result.output
