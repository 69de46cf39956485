"""Rulesets of the lab's servers while keepalived has its own tables there for use_vmac."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.server.firewall.backends.iptables.questions import FILES as FILES4
from tasks.server.firewall.backends.iptables.questions import FILES6
from tasks.server.firewall.backends.nftables.read.ruleset import parse_nft
from tasks.server.firewall.chains import is_open
from tests.unit.builders import H1_IP, H2_IP, IPTABLES, firewall_of

SAMPLES = Path(__file__).parents[3] / "data" / "observe" / "firewall"
ON_H1 = (SAMPLES / "ruleset_vmac_H1.json").read_text()
ON_H2 = (SAMPLES / "ruleset_vmac_H2.json").read_text()
FILES: dict[str, str | None] = {"iptables": None, "nftables": None, "snippet": None}


def base_chain(table: str, name: str, *, family: str = "ip", hook: str = "input", policy: str = "drop") -> str:
    chain: dict[str, Any] = {"family": family, "table": table, "name": name, "handle": 1, "type": "filter", "prio": 0}
    return json.dumps({"nftables": [{"chain": chain | {"hook": hook, "policy": policy}}]})


def test_the_samples_hold_keepaliveds_tables() -> None:
    for text in (ON_H1, ON_H2):
        tables = [entry["table"] for entry in json.loads(text)["nftables"] if "table" in entry]
        assert {(table["family"], table["name"]) for table in tables} >= {("ip", "keepalived"), ("ip6", "keepalived")}


def test_they_do_not_make_two_firewalls_of_one() -> None:
    firewall = firewall_of("", IPTABLES, ON_H1, FILES)
    assert firewall.manager == "iptables"
    assert [chain.name for chain in firewall.chains] == ["INPUT"]
    assert is_open(firewall.chains[0], H2_IP)


def test_beside_a_native_ruleset_they_are_not_read() -> None:
    firewall = firewall_of("", "-P INPUT ACCEPT\n", ON_H2, FILES)
    assert (firewall.manager, [chain.table for chain in firewall.chains]) == ("nftables", ["filter"])
    assert is_open(firewall.chains[0], H1_IP)


def test_alone_they_are_no_firewall() -> None:
    kept = [e for e in json.loads(ON_H2)["nftables"] if "keepalived" in json.dumps(e)]
    firewall = firewall_of("", "-P INPUT ACCEPT\n", json.dumps({"nftables": kept}), FILES)
    assert (firewall.manager, firewall.chains) == ("none", ())


@pytest.mark.parametrize(
    ("table", "name", "read"),
    [
        ("keepalived", "in", False),
        ("keepalived", "out", False),
        ("keepalived", "input", True),
        ("filter", "in", True),
        ("my-keepalived", "in", True),
    ],
)
def test_only_the_daemons_own_chains_are_left_out(table: str, name: str, read: bool) -> None:  # noqa: FBT001
    found = parse_nft(base_chain(table, name))
    assert bool(found) is read
    assert all(chain.closes for chain in found)


V4 = V6 = "-P INPUT ACCEPT\n-A INPUT -j DROP\n"
EMPTY = "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"
BOTH_FILES: dict[str, str | None] = dict.fromkeys((*FILES4, *FILES6), EMPTY)
DEBIAN, EL = zip(FILES4, FILES6, strict=True)


@pytest.mark.parametrize(
    ("enabled", "v6", "paths", "at_boot"),
    [
        ((), V6, DEBIAN, False),
        (("netfilter-persistent",), V6, DEBIAN, True),
        (("iptables", "ip6tables"), V6, EL, True),
        (("iptables",), V6, EL, False),
        (("iptables",), "-P INPUT ACCEPT\n", EL, True),
        (("ip6tables",), V6, DEBIAN, False),
        (("netfilter-persistent", "iptables"), V6, DEBIAN, True),
    ],
)
def test_the_files_that_are_loaded_count_where_a_server_has_both(
    enabled: tuple[str, ...], v6: str, paths: tuple[str, str], *, at_boot: bool
) -> None:
    units = "\n\n".join(f"Id={name}.service\nActiveState=active\nUnitFileState=enabled" for name in enabled)
    found = firewall_of(units, V4, "", BOTH_FILES, ip6tables=v6)
    assert (found.manager, found.path, found.path6, found.at_boot) == ("iptables", *paths, at_boot)


CONF = 'flush ruleset\ninclude "/etc/nftables.d/*.nft"\n'
TOLD = "== include /etc/nftables.d/a.nft\ntable inet filter { chain input { } }\n"


@pytest.mark.parametrize(
    ("conf", "includes", "made"),
    [
        (CONF, TOLD, {"inet filter input"}),
        (CONF, "", set()),
        (CONF, "== unread /etc/nftables.d/*.nft\n", None),
        (CONF, None, None),
        ("flush ruleset\n", None, set()),
        (None, TOLD, None),
    ],
)
def test_chains_that_a_boot_makes(conf: str | None, includes: str | None, made: set[str] | None) -> None:
    files = {**FILES, "/etc/nftables.conf": conf}
    assert firewall_of("", "-P INPUT ACCEPT\n", ON_H2, files, includes=includes).made == made
