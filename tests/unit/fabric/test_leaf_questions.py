"""The script that a leaf runs: one round trip, and another program in vtysh's place only where vtysh is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv6Interface
from pathlib import Path

import pytest

from tasks.fabric.leaf import leaf_commands
from tasks.model.reading import Read, Unread
from tasks.observe.shell import NOT_ASKED, iproute
from tests.unit.builders import VIP, cluster, fabric
from tests.unit.fabric.captured import SAMPLES, facts_of
from tests.unit.observe.scripts import ALLOWED, REFUSED, ask

MACS = SAMPLES / "frr" / "mac.json"
VTYSH = f"""case $2 in
    *mac\\ vni*json) cat {MACS} ;;
    *bgp*) echo 'bgpd is not running'; exit 1 ;;
    *) echo '{{}}' ;;
esac"""
NV = """case "$NVUE_PAGINATE $*" in
    'off show evpn vni 100 mac -o json')
        echo '{"08:00:27:7d:af:b4": {"type": "local", "interface": "swp1", "duplicate": "off"}}' ;;
    *) echo 'Error: GET /nvue_v1/evpn responded with 404 NOT FOUND' >&2; exit 1 ;;
esac"""
NET = f"""case $* in
    'show evpn mac vni 100 json') cat {MACS} ;;
    *) echo 'ERROR: Command not found.'; exit 1 ;;
esac"""
IP = "echo '[]'"
COMMANDS = leaf_commands([cluster()])
PROGRAMS = {"sudo": ALLOWED, "vtysh": VTYSH, "ip": IP, "bridge": IP, "nv": NV, "net": NET}


def test_each_question_is_asked_once_whoever_shares_it() -> None:
    keys = [command.key for command in leaf_commands([cluster(), cluster(name="other", vrid=12)])]
    assert keys == [command.key for command in COMMANDS]
    assert len(set(keys)) == len(keys)


def test_every_vni_is_asked_for_itself() -> None:
    keys = {command.key for command in leaf_commands([cluster(), cluster(fabric=fabric(vni=200))])}
    assert {"macs 100", "macs 200", "paths 200", "fdb 200", "vni 200", "arp 200"} <= keys


def test_both_families_are_asked_for() -> None:
    both = cluster(vips=(VIP, IPv6Interface("2001:db8::10/64")))
    titles = {command.key: command.title for command in leaf_commands([both])}
    assert titles["neighbors 2001:db8::10"] == "ip -j neigh show to 2001:db8::10"
    assert titles["moves 2001:db8::10"] == "sudo vtysh -c 'show evpn arp-cache vni 100 ip 2001:db8::10'"


def test_with_a_virtual_mac_it_is_the_mac_that_is_counted() -> None:
    titles = {command.key: command.title for command in leaf_commands([cluster(use_vmac=True)])}
    key = f"moves {VIP.ip}"
    assert titles[key] == "sudo vtysh -c 'show evpn mac vni 100 mac 00:00:5e:00:01:0b'"
    assert titles[f"{key} nvue"] == "nv show evpn vni 100 mac 00:00:5e:00:01:0b -o json"
    assert titles[f"{key} nclu"] == "net show evpn mac vni 100 mac 00:00:5e:00:01:0b"


def test_nothing_that_an_operator_writes_is_a_word_of_the_shell(tmp_path: Path) -> None:
    hostile = f"br0; touch {tmp_path}/broken; '\"$(touch {tmp_path}/broken)"
    commands = leaf_commands([cluster(fabric=fabric(bridge=hostile))])
    echo = 'for word in "$@"; do printf \'[%s]\' "$word"; done'
    found = ask(tmp_path, commands, PROGRAMS | {"bridge": echo})
    assert found["fdb 100"].stdout == f"[-j][fdb][show][br][{hostile}]"
    assert not (tmp_path / "broken").exists()


def test_a_leaf_where_vtysh_may_be_used_is_asked_nothing_else(tmp_path: Path) -> None:
    found = ask(tmp_path, COMMANDS, PROGRAMS)
    assert found["macs 100"].stdout == MACS.read_text()
    others = [answer for key, answer in found.by_key.items() if key.endswith((" nvue", " nclu"))]
    assert others
    assert all((answer.status, answer.stdout, answer.stderr) == (NOT_ASKED, "", "") for answer in others)
    facts = facts_of("leaf1", found, cluster(), VIP.ip)
    assert isinstance(facts.evpn_macs, Read)
    assert facts.evpn_macs.source.command == "sudo vtysh -c 'show evpn mac vni 100 json'"


def test_what_frr_itself_says_is_an_answer_and_no_refusal(tmp_path: Path) -> None:
    found = ask(tmp_path, COMMANDS, PROGRAMS)
    assert found["paths 100 nvue"].status == found["paths 100 nclu"].status == NOT_ASKED
    facts = facts_of("leaf1", found, cluster(), VIP.ip)
    assert isinstance(facts.paths, Unread)
    assert "bgpd is not running" in facts.paths.reason


PASSWORD = REFUSED.replace(
    """echo "Sorry, user ops is not allowed to execute '/usr/bin/vtysh' as root on leaf1." >&2""",
    "echo 'sudo: a password is required' >&2",
)


@pytest.mark.parametrize("sudo", [REFUSED, PASSWORD])
def test_refused_vtysh_is_followed_by_nvue(tmp_path: Path, sudo: str) -> None:
    found = ask(tmp_path, COMMANDS, PROGRAMS | {"sudo": sudo})
    assert found["macs 100"].status == 1
    assert found["macs 100 nclu"].status == NOT_ASKED  # NVUE has answered already
    facts = facts_of("leaf1", found, cluster(), VIP.ip)
    assert isinstance(facts.evpn_macs, Read)
    assert facts.evpn_macs.source.command == "nv show evpn vni 100 mac -o json"
    assert [row.interface for row in facts.evpn_macs.value] == ["swp1"]


def test_when_nobody_answers_the_reason_says_what_each_said(tmp_path: Path) -> None:
    facts = facts_of("leaf1", ask(tmp_path, COMMANDS, PROGRAMS | {"sudo": REFUSED}), cluster(), VIP.ip)
    assert isinstance(facts.vni, Unread)
    assert "vtysh -c 'show evpn vni 100 json': sudo does not allow this login" in facts.vni.reason
    assert "nv show evpn vni 100 -o json: exit status 1: Error: GET" in facts.vni.reason
    assert "net show evpn vni 100 json: exit status 1: ERROR: Command not found." in facts.vni.reason


@pytest.mark.parametrize(
    ("missing", "source"),
    [
        ({"nv"}, "net show evpn mac vni 100 json"),
        ({"net"}, "nv show evpn vni 100 mac -o json"),
        ({"vtysh"}, "nv show evpn vni 100 mac -o json"),
        ({"sudo"}, "nv show evpn vni 100 mac -o json"),
    ],
)
def test_what_is_asked_in_its_place_is_what_the_leaf_has(tmp_path: Path, missing: set[str], source: str) -> None:
    programs = {name: body for name, body in (PROGRAMS | {"sudo": REFUSED}).items() if name not in missing}
    if "vtysh" in missing:
        programs["sudo"] = 'echo "sudo: $2: command not found" >&2; exit 1'
    facts = facts_of("leaf1", ask(tmp_path, COMMANDS, programs), cluster(), VIP.ip)
    assert isinstance(facts.evpn_macs, Read)
    assert facts.evpn_macs.source.command == source


def test_with_neither_there_is_only_the_refusal(tmp_path: Path) -> None:
    programs = {"sudo": REFUSED, "ip": IP, "bridge": IP}
    facts = facts_of("leaf1", ask(tmp_path, COMMANDS, programs), cluster(), VIP.ip)
    for found in (facts.evpn_macs, facts.evpn_neighbors, facts.paths, facts.vni, facts.detection, facts.sessions):
        assert isinstance(found, Unread)
        assert found.reason == "sudo does not allow this login to run the command (README, Privileges)"


def test_a_leaf_without_lldpctl_has_no_reading_of_it(tmp_path: Path) -> None:
    found = ask(tmp_path, COMMANDS, PROGRAMS)
    assert facts_of("leaf1", found, cluster(), VIP.ip).lldp is None
    assert "/lldpctl\n" not in found["tools"].stdout


def test_lldpd_that_does_not_run_is_unread(tmp_path: Path) -> None:
    programs = PROGRAMS | {"lldpctl": "echo 'unable to connect to socket /run/lldpd.socket' >&2; exit 1"}
    lldp = facts_of("leaf1", ask(tmp_path, COMMANDS, programs), cluster(), VIP.ip).lldp
    assert isinstance(lldp, Unread)
    assert "unable to connect" in lldp.reason


OLD = """case $1 in
    -j) echo 'Option "-j" is unknown, try "ip -help".' >&2; exit 255 ;;
    *) echo "$0 $*" ;;
esac"""


def test_an_old_iproute2_is_asked_for_text(tmp_path: Path) -> None:
    found = ask(tmp_path, COMMANDS, PROGRAMS | {"ip": OLD, "bridge": OLD})
    assert found[f"neighbors {VIP.ip}"].stdout == f"{tmp_path}/ip neigh show to {VIP.ip}\n"
    assert found["fdb 100"].stdout == f"{tmp_path}/bridge fdb show br vlan100\n"
    assert found["fdb 100"].stderr == ""
    assert found["fdb 100"].status == 0


@pytest.mark.parametrize(
    ("body", "status", "stderr"),
    [
        ("echo 'Cannot find device \"br0\"' >&2; exit 1", 1, 'Cannot find device "br0"\n'),
        ("echo 'a warning' >&2; echo '[]'", 0, "a warning\n"),
        ("exit 255", 255, ""),
    ],
)
def test_any_other_error_of_iproute2_stays_as_it_is(tmp_path: Path, body: str, status: int, stderr: str) -> None:
    tools = COMMANDS[0]
    found = ask(tmp_path, [tools, iproute("x", "ip", "neigh", "show")], {"ip": body})
    assert (found["x"].status, found["x"].stderr) == (status, stderr)


def test_the_clock_is_told_as_frr_tells_times(tmp_path: Path) -> None:
    found = ask(tmp_path, COMMANDS, PROGRAMS)
    facts = facts_of("leaf1", found, cluster(), VIP.ip)
    assert len(found["clock text"].stdout.split()) == 5
    assert isinstance(facts.moves, Unread)  # `{}` is no text of one entry
    quiet = replace(found[f"moves {VIP.ip}"], stdout=f"IP: {VIP.ip}\n Type: local\n")
    by_key = found.by_key | {f"moves {VIP.ip}": quiet}
    moves = facts_of("leaf1", replace(found, by_key=by_key), cluster(), VIP.ip).moves
    assert isinstance(moves, Read)
    assert moves.value.now is not None


def test_questions_are_light_to_import() -> None:
    """The hosts are asked while what judges, and the readers of firewalls and of keepalived.conf, are being loaded."""
    code = "import sys, tasks.fabric.leaf, tasks.server.questions; print(list(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "tasks.fabric.leaf" in loaded
    for heavy in ("tasks.judge", "tasks.observe.firewall", "tasks.server.keepalived.conf", "tasks.server.facts"):
        assert heavy not in loaded
    assert "'nornir" not in loaded
    assert "netmiko" not in loaded
    assert "pydantic" not in loaded
    assert "jinja2" not in loaded
