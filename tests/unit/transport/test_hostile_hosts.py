"""Whatever a host sends, and however slowly: the round trip ends in time, costs little, and says what was wrong."""

from __future__ import annotations

import re
import threading
import time
import tracemalloc
from collections.abc import Generator
from pathlib import Path

import pytest

from runbooks.session import Session, open_session
from tasks.model.answer import Answers, Command, NoAnswer
from tasks.model.bounds import HOST_MOST, MIB, Budget
from tasks.transport import Script, Stream
from tests.unit.transport import hostile
from tests.unit.transport.hostile import Host, answers, inventory

pytestmark = pytest.mark.slow

HOSTS = ("H1", "H2", "L1", "L2", "I1")
COMMANDS = (Command(key="one", argv=("one",)), Command(key="two", argv=("two",)))
TIMEOUT_S = 2.0
PATIENT_S = 60.0
"""Where something else ends the round trip: a busy machine must not outrun it."""


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[tuple[Session, Host]]:
    """A session whose host H1 plays, and H2 is healthy."""
    made: Host = Host(**request.param)
    other = Host(play=hostile.healthy)
    hosts = dict.fromkeys(HOSTS, other) | {"H1": made}
    session = open_session(inventory(tmp_path / "inventory", hosts), [])
    try:
        yield session, made
    finally:
        session.close()
        made.close()
        other.close()


def ask(session: Session, **limits_s: float) -> tuple[dict[str, Answers | NoAnswer], float, int]:
    """The replies of these hosts, the seconds that they took, and the bytes that Python had at most."""
    tracemalloc.start()
    began = time.monotonic()
    replies = session.run_scripts(
        {name: Script(commands=COMMANDS, timeout_s=limit) for name, limit in limits_s.items()}
    )
    took = time.monotonic() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return replies, took, peak


SLOW = f"no answer within {TIMEOUT_S:g} s"
MUCH = "it sent more than 8 MiB in one round trip"
# Read as packets, noise is either none or one of any length: which is seen first is chance.
NOISE = f"^session: |^{MUCH}$"


@pytest.mark.parametrize(
    ("opened", "reason"),
    [
        pytest.param({"play": hostile.giant_clock}, MUCH, id="a word of 30 MB as its clock"),
        pytest.param({"play": hostile.flood()}, MUCH, id="stdout without an end"),
        pytest.param({"play": hostile.flood("stderr")}, MUCH, id="stderr without an end"),
        pytest.param({"play": hostile.flood(sign="\N{PILE OF POO}".encode())}, MUCH, id="wide signs without an end"),
        pytest.param({"play": hostile.drip}, SLOW, id="a byte now and then"),
        pytest.param({"play": hostile.hang}, SLOW, id="nothing any more"),
        pytest.param({"play": hostile.half_closed}, SLOW, id="answers without an end"),
        pytest.param({"exec_s": 30.0}, SLOW, id="no shell begins"),
        pytest.param({"after": hostile.noise, "play": hostile.hang}, NOISE, id="noise behind the login"),
        pytest.param({"raw": hostile.endless_banner}, "more than 1 MiB before the login", id="a banner without an end"),
        pytest.param({"raw": hostile.endless_lines}, "no session with 127.0.0.1", id="a greeting without an end"),
        pytest.param({"play": hostile.clock_word("nan")}, "its clock tells no time: 'nan'", id="a clock of nan"),
        pytest.param({"play": hostile.clock_word("inf")}, "its clock tells no time: 'inf'", id="a clock of inf"),
        pytest.param({"play": hostile.clock_word("-1")}, "its clock tells no time: '-1'", id="a clock before 1970"),
        pytest.param({"play": hostile.clock_word("999999999999")}, "its clock tells no", id="the year 33658"),
        pytest.param({"play": hostile.clock_word("9" * 900)}, "its clock tells no time: '9999", id="a clock of digits"),
    ],
    indirect=["opened"],
)
def test_the_run_ends_in_time_and_says_who_misbehaved(opened: tuple[Session, Host], reason: str) -> None:
    replies, took, peak = ask(opened[0], H1=TIMEOUT_S if reason == SLOW else PATIENT_S, H2=PATIENT_S)
    assert isinstance(replies["H2"], Answers)
    bad = replies["H1"]
    assert isinstance(bad, NoAnswer)
    assert re.search(reason, bad.reason)
    assert len(bad.reason) <= 200
    assert took < TIMEOUT_S + 10
    assert peak < 10 * HOST_MOST


@pytest.mark.parametrize(
    ("opened", "limit_s"),
    [
        pytest.param({"login_s": 60.0}, 0.5, id="a login without an end"),
        pytest.param({"raw": hostile.silent}, 20.0, id="no greeting"),
    ],
    indirect=["opened"],
)
def test_a_login_is_bounded_as_a_whole(
    opened: tuple[Session, Host], limit_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.ssh.LOGIN_S", limit_s)
    replies, took, _ = ask(opened[0], H1=TIMEOUT_S)
    assert isinstance(replies["H1"], NoAnswer)
    assert took < 12


@pytest.mark.parametrize("opened", [{"play": answers(b"x" * 1000, to="stderr")}], indirect=True)
def test_both_outputs_are_read_as_they_come(opened: tuple[Session, Host]) -> None:
    replies, _, _ = ask(opened[0], H1=PATIENT_S)
    assert isinstance(replies["H1"], Answers)
    assert replies["H1"]["two"].stderr == "x" * 1000


@pytest.mark.parametrize("opened", [{"play": answers(b"x" * (3 * MIB), to="stderr")}], indirect=True)
def test_more_stderr_than_a_window_before_stdout_ends_is_no_deadlock(opened: tuple[Session, Host]) -> None:
    replies, _, _ = ask(opened[0], H1=PATIENT_S)
    assert isinstance(replies["H1"], Answers)
    assert len(replies["H1"]["one"].stderr) == 3 * MIB


@pytest.mark.parametrize("opened", [{"play": hostile.hang}], indirect=True)
def test_no_thread_is_left_that_keeps_the_process(opened: tuple[Session, Host]) -> None:
    ask(opened[0], H1=TIMEOUT_S)
    assert [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon] == []


@pytest.mark.parametrize("opened", [{"play": answers(b"x" * (3 * MIB))}], indirect=True)
def test_who_sends_much_takes_no_answer_from_the_others(
    opened: tuple[Session, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left of what all share: who is within its own share is read, and the other one is named."""
    monkeypatch.setattr("runbooks.session.Budget", lambda: Budget(0))
    replies, _, _ = ask(opened[0], H1=PATIENT_S, H2=PATIENT_S)
    assert isinstance(replies["H2"], Answers)
    assert isinstance(replies["H1"], NoAnswer)
    assert replies["H1"].reason == "its answers need more than its share of 2 MiB, and all hosts have used 96"


def probe(channel: object, _: object) -> None:
    while True:
        channel.sendall(b"x" * hostile.PIECE)  # type: ignore[attr-defined]


@pytest.mark.parametrize("opened", [{"play": probe}], indirect=True)
def test_a_stream_has_an_end_and_says_so(opened: tuple[Session, Host], monkeypatch: pytest.MonkeyPatch) -> None:
    stream = opened[0].open_stream("H1", Command(key="probe", argv=("ping",)))
    assert isinstance(stream, Stream)
    deadline = time.monotonic() + 20
    while stream.reason is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stream.reason == "its output is longer than 16 MiB, and was cut there"
    assert len(stream.stop()) <= 16 * MIB


@pytest.mark.parametrize("opened", [{"exec_s": 30.0}], indirect=True)
def test_a_stream_that_does_not_begin_is_no_answer(
    opened: tuple[Session, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.ssh.OPEN_S", 0.5)
    began = time.monotonic()
    stream = opened[0].open_stream("H1", Command(key="probe", argv=("ping",)))
    assert isinstance(stream, NoAnswer)
    assert time.monotonic() - began < 5
