"""arp_announce of every interface, and our own file beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.model.reading import Read, Unread
from tasks.observe.readings import Garbled
from tasks.server.facts import server_facts
from tasks.server.questions import server_commands
from tasks.server.sysctl import parse_arp_announce
from tests.unit.builders import answer, answers, cluster

ROW = "/proc/sys/net/ipv4/conf/{}/arp_announce:{}\n"
ALL = ROW.format("all", 0)
GONE = "grep: /proc/sys/net/ipv4/conf/veth1/arp_announce: No such file or directory\n"
NO_FILE = "cat: /etc/sysctl.d/90-vipbook.conf: No such file or directory\n"


def test_every_interface_by_its_name() -> None:
    text = ALL + ROW.format("bond0.100", 2) + ROW.format("eth0:1", 1)
    assert parse_arp_announce(text) == {"all": 0, "bond0.100": 2, "eth0:1": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0\n",
        ROW.format("eth1", 2),
        ALL + "net.ipv4.conf.eth1.arp_announce = 2\n",
        ALL + ROW.format("eth1", ""),
        ALL + ROW.format("eth1", "two"),
        ALL + ROW.format("a/b", 2),
        ALL + ROW.format("eth1", 2).replace("announce", "ignore"),
        ALL[:-4],
    ],
)
def test_what_is_no_row_is_garbled(text: str) -> None:
    with pytest.raises(Garbled):
        parse_arp_announce(text)


@pytest.mark.parametrize(
    ("status", "stderr", "text", "read"),
    [
        (0, "", ALL, True),
        (2, GONE, ALL, True),
        (2, GONE, "", False),
        (1, "", "", False),
        (2, "grep: Permission denied\n", ALL, False),
        (127, "sh: 1: grep: not found\n", "", False),
    ],
)
def test_an_interface_that_goes_meanwhile_hides_none_of_the_others(
    status: int, stderr: str, text: str, *, read: bool
) -> None:
    said = {"arp_announce": answer("H1", "grep", text, status, stderr)}
    facts = server_facts("H1", replace(answers("H1"), by_key=said))
    assert isinstance(facts.arp_announce, Read if read else Unread)


@pytest.mark.parametrize(
    ("stat", "cat", "found"),
    [
        (("root root 644 1767225600\n", 0, ""), ("# ours\n", 0, ""), ("# ours\n", "root", "root", 0o644)),
        (("", 1, NO_FILE), ("", 1, NO_FILE), (None, None, None, None)),
        (("root root 600 1767225600\n", 0, ""), ("", 1, "cat: …: Permission denied\n"), None),
        (("", 1, "stat: …: Permission denied\n"), ("", 1, "cat: …: Permission denied\n"), None),
        (("root root 644 1767225600\n", 0, ""), ("", 1, NO_FILE), None),
        (("root\n", 0, ""), ("# ours\n", 0, ""), None),
    ],
)
def test_our_file(stat: tuple[str, int, str], cat: tuple[str, int, str], found: tuple[Any, ...] | None) -> None:
    said = {"sysctl stat": answer("H1", "stat", *stat), "sysctl file": answer("H1", "cat", *cat)}
    file = server_facts("H1", replace(answers("H1"), by_key=said)).sysctl_file
    if found is None:
        assert isinstance(file, Unread)
    else:
        assert isinstance(file, Read)
        assert (file.value.text, file.value.owner, file.value.group, file.value.mode) == found


def test_nothing_of_it_needs_root() -> None:
    asked = {command.key: command for command in server_commands([cluster()])}
    assert not any(asked[key].sudo for key in ("arp_announce", "sysctl stat", "sysctl file"))
