"""What an operator may expect of a change window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.intent.expect import parse_expectations
from tasks.model.errors import IntentError
from tests.unit.builders import cluster, fabric

WEB = cluster(fabric=fabric(leaves=("L1", "L2", "L3")), probes=("I1",))
DB = replace(WEB, name="db")


@pytest.mark.parametrize(
    ("text", "kind", "about", "host"),
    [
        ("web moves to H2", "moves", "web", "H2"),
        ("  web   moves to\tH2 ", "moves", "web", "H2"),
        ("H1 down", "down", "H1", None),
        ("L3 down", "down", "L3", None),
        ("I1 down", "down", "I1", None),
        ("keepalived on H1 changes", "topic", "keepalived", "H1"),
        ("firewall on H2 changes", "topic", "firewall", "H2"),
        ("sysctl on H2 changes", "topic", "sysctl", "H2"),
        ("100.65.0.50 changes", "address", "100.65.0.50", None),
        ("FD00:100:65:0::50 changes", "address", "fd00:100:65::50", None),
        ("0800.277D.afb4 changes", "address", "08:00:27:7d:af:b4", None),
    ],
)
def test_what_is_understood(text: str, kind: str, about: str, host: str | None) -> None:
    (found,) = parse_expectations([text], [WEB, DB])
    assert (found.kind, found.about, found.host) == (kind, about, host)
    assert found.text == " ".join(text.split())


def test_each_once_and_in_order() -> None:
    found = parse_expectations(["H1 down", "web moves to H2", "H1  down"], [WEB])
    assert [each.text for each in found] == ["H1 down", "web moves to H2"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([""], "--expect '': not an expectation; accepted: 'CLUSTER moves to SERVER'"),
        (["web moves"], "not an expectation"),
        (["web MOVES to H2"], "not an expectation"),
        (["web moves to H2 now"], "not an expectation"),
        (["wbe moves to H2"], "no cluster of this window 'wbe'; accepted: web, db"),
        (["web moves to H9"], "no server of web 'H9'; accepted: H1, H2"),
        (["web moves to L1"], "no server of web 'L1'"),
        (["H9 down"], "no host 'H9'; accepted: H1, H2, L1, L2, L3, I1"),
        (["keepalive on H1 changes"], "no topic 'keepalive'; accepted: keepalived, firewall, sysctl"),
        (["keepalived on L1 changes"], "no server 'L1'; accepted: H1, H2"),
        (["100.65.0.500 changes"], "'100.65.0.500' is no IP address and no MAC address"),
        (["web changes"], "'web' is no IP address"),
        (["H1 down", "H2 down"], "no server of web would be left to judge: H1, H2 down"),
        (["L1 down", "L2 down", "L3 down"], "no leaf of web would be left to judge"),
        (["web moves to H2", "H2 down"], "web can't move to H2, which is expected down"),
    ],
)
def test_what_is_refused_and_how_to_mend_it(texts: list[str], said: str) -> None:
    with pytest.raises(IntentError) as caught:
        parse_expectations(texts, [WEB, DB])
    assert said in str(caught.value)


def test_every_wrong_one_is_named() -> None:
    with pytest.raises(IntentError) as caught:
        parse_expectations(["a", "web moves to H2", "b"], [WEB])
    assert len(str(caught.value).splitlines()) == 2
