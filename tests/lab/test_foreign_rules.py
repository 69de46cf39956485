"""Rules that others made, as they make them: beside ours, never in our way, and never in what a boot loads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric
from tests.lab.published import only

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
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


def test_a_file_that_hangs_on_what_nobody_can_tell_is_tried_as_if_nothing_ran(banned: Fabric) -> None:
    """Which files a wildcard between two slashes means is not asked; nft knows, and the server is as it was before."""
    banned.shell("H2", "sh", "-c", "echo 'include \"/etc/nftables*.d/*.nft\"' >> /etc/nftables.conf")
    banned.shell("H2", "nft", BANS % "")
    before = banned.shell("H2", "sh", "-c", f"nft -s list ruleset; cat /etc/nftables.conf {SNIPPET}")
    ran = banned.vipbook("apply", "--yes", "--json")
    assert ran.code == 4, ran.problems()
    (server,) = [each for each in ran.report["servers"] if each["host"] == "H2"]
    assert (server["outcome"], server["stands"]) == ("rolled-back", "as before")
    assert "f2b-table" in server["reason"]
    assert banned.shell("H2", "sh", "-c", f"nft -s list ruleset; cat /etc/nftables.conf {SNIPPET}") == before


IN_PARTS = """
mkdir -p /etc/nftables.d/more
sed '/vipbook/d' /etc/nftables.conf > /etc/nftables.d/filter.nft
echo 'include "nftables.d/more/[0-9]*"' > /etc/nftables.d/last.nft
echo 'table inet late { chain in { type filter hook input priority 10; ip saddr 192.0.2.0/24 drop; }; }' \\
    > /etc/nftables.d/more/10-late
echo 'no nft at all' > /etc/nftables.d/more/unused
chmod -R go= /etc/nftables.d
printf '%s\n' '#!/usr/sbin/nft -f' 'flush ruleset' 'include "/etc/nftables.d/*.nft"' > /etc/nftables.conf
: > @SNIPPET@
systemctl restart nftables
""".replace("@SNIPPET@", SNIPPET)


def with_the_published_list(fabric: Fabric) -> None:
    """`plan` reads all that with nothing else allowed on H2."""
    with only(fabric, {"H2": ("server-verify",)}):
        ran = fabric.vipbook("plan", "--check", "--json")
        assert ran.code == 0, ran.problems()


def test_chains_of_files_that_it_includes_are_opened_at_boot(banned: Fabric) -> None:
    """In a directory that root alone may read, as on Enterprise Linux."""
    banned.shell("H2", "sh", "-c", IN_PARTS)
    banned.shell("H2", "nft", BANS % "")
    try:
        assert banned.vipbook("verify", "--json").checks()["firewall/H2"]["status"] == "fail"
        ran = banned.vipbook("apply", "--yes", "--json")
        assert ran.code == 0, ran.problems()
        snippet = banned.shell("H2", "cat", SNIPPET)
        assert [line.split()[2:5] for line in snippet.splitlines() if line.startswith("insert")] == [
            ["inet", "filter", "input"],
            ["inet", "late", "in"],
        ]
        found = banned.vipbook("verify", "--json").checks()["firewall/H2"]
        assert (found["status"], "inet f2b-table f2b-chain is not made by" in found["message"]) == ("warn", True)
        with_the_published_list(banned)
        assert banned.vipbook("plan", "--check").code == 0
        after = booted(banned)
        assert after.count("ip saddr 100.65.0.11 ip protocol vrrp accept") == len(("filter", "late"))
        assert banned.vipbook("verify", "--wait", "30", "--json").checks()["firewall/H2"]["status"] == "pass"
    finally:
        banned.shell("H2", "sh", "-c", f"rm -rf /etc/nftables.d; : > {SNIPPET}")


RULES = "/etc/iptables/rules.v4"
HEAD = "*filter\n:INPUT DROP\n-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -i lo -j ACCEPT\n"
BY_HAND = {
    "long options": "--append INPUT --protocol tcp --dport 22 --jump ACCEPT\n-A INPUT --jump REJECT\n",
    "inserted": "-A INPUT -p tcp --dport 22 -j ACCEPT\n-I INPUT 1 -p 112 -j DROP\n",
    "all protocols": "-A INPUT -p tcp --dport 22 -m comment --comment it's-ssh -j ACCEPT\n-A INPUT -p all -j DROP\n",
}


@pytest.fixture
def by_hand(healthy: Fabric) -> Iterator[Fabric]:
    healthy.shell("H1", "cp", "-a", RULES, "/root/rules.v4")
    yield healthy
    healthy.shell("H1", "mv", "/root/rules.v4", RULES)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_file_written_by_hand_opens_at_boot_before_what_closes(by_hand: Fabric, name: str) -> None:
    text = f"{HEAD}{BY_HAND[name]}COMMIT\n"
    by_hand.shell("H1", "sh", "-c", f'printf %s "$1" > {RULES} && iptables-restore --test {RULES}', "sh", text)
    assert by_hand.vipbook("verify", "--json").checks()["firewall/H1"]["status"] == "fail"
    ran = by_hand.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert by_hand.vipbook("plan", "--check").code == 0
    after = by_hand.shell("H1", "cat", RULES)
    assert "".join(line for line in after.splitlines(keepends=True) if "vipbook" not in line) == text
    # as a boot loads it: a network namespace has a firewall of its own
    booted = by_hand.shell("H1", "unshare", "-n", "sh", "-c", f"iptables-restore {RULES} && iptables -S INPUT")
    _policy, *rules = booted.splitlines()
    (ours,) = [index for index, line in enumerate(rules) if "vipbook" in line]
    assert ours < min(index for index, line in enumerate(rules) if line.endswith("DROP") or "REJECT" in line)


def test_a_file_that_is_not_understood_is_left_alone_and_named(by_hand: Fabric) -> None:
    text = f"{HEAD}-A INPUT --jum REJECT\nCOMMIT\n"
    by_hand.shell("H1", "sh", "-c", f'printf %s "$1" > {RULES} && iptables-restore --test {RULES}', "sh", text)
    ran = by_hand.vipbook("apply", "--yes", "--json")
    assert ran.code != 0
    (server,) = [each for each in ran.report["servers"] if each["host"] == "H1"]
    assert "'--jum' is abbreviated: write it out" in server["reason"]
    assert by_hand.shell("H1", "cat", RULES) == text
