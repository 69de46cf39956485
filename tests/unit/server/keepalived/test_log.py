"""keepalived's log lines of several versions, as journal entries."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from tasks.observe.readings import Garbled
from tasks.observe.shell import NOT_ASKED
from tasks.server.keepalived.log import SYSLOG, Transition, journal, parse_syslog, parse_transitions

LOG = (Path(__file__).parents[3] / "data" / "observe" / "keepalived" / "srv1.log").read_text()
STAMP = "1795335007200235"


def entry(message: object, stamp: object = STAMP) -> str:
    return json.dumps({"MESSAGE": message, "__REALTIME_TIMESTAMP": stamp, "_PID": "7"}) + "\n"


def test_recorded_log() -> None:
    found = parse_transitions("".join(entry(line) for line in LOG.splitlines()))
    counts = Counter(row.event for row in found)
    assert {row.instance for row in found} == {"VI_1"}
    for event, words in {
        "master": "Entering MASTER STATE",
        "backup": "Entering BACKUP STATE",
        "advert timeout": "Receive advertisement timeout",
        "vips set": "setting VIPs",
        "vips removed": "removing VIPs",
        "garp": "Sending/queueing",
        "priority-zero": "0 priority",
        "other": "lower priority",
    }.items():
        assert counts[event] == LOG.count(words), event
    assert sum(counts.values()) == LOG.count("(VI_1)")


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ("(VI_1) Entering MASTER STATE", "master"),
        ("VRRP_Instance(VI_1) Entering MASTER STATE", "master"),
        ("VRRP_Instance(VI_1) Transition to MASTER STATE", "other"),
        ("(VI_1) Entering BACKUP STATE (init)", "backup"),
        ("VRRP_Instance(VI_1) Entering BACKUP STATE", "backup"),
        ("VRRP_Instance(VI_1) Now in FAULT state", "fault"),
        ("(VI_1) Entering FAULT STATE", "fault"),
        ("(VI_1): entering FAULT state (interface eth1 down)", "fault"),
        ("(VI_1): entering FAULT state due to script chk", "fault"),
        ("VRRP_Group(G): Syncing VI_1 to FAULT state", "fault"),
        ("VRRP_Group(G): Syncing VI_1 to MASTER state", "other"),
        ("(VI_1) Receive advertisement timeout", "advert timeout"),
        ("(VI_1) Master received advert from 192.0.2.1 with higher priority 150, ours 100", "higher advert"),
        ("VRRP_Instance(VI_1) Received advert with higher priority 150, ours 100", "higher advert"),
        ("VRRP_Instance(VI_1) Received higher prio advert 102", "higher advert"),
        ("(VI_1) received lower priority (100) advert from 192.0.2.2 - discarding", "other"),
        ("(VI_1) Received advert from 192.0.2.2 with lower priority 100, ours 150, forcing new election", "other"),
        ("(VI_1) sent 0 priority", "priority-zero"),
        ("VRRP_Instance(VI_1) sent 0 priority", "priority-zero"),
        ("(VI_1) Backup received priority 0 advertisement", "priority-zero"),
        ("(VI_1) Master received priority 0 message", "priority-zero"),
        ("(VI_1) setting VIPs.", "vips set"),
        ("VRRP_Instance(VI_1) setting protocol VIPs.", "vips set"),
        ("VRRP_Instance(VI_1) removing protocol VIPs.", "vips removed"),
        ("(VI_1) removing E-VIPs.", "other"),
        ("VRRP_Instance(VI_1) Sending/queueing gratuitous ARPs on eth1 for 192.0.2.10", "garp"),
        ("(VI_1): Success creating VMAC interface vrrp.51", "other"),
        ("Sun Nov 22 08:10:04 2026: (VI_1) Entering MASTER STATE", "master"),
    ],
)
def test_events(message: str, event: str) -> None:
    (found,) = parse_transitions(entry(message))
    assert (found.event, found.instance, found.at) == (event, "VI_1", 1795335007.200235)


def test_text_is_what_was_said_of_the_instance() -> None:
    (found,) = parse_transitions(entry("Sun Nov 22 08:10:04 2026: VRRP_Instance(VI 2) Entering MASTER STATE"))
    assert found == Transition(at=1795335007.200235, instance="VI 2", event="master", text="Entering MASTER STATE")


@pytest.mark.parametrize(
    "message",
    [
        "Startup complete",
        "Sending gratuitous ARP on eth1 for 192.0.2.10",
        "VRRP_Script(chk) failed (exited with status 1)",
        "VRRP_Group(G) Syncing instances to MASTER state",
        "(Line 12) Unknown keyword 'foo'",
        "(/etc/keepalived/keepalived.conf: Line 12) Unknown keyword 'foo'",
        "VRRP sockpool: [ifindex(  2), family(IPv4), proto(112), fd(13,14) , unicast, address(192.0.2.1)]",
        "() Entering MASTER STATE",
        "(VI_1)",
        "",
        None,
        7,
        {"a": 1},
        [300],
        ["two", "values"],
    ],
)
def test_lines_about_no_instance_are_left_out(message: object) -> None:
    assert parse_transitions(entry(message)) == ()


def test_a_message_as_byte_values() -> None:
    (found,) = parse_transitions(entry([*b"(VI_1) Entering MASTER STATE", 0xFF]))
    assert found.event == "master"


@pytest.mark.parametrize(
    "text", ["", "\n", "-- No entries --\n", "-- Logs begin at Sun 2026-11-22 --\n-- No entries --\n"]
)
def test_an_empty_journal(text: str) -> None:
    assert parse_transitions(text) == ()


def test_lines_that_are_no_entries_are_passed_over() -> None:
    text = (
        "-- Boot 1 --\nnoise\n" + entry("(VI_1) Entering MASTER STATE") + "[1]\n" + entry("(VI_1) setting VIPs.")[:-9]
    )
    assert [found.event for found in parse_transitions(text)] == ["master"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Nov 22 08:10:04 srv1 Keepalived_vrrp[7]: (VI_1) Entering MASTER STATE\n", "no journal entry"),
        ("No journal files were found.\n", "no journal entry"),
        (entry("(VI_1) Entering MASTER STATE")[:30], "no journal entry"),
        ("[]\n7\nnull\n", "no journal entry"),
        ("[" * 200_000, "no journal entry"),
        ('{"MESSAGE":"(VI_1) Entering MASTER STATE"}', "without a time: None"),
        (entry("(VI_1) Entering MASTER STATE", None), "without a time"),
        (entry("(VI_1) Entering MASTER STATE", "yesterday"), "without a time: 'yesterday'"),
        (entry("(VI_1) Entering MASTER STATE", 1795335007200235), "without a time"),
        (entry("(VI_1) Entering MASTER STATE", "9" * 400), "without a time"),
        (entry("(VI_1) Entering MASTER STATE", "-5"), "without a time"),
    ],
)
def test_garbled(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_transitions(text)


FILE = """\
2026 +0100
Nov 22 08:10:04 srv1 Keepalived_vrrp[123]: (VI_1) Entering MASTER STATE
Nov  2 08:10:05 srv1 Keepalived_vrrp[123]: VRRP_Instance(VI_1) Entering BACKUP STATE
2026-11-22T08:10:06.250000+01:00 srv1 Keepalived_vrrp[9]: (VI_2) setting VIPs.
Nov 22 08:10:07 srv1 Keepalived[122]: Reloading ...
Nov 22 08:10:08 srv1 sshd[1]: (VI_1) Entering FAULT STATE
Nov 31 08:10:08 srv1 Keepalived_vrrp[123]: (VI_1) Entering FAULT STATE
noise
"""


def test_lines_of_a_log_file_have_the_hosts_year_and_zone() -> None:
    found = parse_syslog(FILE)
    events = [("VI_1", "master"), ("VI_1", "backup"), ("VI_2", "vips set")]
    assert [(each.instance, each.event) for each in found] == events
    stamps = ["2026-11-22T08:10:04+01:00", "2026-11-02T08:10:05+01:00", "2026-11-22T08:10:06.250+01:00"]
    assert [each.at for each in found] == [datetime.fromisoformat(each).timestamp() for each in stamps]


@pytest.mark.parametrize("text", ["", "no year\n", FILE.partition("\n")[2]])
def test_a_log_file_without_year_and_zone_is_garbled(text: str) -> None:
    with pytest.raises(Garbled):
        parse_syslog(text)


@pytest.mark.parametrize(
    ("journalctl", "asked"),
    [
        ('echo \'{"__REALTIME_TIMESTAMP":"1"}\'', False),
        ("true", True),
        ("echo '-- No entries --'", True),
        ("exit 1", True),
    ],
)
def test_files_are_read_where_the_journal_tells_nothing(tmp_path: Path, journalctl: str, asked: bool) -> None:  # noqa: FBT001
    (tmp_path / "journalctl").write_text(f"#!/bin/sh\n{journalctl}\n")
    (tmp_path / "journalctl").chmod(0o755)
    (tmp_path / "messages").write_text("Nov 22 08:10:04 a Keepalived_vrrp[1]: (VI_1) Entering MASTER STATE\n")
    questions = (journal(100.0), SYSLOG)
    script = "".join(f"{{ {each.command.fragment}\n}}\n" for each in questions).replace("sudo -n ", "")
    script = script.replace("/var/log/messages", str(tmp_path / "messages"))
    environment = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh"], input=script, text=True, capture_output=True, check=False, env=environment)
    assert ("Entering MASTER STATE" in done.stdout) is asked
    assert done.returncode == (0 if asked else NOT_ASKED)
