"""The rules that are put in, and the way back, played through on a model of the chain."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.change.undo import BOOTED
from tasks.model.cluster import Opening
from tasks.model.plan import Step
from tasks.server.firewall.backends.iptables.plan import edited_rules
from tasks.server.firewall.backends.nftables.model import SNIPPET, nft_snippet
from tasks.server.firewall.chains import is_open, strays
from tasks.server.firewall.plan import notes_on, plan_firewall
from tasks.server.firewall.xtables.rules import parse_iptables
from tests.unit.builders import (
    IPTABLES,
    OUR_LINE,
    REJECT,
    RULES_V4,
    iptables,
    nft_chain,
    nft_json_rule,
    nft_ours,
    nftables,
    open_after_boot,
    open_now,
)

PEER, SECOND, PEER_OF_H2 = (Opening(address=IPv4Address(f"100.65.0.{last}")) for last in (12, 14, 11))
NFTABLES_FILE = "/etc/nftables.conf"
STRAY = OUR_LINE.replace(".12/", ".99/")
REJECT_LINE = "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n"
BARE, RULES_BARE = IPTABLES.replace(OUR_LINE, ""), RULES_V4.replace(OUR_LINE, "")


def played(text: str, lines: Iterable[list[str]]) -> str:
    """What `iptables -S INPUT` prints after these calls, in which -D takes the first rule that matches."""
    policy, *rules = text.splitlines()
    for line in lines:
        words = line
        if words[:5] == [*shlex.split(BOOTED), "||"]:
            words = words[5:]
        elif "||" in line:
            # Only where it is there.
            words = line[line.index("||") + 1 :]
            assert line[: line.index("||")] == ["!", "iptables", "-w", "-C", *words[3:], "2>/dev/null"]
            if shlex.join(["-A", *words[3:]]) not in rules:
                continue
        assert words[:2] == ["iptables", "-w"]
        verb, chain, rest = words[2], words[3], list(words[4:])
        assert chain == "INPUT"
        if verb == "-I":
            rules.insert(int(rest[0]) - 1, shlex.join(["-A", "INPUT", *rest[1:]]))
        elif verb == "-D" and rest[0].isdigit():
            del rules[int(rest[0]) - 1]
        elif verb == "-D":
            rules.remove(shlex.join(["-A", "INPUT", *rest]))
        else:
            assert verb == "-A"
            rules.append(shlex.join(["-A", "INPUT", *rest]))
    return "\n".join([policy, *rules]) + "\n"


def runtime(text: str, peers: Sequence[Opening]) -> Step | None:
    found = [step for step in plan_firewall(iptables(text, RULES_V4), peers) if "rules.v4" not in step.summary]
    return found[0] if found else None


def check_played(text: str, peers: Sequence[Opening]) -> None:
    step = runtime(text, peers)
    if step is None:
        return
    after = played(text, (list(command.argv) for command in step.commands))
    (chain,) = parse_iptables(after)
    assert all(is_open(chain, peer) for peer in peers)
    assert strays(chain, frozenset(peers)) == ()
    foreign = [line for line in text.splitlines() if "vipbook" not in line]
    assert [line for line in after.splitlines() if "vipbook" not in line] == foreign
    assert runtime(after, peers) is None, "a second run must find nothing to do"
    assert played(after, (shlex.split(line) for line in step.undo)) == text


CHAINS = {
    "bare": BARE,
    "empty, policy drop": "-P INPUT DROP\n",
    "policy drop without reject": "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n",
    "complete": IPTABLES,
    "behind the reject": BARE + OUR_LINE,
    "two rejects": BARE + REJECT_LINE,
    "own chains": "-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j my-rules\n" + REJECT_LINE,
    "comments with blanks": BARE.replace("-i lo", '-i lo -m comment --comment "all of it"'),
    "rule of another's for the same": BARE.replace("-A INPUT -i lo", "-A INPUT -p vrrp -j ACCEPT\n-A INPUT -i lo"),
    "twice": IPTABLES.replace(OUR_LINE, OUR_LINE * 2),
    "twice, once behind the reject": IPTABLES + OUR_LINE,
    "stray peer at the end": IPTABLES + STRAY,
    "stray peer in front": IPTABLES.replace(OUR_LINE, STRAY + OUR_LINE),
    "stray peer alone": IPTABLES.replace(OUR_LINE, STRAY),
    "ours, but it drops": IPTABLES.replace("-j ACCEPT\n-A INPUT -j REJECT", "-j DROP\n-A INPUT -j REJECT"),
}


@pytest.mark.parametrize("peers", [(PEER,), (PEER, SECOND)], ids=["one", "two"])
@pytest.mark.parametrize("name", CHAINS)
def test_the_chain_is_open_afterwards_and_the_same_after_the_way_back(name: str, peers: tuple[Opening, ...]) -> None:
    check_played(CHAINS[name], peers)


LINES = st.sampled_from(
    [OUR_LINE, STRAY, REJECT_LINE, "-A INPUT -i lo -j ACCEPT\n", "-A INPUT -p tcp -j DROP\n", "-A INPUT -j other\n"]
)


@given(st.lists(LINES, max_size=6, unique=True), st.sampled_from(["ACCEPT", "DROP"]))
@settings(max_examples=60, deadline=None)
def test_any_chain_of_distinct_rules_is_open_afterwards(rules: list[str], policy: str) -> None:
    text = f"-P INPUT {policy}\n{''.join(rules)}"
    step = runtime(text, (PEER,))
    if step is not None:
        (chain,) = parse_iptables(played(text, (list(command.argv) for command in step.commands)))
        assert is_open(chain, PEER)


def edited(text: str, peers: Sequence[Opening] = (PEER,)) -> str:
    return edited_rules(text, parse_iptables(text), peers)


COUNTED = "".join(
    f"[12:3456] {line}" if line.startswith("-A") else line for line in RULES_BARE.splitlines(keepends=True)
)
TABLES = (
    "*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"
    + RULES_BARE
    + "*mangle\n:INPUT ACCEPT [0:0]\n"
    + REJECT_LINE
    + "COMMIT\n"
)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (RULES_BARE, REJECT_LINE),
        (COUNTED, f"[12:3456] {REJECT_LINE}"),
        (TABLES, REJECT_LINE),
        (
            RULES_BARE.replace(REJECT_LINE, "").replace("*filter\n:INPUT ACCEPT", "*filter\n:INPUT DROP"),
            "COMMIT\n# Comp",
        ),
        (RULES_BARE.replace(REJECT_LINE, "-A INPUT -j my\n" + REJECT_LINE), "-A INPUT -j my\n"),
        (RULES_BARE.rstrip("\n"), REJECT_LINE),
    ],
    ids=["plain", "counters", "several tables", "policy", "own chain", "no last newline"],
)
def test_an_iptables_save_text_gets_one_line_and_stays_byte_for_byte_elsewhere(text: str, position: str) -> None:
    after = edited(text)
    at = after.index(OUR_LINE)
    assert after[:at] + after[at + len(OUR_LINE) :] == text
    assert after[at + len(OUR_LINE) :].startswith(position)
    assert edited(after) == after


@pytest.mark.parametrize(
    "text",
    [
        RULES_V4,
        "",
        "# nothing yet\n",
        "*nat\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n",
        RULES_BARE.replace(REJECT_LINE, ""),
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\nCOMMIT\n",
    ],
    ids=["complete", "empty", "comment", "another table", "closes nothing", "closes tcp alone"],
)
def test_a_text_that_needs_nothing_is_left_alone(text: str) -> None:
    assert edited(text) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (RULES_BARE.replace(REJECT_LINE, REJECT_LINE + OUR_LINE), RULES_V4),
        (RULES_V4.replace(OUR_LINE, OUR_LINE + STRAY), RULES_V4),
        (RULES_V4.replace(OUR_LINE, STRAY), RULES_V4),
        (RULES_V4.replace(OUR_LINE, OUR_LINE * 2), RULES_V4),
        (RULES_V4.replace(REJECT_LINE, REJECT_LINE + OUR_LINE), RULES_V4),
        (RULES_V4.replace("*nat\n", "*nat\n" + STRAY), RULES_V4.replace("*nat\n", "*nat\n" + STRAY)),
    ],
    ids=["behind the reject", "stray", "stray alone", "twice", "again behind the reject", "stray in another table"],
)
def test_rules_of_ours_that_open_for_nobody_go(text: str, wanted: str) -> None:
    assert edited(text) == wanted


@given(st.lists(LINES, max_size=6, unique=True), st.sampled_from(["ACCEPT", "DROP"]))
@settings(max_examples=60, deadline=None)
def test_any_text_is_open_afterwards_and_keeps_what_is_not_ours(rules: list[str], policy: str) -> None:
    text = f"# by hand\n*filter\n:INPUT {policy} [1:2]\n:other - [0:0]\n{''.join(rules)}COMMIT\n# end"
    after = edited(text)
    assert all(is_open(chain, PEER) for chain in parse_iptables(after) if chain.closes)
    kept = [line for line in text.splitlines(keepends=True) if "vipbook" not in line]
    assert [line for line in after.splitlines(keepends=True) if "vipbook" not in line] == kept


SECOND_CHAIN = nft_chain(name="second")


@pytest.mark.parametrize(
    ("entries", "removed", "inserted"),
    [
        ([nft_chain(), REJECT], [], ["input"]),
        ([nft_chain(), nft_ours("100.65.0.11"), REJECT], [], []),
        ([nft_chain(), REJECT, nft_ours("100.65.0.11", handle=21)], [21], ["input"]),
        ([nft_chain(), nft_ours("100.65.0.99", handle=22), nft_ours("100.65.0.11"), REJECT], [22], []),
        ([nft_chain(), nft_ours("100.65.0.99", handle=23), REJECT], [23], ["input"]),
        ([nft_chain(), nft_ours("100.65.0.11"), nft_ours("100.65.0.11", handle=24), REJECT], [24], []),
        ([nft_chain(), REJECT, SECOND_CHAIN], [], ["input", "second"]),
        ([nft_chain(), nft_ours("100.65.0.11"), SECOND_CHAIN], [], ["second"]),
        ([nft_chain(), nft_chain(name="open", policy="accept")], [], ["input"]),
        ([nft_chain(policy="accept"), nft_json_rule({"accept": None})], [], []),
    ],
)
def test_nftables_at_runtime(entries: list[dict[str, object]], removed: list[int], inserted: list[str]) -> None:
    steps = [step for step in plan_firewall(nftables(*entries), (PEER_OF_H2,)) if "boot" not in step.summary]
    said = [command.argv[1] for step in steps for command in step.commands]
    ours = 'ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook"'
    assert said == [f"delete rule inet filter input handle {handle}" for handle in removed] + [
        f"insert rule inet filter {chain} {ours}" for chain in inserted
    ]


def test_a_rule_of_nftables_that_was_taken_out_comes_back_with_the_way_back() -> None:
    stray = nftables(nft_chain(), nft_ours("100.65.0.99"), nft_ours("100.65.0.11"), REJECT)
    (step,) = (each for each in plan_firewall(stray, (PEER_OF_H2,)) if "boot" not in each.summary)
    assert any("100.65.0.99" in line for line in step.undo)


@pytest.mark.parametrize(
    ("conf", "snippet", "writes"),
    [
        (None, None, [SNIPPET]),
        (None, "# old\n", [SNIPPET]),
        ("flush ruleset\n", None, [SNIPPET, NFTABLES_FILE]),
        ("flush ruleset", None, [SNIPPET, NFTABLES_FILE]),
    ],
    ids=["no snippet", "old snippet", "not included", "no last newline"],
)
def test_nftables_after_a_boot(conf: str | None, snippet: str | None, writes: list[str]) -> None:
    firewall = nftables(conf=conf, snippet=snippet)
    (step,) = plan_firewall(firewall, (PEER_OF_H2,))
    said = {command.key: command.feed for command in step.commands}
    assert [key.removeprefix("write ") for key in said if key.startswith("write ")] == writes
    assert any(key.startswith("validate") for key in said)
    feeds = {path: (said[f"write {path}"] or b"").decode() for path in writes}
    text = feeds.get(NFTABLES_FILE, firewall.persistent)
    after = replace(firewall, persistent=text, snippet=feeds[SNIPPET])
    assert open_now(after, PEER_OF_H2)
    assert open_after_boot(after, PEER_OF_H2)
    assert plan_firewall(after, (PEER_OF_H2,)) == ()
    if conf is not None:
        assert text is not None
        assert text.startswith(conf)


BY_HAND = "# by hand\n*filter\n:INPUT DROP\n-A INPUT -i lo -j ACCEPT\n{0}COMMIT\n"
FIRST_OF_ALL = OUR_LINE.replace("-A INPUT", "-I INPUT 1")


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("--append INPUT --jump REJECT\n", OUR_LINE + "--append INPUT --jump REJECT\n"),
        ("-A INPUT -p all -j DROP\n", OUR_LINE + "-A INPUT -p all -j DROP\n"),
        ("-A INPUT -p 0 -j DROP\n", OUR_LINE + "-A INPUT -p 0 -j DROP\n"),
        ("-A INPUT -m comment --comment it's -j DROP\n", OUR_LINE + "-A INPUT -m comment --comment it's -j DROP\n"),
        ("-I INPUT 1 -p 112 -j DROP\n", "-I INPUT 1 -p 112 -j DROP\n" + FIRST_OF_ALL),
        (OUR_LINE + "-I INPUT 1 -p 112 -j DROP\n", "-I INPUT 1 -p 112 -j DROP\n" + FIRST_OF_ALL),
        (FIRST_OF_ALL + "-I INPUT -j DROP\n", "-I INPUT -j DROP\n" + FIRST_OF_ALL),
        ("-I INPUT 2 -j DROP\n", "-I INPUT 2 -j DROP\n" + OUR_LINE.replace("-A INPUT", "-I INPUT 2")),
        ("-I INPUT -p tcp -j DROP\n", "-I INPUT -p tcp -j DROP\n" + OUR_LINE),
        # its place counts on our line, which therefore stays
        (STRAY + "-I INPUT 3 -j DROP\n", STRAY + "-I INPUT 3 -j DROP\n" + OUR_LINE.replace("-A INPUT", "-I INPUT 3")),
    ],
)
def test_a_file_written_by_hand_opens_before_what_closes(lines: str, wanted: str) -> None:
    after = edited(BY_HAND.format(lines))
    assert after == BY_HAND.format(wanted)
    assert all(is_open(chain, PEER) for chain in parse_iptables(after))
    assert edited(after) == after


HEAD = nft_snippet((), ())
BOTH = (nft_chain(), nft_ours("100.65.0.11"), SECOND_CHAIN, nft_ours("100.65.0.11", chain="second"))
FOR_FIRST = nft_snippet(nftables().chains, (PEER_OF_H2,))


@pytest.mark.parametrize(
    ("made", "snippet", "saved"),
    [
        ({"input"}, None, FOR_FIRST),
        ({"input"}, "old", FOR_FIRST),
        ({"input"}, FOR_FIRST, None),
        (set(), None, None),
        (set(), HEAD, None),
        (set(), FOR_FIRST, HEAD),
        ({"second"}, FOR_FIRST, FOR_FIRST.replace("filter input", "filter second")),
        ({"other"}, FOR_FIRST, HEAD),
        (None, None, FOR_FIRST + FOR_FIRST.replace(HEAD, "").replace("filter input", "filter second")),
    ],
)
def test_rules_are_saved_for_chains_alone_that_the_persistent_file_makes(
    made: set[str] | None, snippet: str | None, saved: str | None
) -> None:
    """fail2ban's chains run too, and are gone when the file is loaded."""
    places = None if made is None else frozenset(f"inet filter {name}" for name in made)
    firewall = replace(nftables(*BOTH, snippet=snippet), made=places)
    steps = plan_firewall(firewall, (PEER_OF_H2,))
    written = [command.feed for step in steps for command in step.commands if command.key.startswith("write ")]
    assert written == ([] if saved is None else [saved.encode()])
    after = replace(firewall, snippet=saved or snippet)
    assert plan_firewall(after, (PEER_OF_H2,)) == ()
    assert open_after_boot(after, PEER_OF_H2)


def test_a_chain_that_no_file_makes_is_opened_now_and_the_operator_is_told() -> None:
    firewall = replace(nftables(nft_chain(), REJECT, conf="flush ruleset\n", snippet=None), made=frozenset())
    (step,) = plan_firewall(firewall, (PEER_OF_H2,))
    assert [command.argv[1].split(" ip ")[0] for command in step.commands] == ["insert rule inet filter input"]
    assert any("inet filter input is not made by /etc/nftables.conf" in each for each in notes_on(firewall, ()))
    assert notes_on(replace(firewall, made=frozenset({"inet filter input"})), ()) == ()


def test_the_persistent_file_is_tried_as_if_nothing_ran() -> None:
    (step,) = plan_firewall(nftables(snippet=None), (PEER_OF_H2,))
    (check,) = [command for command in step.commands if command.argv[:2] == ("nft", "-c")]
    assert check.feed == b'flush ruleset\ninclude "/etc/nftables.conf"\n'


def test_nothing_is_planned_where_nothing_closes() -> None:
    assert plan_firewall(nftables(nft_chain(policy="accept"), conf="flush ruleset\n", snippet=None), (PEER,)) == ()
    assert plan_firewall(iptables("-P INPUT ACCEPT\n", None), (PEER,)) == ()
