"""The gate: what a host said becomes a value, or a reason; never an exception, and never an empty value by mistake."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.model.answer import Answer
from tasks.model.reading import Read, Unread
from tasks.observe.iproute2 import parse_fdb
from tasks.observe.readings import Garbled, converted, first_reading, reading, shortened

ANSWER = Answer(host="leaf1", command="ip neigh", status=0, stdout="7", stderr="", at=datetime(2026, 1, 2, tzinfo=UTC))


def test_value_and_its_source() -> None:
    assert reading(ANSWER, int) == Read(value=7, source=ANSWER)


def test_no_answer_has_no_source() -> None:
    assert reading(None, int) == Unread(reason="was not asked, or the command did not finish", source=None)


@pytest.mark.parametrize(
    ("status", "stdout", "stderr", "reason"),
    [
        (3, "", "", "exit status 3: nothing was printed"),
        (1, "7", "first\nlast line \n\n", "exit status 1: last line"),
        (1, "only stdout\n", "  \n", "exit status 1: only stdout"),
        (2, "", "x" * 300, "exit status 2: " + "x" * 199 + "…"),
        (-9, "7", "", "exit status -9: 7"),
        (1, "", "sudo: a password is required\n", "sudo asks for a password"),
        (1, "", "sudo: a terminal is required to read the password\n", "sudo asks for a password"),
        (1, "", "sudo: no tty present and no askpass program specified\n", "sudo asks for a password"),
        (1, "", "sudo: sorry, you must have a tty to run sudo\n", "sudo asks for a password"),
        (1, "", "ops is not in the sudoers file.\n", "sudo does not allow this login"),
        (
            1,
            "",
            "Sorry, user ops is not allowed to execute '/usr/bin/vtysh' as root on leaf1.\n",
            "sudo does not allow",
        ),
        (1, "", "Sorry, user ops may not run sudo on leaf1.\n", "sudo does not allow"),
        (1, "", "sudo: vtysh: command not found\n", "the program is not installed"),
        (127, "", "/bin/sh: 5: ping: not found\n", "not installed (command not found): /bin/sh: 5: ping: not found"),
    ],
)
def test_refusal_is_unread_with_its_reason(status: int, stdout: str, stderr: str, reason: str) -> None:
    answer = replace(ANSWER, status=status, stdout=stdout, stderr=stderr)
    found = reading(answer, int)
    assert isinstance(found, Unread)
    assert reason in found.reason
    assert found.source is answer


def test_sudo_refusing_inside_a_pipeline_is_seen_though_the_status_is_zero() -> None:
    found = reading(replace(ANSWER, stderr="warning\nsudo: a password is required\n"), int)
    assert isinstance(found, Unread)


def test_a_harmless_warning_of_sudo_is_no_refusal() -> None:
    stderr = "sudo: unable to resolve host leaf1: Name or service not known\n"
    assert isinstance(reading(replace(ANSWER, stderr=stderr), int), Read)


@pytest.mark.parametrize(("status", "accepted"), [(0, True), (1, True), (2, False)])
def test_the_caller_says_which_status_is_an_answer(status: int, accepted: bool) -> None:  # noqa: FBT001
    found = reading(replace(ANSWER, status=status), int, accept=lambda answer: answer.status in {0, 1})
    assert isinstance(found, Read) is accepted


def test_accepting_every_status_does_not_accept_a_refusal() -> None:
    answer = replace(ANSWER, status=1, stderr="sudo: a password is required")
    assert isinstance(reading(answer, int, accept=lambda _: True), Unread)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Garbled("row ends early"), "unreadable: row ends early"),
        (ValueError("bad"), "unreadable: ValueError: bad"),
        (KeyError("mac"), "unreadable: KeyError: 'mac'"),
        (TypeError("no"), "unreadable: TypeError: no"),
        (RecursionError("deep"), "unreadable: RecursionError: deep"),
        (ZeroDivisionError("zero"), "unreadable: ZeroDivisionError: zero"),
    ],
)
def test_an_exception_of_a_parser_is_unread(error: Exception, reason: str) -> None:
    def parse(_: str) -> int:
        raise error

    assert reading(ANSWER, parse) == Unread(reason=reason, source=ANSWER)


UNASKED = replace(ANSWER, command="nv show", status=120, stdout="")
REFUSED = replace(ANSWER, command="vtysh", status=1, stdout="", stderr="sudo: a password is required\n")
ODD = replace(ANSWER, command="net show", stdout="seven")


@pytest.mark.parametrize(
    ("sources", "source"),
    [
        ([ANSWER, replace(ANSWER, stdout="8")], ANSWER),
        ([REFUSED, ANSWER], ANSWER),
        ([REFUSED, UNASKED, ANSWER], ANSWER),
        ([None, ODD, ANSWER], ANSWER),
    ],
)
def test_the_first_source_that_can_be_read_counts(sources: list[Answer | None], source: Answer) -> None:
    found = first_reading(*(reading(each, int) for each in sources))
    assert found == Read(value=7, source=source)


@pytest.mark.parametrize(
    ("sources", "reason", "source"),
    [
        ([], "was not asked, or the command did not finish", None),
        ([None, UNASKED], "was not asked, or the command did not finish", None),
        ([ODD, UNASKED, None], "unreadable: ValueError: invalid literal", ODD),
        ([REFUSED, UNASKED], "sudo asks for a password", REFUSED),
        ([REFUSED, ODD], "vtysh: sudo asks for a password: .*; net show: unreadable: ", REFUSED),
    ],
)
def test_when_no_source_can_be_read_each_is_quoted(
    sources: list[Answer | None], reason: str, source: Answer | None
) -> None:
    found = first_reading(*(reading(each, int) for each in sources))
    assert isinstance(found, Unread)
    assert re.match(reason, found.reason)
    assert found.source == source


def test_an_empty_fdb_is_not_a_table_without_rows() -> None:
    found = reading(replace(ANSWER, stdout=""), parse_fdb)
    assert isinstance(found, Unread)
    assert "needs sudo" in found.reason


def test_converted_and_shortened() -> None:
    assert converted(int, "5") == 5
    with pytest.raises(Garbled, match="invalid literal"):
        converted(int, "five")
    assert shortened("a" * 200) == "a" * 200
    assert len(shortened("a" * 201)) == 200
