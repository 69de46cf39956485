"""Rules that others made, as they make them: beside ours, never in our way, and never in what a boot loads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric

pytestmark = pytest.mark.lab
SNIPPET = "/etc/nftables-vipbook.nft"
BANS = """table inet f2b-table {
    set s { type ipv4_addr; }
    chain f2b-chain { type filter hook input priority filter - 1; policy accept; %s ip saddr @s reject; }
}"""
"""What fail2ban makes at runtime, and no file of nftables'."""


@pytest.fixture
def banned(healthy: Fabric) -> Iterator[Fabric]:
    """H2 with a file that does not begin with `flush ruleset`; all is put back."""
    healthy.shell("H2", "sh", "-c", "cp -a /etc/nftables.conf /root/ && sed -i '/^flush/d' /etc/nftables.conf")
    yield healthy
    healthy.shell("H2", "sh", "-c", "mv /root/nftables.conf /etc/ && systemctl restart nftables")
    assert healthy.vipbook("apply", "--yes").code == 0


def booted(fabric: Fabric) -> str:
    """The ruleset of H2 as a boot makes it."""
    fabric.shell("H2", "sh", "-c", "nft flush ruleset; systemctl restart nftables")
    return fabric.shell("H2", "nft", "list", "ruleset")


def test_bans_of_tcp_alone_are_nothing_to_vrrp(banned: Fabric) -> None:
    banned.shell("H2", "nft", BANS % "tcp dport 22")
    ran = banned.vipbook("plan", "--json", "--check")
    assert ran.code == 0, ran.err
    assert banned.vipbook("verify", "--json").checks()["firewall/H2"]["status"] == "pass"


def test_a_table_that_no_file_makes_is_opened_now_and_not_at_boot(banned: Fabric) -> None:
    banned.shell("H2", "nft", BANS % "")
    ran = banned.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert "vipbook" in banned.shell("H2", "nft", "list", "table", "inet", "f2b-table")
    assert "f2b" not in banned.shell("H2", "cat", SNIPPET)
    found = banned.vipbook("verify", "--json").checks()["firewall/H2"]
    assert (found["status"], "inet f2b-table f2b-chain is not made by" in found["message"]) == ("warn", True)
    assert banned.vipbook("plan", "--check").code == 0
    after = booted(banned)
    assert "policy drop" in after
    assert "ip saddr 100.65.0.11 ip protocol vrrp accept" in after


def test_what_an_older_run_saved_for_such_a_table_is_found_and_taken_out(banned: Fabric) -> None:
    """With it nft would load nothing at all at the next boot."""
    line = "insert rule inet f2b-table f2b-chain ip saddr 100.65.0.11 ip protocol vrrp accept"
    banned.shell("H2", "sh", "-c", f"echo '{line}' >> {SNIPPET}")
    found = banned.vipbook("verify", "--json").checks()["firewall/H2"]
    assert (found["status"], "nft would load nothing at the next boot" in found["message"]) == ("fail", True)
    assert banned.vipbook("apply", "--yes").code == 0
    assert "f2b" not in banned.shell("H2", "cat", SNIPPET)
    assert "policy drop" in booted(banned)


def test_a_file_that_hangs_on_others_is_tried_as_if_nothing_ran(banned: Fabric) -> None:
    """Nobody knows what the included files make; nft does, and the server is as it was before."""
    banned.shell("H2", "sh", "-c", "echo 'include \"/etc/nftables.d/*.nft\"' >> /etc/nftables.conf")
    banned.shell("H2", "nft", BANS % "")
    before = banned.shell("H2", "sh", "-c", f"nft -s list ruleset; cat /etc/nftables.conf {SNIPPET}")
    ran = banned.vipbook("apply", "--yes", "--json")
    assert ran.code == 4, ran.problems()
    (server,) = [each for each in ran.report["servers"] if each["host"] == "H2"]
    assert (server["outcome"], server["stands"]) == ("rolled-back", "as before")
    assert "f2b-table" in server["reason"]
    assert banned.shell("H2", "sh", "-c", f"nft -s list ruleset; cat /etc/nftables.conf {SNIPPET}") == before
