"""The list of what hosts are asked: whole, with the privilege that the question really takes, and without a contact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbooks.commands import asked
from runbooks.session import read_intent
from runbooks.verify import questions
from tests.unit.runbooks.inventories import write_inventory
from tests.unit.runbooks.test_cli import ended, run


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write_inventory(tmp_path / "inventory")


@pytest.mark.parametrize("host", ["H1", "L1", "I1"])
def test_every_question_of_a_look_is_listed(host: str, inventory: Path) -> None:
    script = questions(read_intent(inventory, need_secrets=False).clusters, {})[host]
    listed = {(each.command, each.root) for each in asked(inventory, []) if host in each.hosts}
    assert {(each.title, each.sudo) for each in script.commands} <= listed


@pytest.mark.parametrize("host", ["H1", "L1", "I1"])
def test_nothing_is_asked_as_root_that_is_not_said_to_be(host: str, inventory: Path) -> None:
    """A question that only makes functions asks none of them itself."""
    script = questions(read_intent(inventory, need_secrets=False).clusters, {})[host]
    for each in script.commands:
        ends = (each.fragment or "").rstrip().splitlines()[-1:]
        assert each.sudo or not any("sudo" in line for line in ends), each.title


@pytest.mark.parametrize(
    ("command", "privilege", "helper", "hosts"),
    [
        pytest.param("keepalived --signum=JSON", "root", "keepalived-json", ["H1", "H2"], id="by a helper"),
        pytest.param(
            "firewall-cmd --list-all-zones", "root", "firewalld", ["H1", "H2"], id="one helper, many questions"
        ),
        pytest.param("cat /etc/os-release", "user", None, ["H1", "H2"], id="as the user"),
        pytest.param("vtysh -c 'show evpn json'", "root", "frr-show", ["L1", "L2"], id="of leaves"),
    ],
)
def test_as_json(command: str, privilege: str, helper: str | None, hosts: list[str], inventory: Path) -> None:
    result = run("commands", "--json", inventory=inventory)
    ended(result, 0)
    (row,) = [each for each in json.loads(result.stdout) if each["command"] == command]
    assert (row["privilege"], row["helper"], row["hosts"]) == (privilege, helper, hosts)


def test_on_the_screen(inventory: Path) -> None:
    result = run("commands", "web", inventory=inventory)
    ended(result, 0)
    assert "before a change" in result.stdout
    assert "auth_pass" not in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("commands", "wbe"), "no cluster 'wbe'; accepted: web", id="an unknown cluster"),
        pytest.param(("commands", "--report", "html:x"), "accepted format: json", id="a report of a run"),
    ],
)
def test_wrong_calls(words: tuple[str, ...], said: str, inventory: Path) -> None:
    ended(run(*words, inventory=inventory), 2, said)
