"""The list of what hosts are asked: whole, with the privilege that the question really takes, and without a contact."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from runbooks.commands import asked
from runbooks.session import read_intent
from runbooks.verify import questions
from tasks.fabric.locate import locate_commands
from tasks.model.location import Query
from tasks.model.mac import MacAddress
from tasks.observe.helpers import helper_function, helper_text
from tests.unit.builders import VIP, VIP6, cluster
from tests.unit.runbooks.cli.test_commands import ended, run
from tests.unit.runbooks.inventories import write_inventory

SUDOERS = Path(__file__).resolve().parents[3] / "templates" / "sudoers"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write_inventory(tmp_path / "inventory")


@pytest.mark.parametrize("host", ["H1", "L1", "I1"])
def test_every_question_of_a_look_is_listed(host: str, inventory: Path) -> None:
    script = questions(read_intent(inventory, need_secrets=False).clusters, {})[host]
    listed = {(each.command, each.privilege == "root") for each in asked(inventory, []) if host in each.hosts}
    assert {(each.title.removeprefix("sudo "), each.sudo) for each in script.commands} <= listed


TOOLS = ("sh", "sed", "cat", "date", "tr", "grep", "awk", "sleep", "env")


@pytest.mark.parametrize("host", ["H1", "L1", "I1"])
def test_nothing_calls_sudo_that_does_not_say_so(host: str, inventory: Path, tmp_path: Path) -> None:
    """Each question runs alone, after the functions of all, and finds no program but a sudo that counts its calls."""
    commands = questions(read_intent(inventory, need_secrets=False).clusters, {})[host].commands
    for name in TOOLS:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    (tmp_path / "sudo").write_text(f"#!/bin/sh\necho called >> {tmp_path}/count\nexit 1\n")
    (tmp_path / "sudo").chmod(0o755)
    tools = "".join(each.fragment or "" for each in commands if each.key.endswith("tools"))
    functions = tools or "".join(helper_function(each.helper) for each in commands if each.helper)
    called = set()
    for each in commands:
        (tmp_path / "count").unlink(missing_ok=True)
        text = f"{functions}\n{each.fragment}" if each.fragment else shlex.join(("sudo",) * each.sudo + each.argv)
        env = {"PATH": str(tmp_path), "vipbook_first": "", "vipbook_first_at": "1"}
        subprocess.run(["/bin/sh", "-s"], input=text, text=True, env=env, capture_output=True, check=False, timeout=60)
        if (tmp_path / "count").exists():
            called.add(each.title)
    assert called <= {each.title for each in commands if each.sudo}
    assert called or host == "I1"


@pytest.mark.parametrize(
    ("host", "role", "others"),
    [
        pytest.param("L1", "leaf", [], id="leaf"),
        pytest.param(
            "H1",
            "server-verify",
            # plan asks the first; the others are looked at before a question.
            ['keepalived-config ""', "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"],
            id="server",
        ),
    ],
)
def test_the_published_list_is_what_is_asked_as_root(host: str, role: str, others: list[str], inventory: Path) -> None:
    script = questions(read_intent(inventory, need_secrets=False).clusters, {})[host]
    found = re.search(r"^Cmnd_Alias \w+ =(.*)", (SUDOERS / role).read_text().replace("\\\n", ""), re.MULTILINE)
    assert found is not None
    listed = {each.strip() for each in found[1].split(",")}
    asked_as_root = [each for each in script.commands if each.sudo]
    wanted = [f'/{each.helper} ""' if each.helper else f"/{' '.join(each.argv)}" for each in asked_as_root]
    assert [each for each in wanted if not any(entry.endswith(each) for entry in listed)] == []
    assert [entry for entry in listed if not entry.endswith((*wanted, *others))] == []


@pytest.mark.parametrize("use_vmac", [False, True])
@pytest.mark.parametrize("query", [ip_address("100.65.0.10"), ip_address("fd00::10"), MacAddress("08:00:27:7d:af:b4")])
def test_the_helper_passes_each_question_to_frr_on(query: Query, *, use_vmac: bool, tmp_path: Path) -> None:
    helper = tmp_path / "frr-show"
    helper.write_text(helper_text("frr-show").replace("exec env ", "exit 0 # "))
    one = cluster(use_vmac=use_vmac, vips=(VIP, VIP6))
    asked_frr = [each for each in locate_commands(one, query) if each.helper == "frr-show"]
    assert len(asked_frr) == 10
    for each in asked_frr:
        done = subprocess.run(["/bin/sh", helper], input=f"{each.argv[-1]}\n", text=True, check=False, timeout=20)
        assert done.returncode == 0, each.title


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
