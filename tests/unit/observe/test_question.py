"""A question reads its own answer, out of whatever came back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.model.answer import Answers, Command, NoAnswer
from tasks.model.reading import Read, Unread
from tasks.observe.question import Question
from tasks.observe.readings import NEVER_ASKED, unasked
from tasks.observe.shell import NOT_ASKED
from tests.unit.builders import AT, answers

QUESTION = Question(Command(key="count", argv=("wc", "-l")), int)
MORE = replace(QUESTION, parse=lambda *texts: texts, also=(Command(key="words", argv=("wc", "-w")),))
REFUSED = "sudo: a password is required\n"


def with_status(said: Answers, key: str, status: int, stderr: str = "") -> Answers:
    changed = replace(said.by_key[key], status=status, stderr=stderr)
    return replace(said, by_key={**said.by_key, key: changed})


def test_the_value_has_its_answer_as_source() -> None:
    said = answers("H1", count="7")
    assert QUESTION.read(said) == Read(value=7, source=said["count"])


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(NoAnswer(host="H1", reason="no connection", at=AT), "no connection", id="a silent host"),
        pytest.param(answers("H1"), NEVER_ASKED, id="a script cut short"),
        pytest.param(answers("H1", words="7"), NEVER_ASKED, id="only another's answer"),
        pytest.param(answers("H1", count="seven"), "unreadable: ValueError", id="not its form"),
        pytest.param(with_status(answers("H1", count="7"), "count", 1), "exit status 1", id="a failure"),
        pytest.param(
            with_status(answers("H1", count="7"), "count", 0, "sudo: a password is required\n"),
            "sudo asks",
            id="refused",
        ),
    ],
)
def test_whatever_else_is_unread_with_the_reason(reply: Answers | NoAnswer, reason: str) -> None:
    found = QUESTION.read(reply)
    assert isinstance(found, Unread)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(("status", "read"), [(0, False), (1, True), (2, False)])
def test_which_statuses_are_answers_is_said_by_the_question(status: int, *, read: bool) -> None:
    strange = replace(QUESTION, accept=lambda answer: answer.status == 1)
    assert isinstance(strange.read(with_status(answers("H1", count="7"), "count", status)), Read) is read


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        pytest.param(answers("H1", count="7", words="9"), ("7", "9"), id="both"),
        pytest.param(answers("H1", count="7"), ("7", ""), id="never asked"),
        pytest.param(with_status(answers("H1", count="7", words="9"), "words", 1), ("7", ""), id="failed"),
    ],
)
def test_what_is_asked_with_it_completes_the_answer(reply: Answers, texts: tuple[str, ...]) -> None:
    found = MORE.read(reply)
    assert isinstance(found, Read)
    assert (found.value, found.source) == (texts, reply["count"])
    assert [each.key for each in MORE.commands] == ["count", "words"]


def test_what_completes_an_answer_is_none_by_itself() -> None:
    assert isinstance(MORE.read(answers("H1", words="9")), Unread)


@pytest.mark.parametrize(("status", "expected"), [(NOT_ASKED, True), (1, False), (0, False)])
def test_no_reason_to_ask_is_told_from_a_failure(status: int, *, expected: bool) -> None:
    assert unasked(QUESTION.read(with_status(answers("H1", count="7"), "count", status))) is expected
