"""Rules of ours in a real nftables, in a network namespace of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tasks.model.cluster import Opening
from tasks.server.firewall.backends.nftables.model import Nftables
from tasks.server.firewall.backends.nftables.read.ruleset import parse_nft
from tasks.server.firewall.plan import guard_of, plan_firewall

RULESET = """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        ip saddr 100.65.0.11 ip protocol vrrp accept
        ip saddr 100.65.0.110 ip protocol vrrp accept comment "vipbook"
        ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook not"
        ip saddr 100.65.0.11 ip protocol icmp accept comment "vipbook"
        reject with icmpx admin-prohibited
    }
}
table ip extra { chain early { type filter hook input priority -10; policy accept; tcp dport 22 accept; drop; }; }
"""
Inside = Callable[..., str]


@pytest.fixture
def inside() -> Iterator[Inside]:
    """Runs a program in a network namespace of its own, which is gone afterwards."""
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("nft")):
        pytest.skip("needs root, ip and nft")
    name = f"vbtest{uuid.uuid4().hex[:8]}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")

    def run(*argv: str, feed: str = "") -> str:
        command = ["ip", "netns", "exec", name, *argv]
        done = subprocess.run(command, input=feed, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        yield run
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def read_nft(inside: Inside) -> Nftables:
    chains = parse_nft(inside("nft", "-j", "list", "ruleset"))
    return Nftables(chains=chains, persistent=None, snippet=None, path="/etc/nftables.conf")


def test_real_nft_opens_every_chain_and_the_way_back_finds_the_handles(inside: Inside) -> None:
    inside("nft", "-f", "-", feed=RULESET)
    before = inside("nft", "list", "ruleset")
    peers = tuple(Opening(address=IPv4Address(f"100.65.0.{last}")) for last in (11, 110))
    # The rules of ours that stand behind the reject, or open nothing, are of no matter here.
    steps = plan_firewall(read_nft(inside), peers)
    assert len(steps) == 2
    for step in steps:
        for command in step.commands:
            if command.argv[1].startswith("insert"):
                inside(*command.argv)
    opened = inside("nft", "list", "ruleset")
    assert opened.count('ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook"') == 2
    chains = {chain.name: chain for chain in read_nft(inside).chains}
    assert [rule.source for rule in chains["early"].rules[:2]] == ["100.65.0.110", "100.65.0.11"]
    missing = [line for step in steps for line in step.undo if line.startswith("nft -a list chain")]
    inside("/bin/sh", "-e", feed="\n".join(missing) + "\n")
    assert inside("nft", "list", "ruleset") == before


def test_real_nft_takes_our_file_as_it_is_written(inside: Inside, tmp_path: Path) -> None:
    inside("nft", "-f", "-", feed=RULESET.replace("vipbook", "other"))
    read = read_nft(inside)
    conf = replace(read, persistent="\n")
    peer = Opening(address=IPv4Address("100.65.0.12"))
    feeds = [c.feed for step in plan_firewall(conf, (peer,)) for c in step.commands if c.feed and b"insert" in c.feed]
    (tmp_path / "vipbook.nft").write_bytes(feeds[0])
    inside("nft", "-f", str(tmp_path / "vipbook.nft"))
    assert plan_firewall(read_nft(inside), (peer,)) == ()


KEPT = """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook"
        ip saddr 100.65.0.12 ip protocol vrrp accept comment "vipbook"
        ct state established,related accept
    }
    chain gone { type filter hook input priority 5; ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook"; }
}
"""
BOOTED = """
table inet filter {
    set f2b { type ipv4_addr; elements = { 192.0.2.1 comment "vipbook" }; }
    chain input {
        type filter hook input priority filter; policy drop;
        ip saddr @f2b drop
        ip saddr 100.65.0.12 ip protocol vrrp accept comment "vipbook"
        ip saddr 100.65.0.13 ip protocol vrrp accept comment "vipbook"
        ip saddr 100.65.0.13 ip protocol vrrp accept comment "vipbook not"
    }
}
table ip extra { chain early { ip saddr 100.65.0.13 ip protocol vrrp accept comment "vipbook"; }; }
"""


@pytest.mark.parametrize("gone", [False, True], ids=["", "no-table"])
def test_after_a_boot_rules_of_ours_alone_are_what_they_were(
    inside: Inside,
    tmp_path: Path,
    gone: bool,  # noqa: FBT001
) -> None:
    inside("nft", "-f", "-", feed=KEPT)
    (line,) = guard_of(read_nft(inside), "/x").undo
    (tmp_path / "running.nft").write_text(inside("nft", "-s", "list", "table", "inet", "filter"))
    extra = BOOTED[BOOTED.index("table ip extra") :]
    inside("nft", "-f", "-", feed=f"flush ruleset\n{extra if gone else BOOTED}")
    before = inside("nft", "list", "ruleset")
    for _ in range(2):
        inside("/bin/sh", "-e", feed=f"cd {tmp_path}\nbooted=yes\n{line}\n")
        after = inside("nft", "list", "ruleset")
        ours = '\t\tip saddr 100.65.0.{} ip protocol vrrp accept comment "vipbook"\n'
        wanted = before
        if not gone:
            wanted = wanted.replace(ours.format(12), "", 1).replace(ours.format(13), "", 1)
            head = "\t\tip saddr @f2b drop\n"
            wanted = wanted.replace(head, f"{ours.format(11)}{ours.format(12)}{head}")
        assert after == wanted
