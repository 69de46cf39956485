"""Others' lines in a file that is edited stay byte for byte, and what is shown of them is valid UTF-8."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from ipaddress import IPv4Address

import pytest

from tasks.change.files import diff_of, write_like
from tasks.judge.snapshot.server import server_tables
from tasks.judge.subject import Subject
from tasks.model.answer import Answer, Answers
from tasks.model.cluster import Opening
from tasks.model.plan import Step
from tasks.model.reading import Read, Unread
from tasks.model.server import ServerFacts
from tasks.model.text import from_bytes
from tasks.server.facts import server_facts
from tasks.server.firewall.model import Firewall
from tasks.server.firewall.plan import plan_firewall
from tasks.server.firewall.questions import FILES
from tests.unit.builders import AT, cluster

PEER = (Opening(address=IPv4Address("100.65.0.12")),)
COMMENT = b"# f\xfcr den Chef, 5 \x80, kaputt: \xc3\n"
RULES = COMMENT + b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1/32 -m comment --comment f\xfcr -j ACCEPT\n"
RULES += b"-A INPUT -j REJECT\nCOMMIT\n" + COMMENT
CONF = (
    COMMENT
    + b"flush ruleset\ntable inet f {\n chain input {\n  type filter hook input priority 0; policy drop;\n }\n}\n"
)
BEFORE = COMMENT + b"*filter\n:ufw-before-input - [0:0]\n# End required lines\nCOMMIT\n"
IPTABLES = (
    "-P INPUT ACCEPT\n-A INPUT -s 10.0.0.1/32 -j ACCEPT\n-A INPUT -j REJECT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n"
)
CHAIN = {
    "family": "inet",
    "table": "f",
    "name": "input",
    "type": "filter",
    "hook": "input",
    "prio": 0,
    "policy": "drop",
}
NFT = json.dumps({"nftables": [{"table": {"family": "inet", "name": "f"}}, {"chain": {**CHAIN, "handle": 1}}]})
UFW = "-P INPUT DROP\n-A INPUT -j ufw-before-input\n"


def said(files: dict[str, bytes], **stdout: str) -> ServerFacts:
    """What a server with these files answers, as far as its firewall is asked."""
    text = b"".join(b"\n== %s\n%s" % (path.encode(), files.get(path, b"== none\n")) for path in FILES)
    keys = ("units", "iptables", "ip6tables", "iptables-legacy", "ruleset", "nftables includes", "firewalld", "ufw")
    texts = dict.fromkeys(keys, "") | stdout | {"firewall files": from_bytes(text)}
    statuses = {"firewalld": 99, "ufw": 1, "ruleset": 0 if "ruleset" in stdout else 127}
    answers = {
        key: Answer(
            host="H1",
            command=key,
            status=statuses.get(key, 0),
            stdout=text,
            stderr="sudo: nft: command not found" if statuses.get(key) == 127 else "",
            at=AT,
        )
        for key, text in texts.items()
    }
    answers["firewalld"] = replace(answers["firewalld"], status=127, stderr="sudo: firewall-cmd: command not found")
    return server_facts("H1", Answers(host="H1", by_key=answers, clock_offset_s=0.0))


def firewall(facts: ServerFacts) -> Firewall:
    assert not isinstance(facts.firewall, Unread), facts.firewall.reason
    assert isinstance(facts.firewall, Read)
    return facts.firewall.value


CASES = [
    ("/etc/iptables/rules.v4", RULES, {"iptables": IPTABLES}),
    ("/etc/sysconfig/iptables", RULES, {"iptables": IPTABLES}),
    ("/etc/nftables.conf", CONF, {"ruleset": NFT}),
    ("/etc/ufw/before.rules", BEFORE, {"iptables": UFW}),
]


def steps(path: str, raw: bytes, stdout: dict[str, str]) -> list[Step]:
    found = firewall(said({path: raw}, **stdout))
    return [step for step in plan_firewall(found, PEER) if path in step.keeps]


@pytest.mark.parametrize(("path", "raw", "stdout"), CASES)
def test_every_byte_of_others_is_written_as_it_was_read(path: str, raw: bytes, stdout: dict[str, str]) -> None:
    (step,) = steps(path, raw, stdout)
    (written,) = [each.feed for each in step.commands if each.key == f"write {path}" and each.feed is not None]
    assert written != raw
    left = iter(written.splitlines())
    assert all(line in left for line in raw.splitlines())
    assert b"\xef\xbf\xbd" not in written


@pytest.mark.parametrize(("path", "raw", "stdout"), CASES)
def test_what_is_shown_and_kept_of_it_is_utf8(path: str, raw: bytes, stdout: dict[str, str]) -> None:
    facts = said({path: raw}, **stdout)
    (step,) = steps(path, raw, stdout)
    assert (step.diff + step.summary).encode()
    found = firewall(facts)
    # Two texts are exact; what was parsed, and what reports and windows show, is not.
    exact = {"persistent", "persistent6", "before", "before6"} & {each.name for each in fields(found)}
    parsed = replace(found, **dict.fromkeys(exact))
    assert repr(parsed).encode()
    assert "\\udc" not in repr(parsed)


def test_a_diff_is_utf8_also_where_the_line_of_others_changes() -> None:
    shown = diff_of("/x", from_bytes(b"f\xfcr\n"), from_bytes(b"f\xfcr\nb\n"))
    assert shown.encode().decode() == "--- /x\n+++ /x\n@@ -1 +1,2 @@\n f\N{REPLACEMENT CHARACTER}r\n+b"


def test_a_text_of_our_own_is_written_as_utf8() -> None:
    assert write_like("/x", "f\N{LATIN SMALL LETTER U WITH DIAERESIS}r")[1].feed == b"f\xc3\xbcr"


def test_a_window_keeps_utf8() -> None:
    made = cluster()
    facts = said({"/etc/iptables/rules.v4": RULES}, iptables=IPTABLES)
    subject = Subject(cluster=made, vip=made.vips[0], servers={}, leaves={}, probes={}, desired={})
    tables = [(read, rows) for _, read, rows in server_tables(subject, made.servers[0], facts)]
    entries = [row for read, rows in tables if isinstance(read, Read) for row in rows(read.value)]
    texts = [text for row in entries for text in row.fields.values()]
    assert any("den Chef" in text for text in texts)
    assert "".join(texts).encode()
