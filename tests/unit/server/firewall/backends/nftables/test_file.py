"""Which chains an nftables file makes, however it is written."""

from __future__ import annotations

import pytest

from tasks.server.firewall.backends.nftables.model import NFT_INCLUDE
from tasks.server.firewall.backends.nftables.read.file import chains_made, parse_includes

INPUT = "chain input { type filter hook input priority 0; policy drop; tcp dport { 22, 80 } accept; }"
FILTER = f"table inet filter {{\n{INPUT}\n}}\n"
DEBIANS = f"""#!/usr/sbin/nft -f
# table inet commented {{ chain out {{ }} }}
flush ruleset

table inet filter {{
	set s {{ type ipv4_addr; flags interval; elements = {{ 10.0.0.0/8, 192.0.2.1 }} }}
	chain input {{
		type filter hook input priority filter; policy drop;
		tcp dport 22 accept comment "chain fake {{ not one"
		jump {{ ip saddr 1.2.3.4 drop; }}
	}}
	chain forward {{ type filter hook forward priority filter; }} # chain gone {{ }}
}}
{NFT_INCLUDE}
"""


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", set()),
        ("flush ruleset\n", set()),
        ("# nothing\n", set()),
        (FILTER, {"inet filter input"}),
        (DEBIANS, {"inet filter input", "inet filter forward"}),
        (FILTER.replace("inet ", ""), {"ip filter input"}),
        (FILTER.replace("inet filter", '"filter"'), {"ip filter input"}),
        (f"add {FILTER}", {"inet filter input"}),
        (FILTER.replace("\n", " "), {"inet filter input"}),
        (FILTER.replace(" {", " \\\n {"), {"inet filter input"}),
        (FILTER.replace("chain input", "chain\tinput"), {"inet filter input"}),
        (FILTER + FILTER.replace("inet", "ip6"), {"inet filter input", "ip6 filter input"}),
        ("table inet filter\ndelete table inet filter\n" + FILTER, {"inet filter input"}),
        ("add table inet a\nadd chain inet a in { type filter hook input priority 0; policy drop; }", {"inet a in"}),
        ("add table a; create chain a in { type filter hook input priority 0; }", {"ip a in"}),
        ("table a\nchain a in\nadd rule a in $peers accept\n", {"ip a in"}),
        ("define peers = { 10.0.0.1, 10.0.0.2 }\n" + FILTER.replace("22, 80", "$ports"), {"inet filter input"}),
        # what is taken away again is not made
        (FILTER + "flush ruleset\n", set()),
        (FILTER + "flush ruleset inet\n", set()),
        (FILTER + "flush ruleset ip\n", {"inet filter input"}),
        (FILTER + "delete table inet filter\n", set()),
        (FILTER + "destroy table inet filter\n", set()),
        (FILTER + "delete chain inet filter input\n", set()),
        (FILTER + "delete table inet filt\n", {"inet filter input"}),
        (FILTER + "flush table inet filter\n", {"inet filter input"}),
        (FILTER + "delete rule inet filter input handle 4\n", {"inet filter input"}),
        # a table without the chain, and rules for a chain that something else makes
        ("table inet filter { set s { type ipv4_addr; } }\n", set()),
        ("insert rule inet f2b-table f2b-chain accept\n", set()),
        ('table inet a { counter chain { comment "chain b {" } }\n', set()),
    ],
)
def test_what_it_makes(text: str, made: set[str]) -> None:
    assert chains_made(text) == made


@pytest.mark.parametrize(
    "text",
    [
        'include "/etc/nftables.d/*.nft"\n',
        FILTER + 'include "./more.nft"\n',
        'table inet filter {\n include "/etc/chains.nft"\n}\n',
        FILTER.replace("inet filter", "inet $name"),
        FILTER.replace("chain input", "chain $name"),
        FILTER + "delete table inet $name\n",
        FILTER + "rename chain inet filter input in\n",
    ],
)
def test_what_hangs_on_something_else_is_not_guessed(text: str) -> None:
    assert chains_made(text) is None


@pytest.mark.parametrize("text", ["}", "}}{", "{", "chain", "chain {", "table {", "delete", "include", '"', "add", "$"])
def test_any_text_has_an_answer(text: str) -> None:
    assert chains_made(text) in (None, frozenset(), frozenset({"ip"}))


def table(name: str, body: str = "") -> str:
    return f"table inet {name} {{ chain in {{ type filter hook input priority 0; }} {body} }}"


ALL = "== include /etc/nftables.d/a.nft\n" + table("a") + "\n== include /etc/nftables.d/b.nft\n" + table("b") + "\n"
IN_A_TABLE = '== include /etc/c\nchain in { include "/etc/d" }\n== include /etc/d\ntype filter hook input priority 0;\n'
NESTED = '== include /etc/x.nft\ninclude "y.nft"\n\n== include /etc/y.nft\n' + table("y") + "\n"


@pytest.mark.parametrize(
    ("text", "told", "made"),
    [
        ('include "/etc/nftables.d/*.nft"', ALL, {"inet a in", "inet b in"}),
        ('include "nftables.d/*.nft"', ALL, {"inet a in", "inet b in"}),
        ('include "/etc/nftables.d/[ac].nft"', ALL, {"inet a in"}),
        ('include "/etc/nftables.d/?.nft"; flush ruleset', ALL, set()),
        ('flush ruleset; include "/etc/nftables.d/b.nft"; ' + table("c"), ALL, {"inet b in", "inet c in"}),
        ('include "/etc/nftables.d/*.conf"', ALL, set()),
        ('include "/etc/nftables/*.nft"', "", set()),
        ('include "/etc/*.nft"', ALL, set()),
        ('# include "/etc/other.nft"', "== unread /etc/other.nft\n", set()),
        (NFT_INCLUDE, "", set()),
        ('include "x.nft"', NESTED, {"inet y in"}),
        ('table inet t { include "/etc/c" }', IN_A_TABLE, {"inet t in"}),
        ('include "/etc/c"\ndelete table inet a', "== include /etc/c\ntable inet a { chain in { } }\n", set()),
        ('include "/etc/*"', "== include /etc/.hidden\n" + table("h") + "\n", set()),
        ('include "/etc/.h*"', "== include /etc/.hidden\n" + table("h") + "\n", {"inet h in"}),
        # a file without an end of line does not run into what follows
        ('include "/etc/c"' + "\nflush ruleset inet\n", "== include /etc/c\n" + table("h"), set()),
        (table("a", "set include { type ipv4_addr; elements = { 10.0.0.1 } }"), "", {"inet a in"}),
    ],
)
def test_what_included_files_make(text: str, told: str, made: set[str]) -> None:
    assert chains_made(f"{text}\n", parse_includes(told)) == made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('include "/etc/other.nft"', ALL),
        ('include "/etc/other.nft"', "== unread /etc/other.nft\n"),
        ('include "/etc/nftables.d/*.nft"', ALL + "== unread /etc/nftables.d/c.nft\n"),
        ('include "/etc/nftables/*.nft"', "== unread /etc/nftables/*.nft\n"),
        ('include "/etc/nft*/a.nft"', ALL + "== unread /etc/nft*/a.nft\n"),
        ('include "/etc/nft*/*.nft"', ALL + "== unread /etc/nft*/*.nft\n"),
        ('include "./nftables.d/a.nft"', ALL),
        ('include "$dir/a.nft"', ALL),
        ("include $file", ALL),
        ("include", ALL),
        ('include "/etc/x.nft"', '== include /etc/x.nft\ninclude "/etc/x.nft"\n'),
        ('include "/etc/x.nft"', "== include /etc/x.nft\ntable inet $name { chain in { } }\n"),
    ],
)
def test_what_hangs_on_a_file_that_was_not_read_is_not_guessed(text: str, told: str) -> None:
    assert chains_made(f"{text}\n", parse_includes(told)) is None
