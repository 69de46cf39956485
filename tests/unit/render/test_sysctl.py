"""Our sysctl file: what it says, and what it remembers."""

from __future__ import annotations

import pytest

from tasks.render.sysctl import recorded, sysctl_text

SET = "net/ipv4/conf/{}/arp_announce = 2"


@pytest.mark.parametrize(
    ("before", "lines"),
    [
        ({"enp0s8": 0}, ["# before: 0", SET.format("enp0s8")]),
        ({"enp0s8": None}, [SET.format("enp0s8")]),
        ({"bond0.100": 1, "eth1": None}, ["# before: 1", SET.format("bond0.100"), SET.format("eth1")]),
        ({"a-b_c.d": 2}, ["# before: 2", SET.format("a-b_c.d")]),
    ],
)
def test_it_says_what_is_set_and_remembers_what_was(before: dict[str, int | None], lines: list[str]) -> None:
    text = sysctl_text(before)
    assert text.splitlines()[-len(lines) :] == lines
    assert text.startswith("# Managed by vipbook")
    assert all(line.startswith("#") or line in lines for line in text.splitlines())
    assert recorded(text) == before


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, {}),
        ("", {}),
        ("net/ipv4/conf/eth1/arp_announce = 1\n", {}),
        ("net.ipv4.conf.eth1.arp_announce = 2\n", {}),
        ("net/ipv4/conf/eth1/arp_announce = 20\n", {}),
        ("net/ipv4/conf/a/b/arp_announce = 2\n", {}),
        ("net/ipv4/conf/a b/arp_announce = 2\n", {}),
        ("net/ipv4/conf//arp_announce = 2\n", {}),
        ("# net/ipv4/conf/eth1/arp_announce = 2\n", {}),
        ("# before: 0\nnet/ipv4/conf/eth1/arp_announce = 1\n", {}),
        ("# before: 0\n\nnet/ipv4/conf/eth1/arp_announce = 2\n", {"eth1": None}),
        ("# before: \nnet/ipv4/conf/eth1/arp_announce = 2\n", {"eth1": None}),
        ("# before: none\nnet/ipv4/conf/eth1/arp_announce = 2\n", {"eth1": None}),
        ("# before: 1\nnet/ipv4/conf/eth1/arp_announce = 2", {"eth1": 1}),
    ],
)
def test_a_file_changed_by_hand_tells_what_is_left_of_it(text: str | None, found: dict[str, int | None]) -> None:
    assert recorded(text) == found
