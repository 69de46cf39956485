"""iputils ping: summaries, and recorded and hand-cut streams of probes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.client.ping import parse_ping, parse_probe_stream
from tasks.model.drill import ProbeReply
from tasks.model.probe import PingFacts
from tasks.observe.readings import Garbled

STREAM = (Path(__file__).parents[2] / "data" / "observe" / "ping" / "stream.txt").read_text()
HEADER = "PING 100.65.0.10 (100.65.0.10) 56(84) bytes of data.\n"
ANSWERED = HEADER + (
    "64 bytes from 100.65.0.10: icmp_seq=1 ttl=61 time=0.523 ms\n\n"
    "--- 100.65.0.10 ping statistics ---\n"
    "3 packets transmitted, 3 received, 0% packet loss, time 2031ms\n"
    "rtt min/avg/max/mdev = 0.211/0.342/0.523/0.131 ms\n"
)


def reply(sequence: int, stamp: str = "100.500000", rest: str = "ttl=61 time=2.00 ms") -> str:
    return f"[{stamp}] 64 bytes from 100.65.0.10: icmp_seq={sequence} {rest}\n"


def silence(sequence: int) -> str:
    return f"[100.500000] no answer yet for icmp_seq={sequence}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ANSWERED, PingFacts(sent=3, received=3, rtt_ms=0.342)),
        (ANSWERED.replace("rtt min/avg/max/mdev", "rtt min/avg/max"), PingFacts(sent=3, received=3, rtt_ms=0.342)),
        (ANSWERED[: ANSWERED.index("rtt")], PingFacts(sent=3, received=3, rtt_ms=None)),
        (
            "3 packets transmitted, 0 received, 100% packet loss, time 2041ms\n\n",
            PingFacts(sent=3, received=0, rtt_ms=None),
        ),
        (
            (
                "From 203.0.113.1 icmp_seq=1 Destination Host Unreachable\n\n--- 100.65.0.10 ping statistics ---\n"
                "3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2041ms\npipe 3\n"
            ),
            PingFacts(sent=3, received=0, rtt_ms=None),
        ),
        (
            (
                "3 packets transmitted, 2 received, +1 duplicates, 33.3333% packet loss, time 2ms\n"
                "rtt min/avg/max/mdev = 0.2/12/24.1/0.1 ms, pipe 2\n"
            ),
            PingFacts(sent=3, received=2, rtt_ms=12.0),
        ),
        ("3 packets transmitted, 3 packets received, 0% packet loss\n", PingFacts(sent=3, received=3, rtt_ms=None)),
    ],
)
def test_ping(text: str, expected: PingFacts) -> None:
    assert parse_ping(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 summaries.*nothing was printed"),
        (HEADER, "0 summaries.*PING"),
        (ANSWERED[: ANSWERED.index(" received")], "0 summaries"),
        (ANSWERED[: ANSWERED.index(" packet loss")], "0 summaries"),
        (ANSWERED + ANSWERED, "2 summaries"),
        ("ping: connect: Network is unreachable\n", "Network is unreachable"),
        ("ping: unknown host x\n", "unknown host"),
        ("3 packets transmitted, 4 received, 0% packet loss\n", "4 replies to 3 probes"),
        ("9999999999 packets transmitted, 3 received, 0% packet loss\n", "0 summaries"),
        ("-3 packets transmitted, 0 received, 100% packet loss\n", "0 summaries"),
    ],
)
def test_garbled_ping(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_ping(text)


def test_recorded_stream() -> None:
    found = parse_probe_stream(STREAM)
    assert found.last_sequence == 319
    assert found.unanswered == (20, 21, 22, 23, 308, 309, 310)
    assert len(found.replies) == 319 - 7
    assert found.errors == ()
    first = found.replies[0]
    assert (first.sequence, first.rtt_ms, first.duplicate) == (1, 1.43, False)
    assert first.sent_at == pytest.approx(1795337152.037017 - 0.00143, abs=1e-6)


def test_a_reply_names_when_the_probe_left() -> None:
    text = HEADER + "[1795335007.200235] 64 bytes from 100.65.0.10: icmp_seq=1 ttl=61 time=2.01 ms\n"
    (found,) = parse_probe_stream(text).replies
    assert found.sent_at == pytest.approx(1795335007.198225, abs=1e-6)
    assert found == ProbeReply(sequence=1, sent_at=found.sent_at, rtt_ms=2.01, duplicate=False)


@pytest.mark.parametrize(
    ("text", "answered", "unanswered", "last"),
    [
        (reply(1) + silence(2) + reply(3), [1, 3], (2,), 3),
        (reply(1) + silence(2) + silence(3), [1], (2, 3), 3),
        (silence(1) + silence(2), [], (1, 2), 2),
        (silence(2) + reply(2) + reply(3), [2, 3], (), 3),  # late, but it came
        (reply(1) + reply(3) + reply(2), [1, 2, 3], (), 3),
        (reply(1) + reply(4), [1, 4], (2, 3), 4),
        (reply(1) + "[100.5] 64 bytes from 100.65.0.10: icmp_seq=2 ttl=61 time=2.", [1], (), 1),
        (reply(1) + reply(2).rstrip("\n"), [1], (), 1),  # may have lost digits
        (
            reply(1) + reply(2, rest="ttl=61 time=3 ms") + reply(3, rest="ttl=61 time=1034 ms (truncated)"),
            [1, 2, 3],
            (),
            3,
        ),
        (reply(65535) + reply(0) + reply(1), [65535, 65536, 65537], (), 65537),
        (reply(65534) + reply(0) + reply(65535) + reply(1), [65534, 65535, 65536, 65537], (), 65537),
        (reply(65535) + silence(0) + silence(1), [65535], (65536, 65537), 65537),
        (silence(65535) + silence(0) + reply(65535) + reply(2), [65535, 65538], (65536, 65537), 65538),
        (
            reply(1).replace("\n", "\r\n") + "\n--- x ping statistics ---\n1 packets transmitted, 1 received\n",
            [1],
            (),
            1,
        ),
    ],
)
def test_sequences(text: str, answered: list[int], unanswered: tuple[int, ...], last: int) -> None:
    found = parse_probe_stream(HEADER + text)
    assert [one.sequence for one in found.replies] == answered
    assert (found.unanswered, found.last_sequence, found.errors) == (unanswered, last, ())


def test_many_wraps() -> None:
    text = "".join(reply(number % 65536) for number in range(1, 200_000, 7))
    found = parse_probe_stream(text)
    assert [one.sequence for one in found.replies] == list(range(1, 200_000, 7))


def test_duplicates_are_told_by_ping_or_by_their_number() -> None:
    found = parse_probe_stream(reply(1) + reply(1, rest="ttl=61 time=5.00 ms (DUP!)") + reply(2) + reply(2))
    assert [(one.sequence, one.duplicate) for one in found.replies] == [(1, False), (1, True), (2, False), (2, True)]
    assert found.unanswered == ()


@pytest.mark.parametrize(
    ("line", "unanswered"),
    [
        ("[100.5] From 203.0.113.1 icmp_seq=2 Destination Host Unreachable", (2,)),
        ("From 203.0.113.1 icmp_seq=2 Time to live exceeded", (2,)),
        ("[100.5] From 203.0.113.1: icmp_seq=2 Redirect Host(New nexthop: 203.0.113.2)", (2,)),
        ("ping: sendmsg: Network is unreachable", ()),
        ("[100.5] 64 bytes fr[100.6] no answer", ()),
        ("[100] 64 bytes from 100.65.0.10: icmp_seq=2 ttl=61 time=2.00 ms", ()),
    ],
)
def test_errors_are_kept(line: str, unanswered: tuple[int, ...]) -> None:
    found = parse_probe_stream(reply(1) + line + "\n")
    assert (found.errors, found.unanswered) == ((line,), unanswered)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no probe: nothing was printed"),
        ("\n", "no probe: nothing was printed"),
        (HEADER, "no probe: PING"),
        (reply(1).rstrip("\n"), "no probe"),
        ("ping: connect: Network is unreachable\n", "no probe: ping: connect"),
        ("3 packets transmitted, 3 received, 0% packet loss, time 2031ms\n", "no probe"),
        ("64 bytes from 100.65.0.10: icmp_seq=1 ttl=61 time=2.01 ms\n", "without the time of day"),
        (reply(1, rest="ttl=61"), "or its round trip"),
        (reply(1, rest="ttl=61 time=soon ms"), "or its round trip"),
        (reply(1, stamp="100"), "no probe"),
    ],
)
def test_garbled_stream(text: str, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        parse_probe_stream(text)
