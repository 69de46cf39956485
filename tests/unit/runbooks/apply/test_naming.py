"""Names of changes are in the order in which the changes were made, whatever clock they were made by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from runbooks.apply.naming import tag, tag_for
from tasks.model.answer import Answers, NoAnswer, Reply
from tasks.transport import Script
from tests.unit.builders import AT, answer


@pytest.mark.parametrize(
    ("earlier", "prefix"),
    [
        ([], None),
        (["20200101T000000-abcdef"], None),
        (["20360101T000000-abcdef"], "20360101T000001-"),
        (["20360101T000000-abcdef", "20200101T000000-abcdef"], "20360101T000001-"),
        (["20361231T235959-ffffff"], "20370101T000000-"),
    ],
    ids=["first", "by the clock", "after the future", "one of them", "year"],
)
def test_a_name_comes_after_the_earlier_ones(earlier: list[str], prefix: str | None) -> None:
    name = tag(earlier)
    assert all(name > each for each in earlier)
    assert name.startswith(prefix or f"{datetime.now(UTC):%Y%m%dT%H}")


class FirewallAnswers:
    """A session whose servers have these backups; None: it does not answer."""

    def __init__(self, names: Mapping[str, str | None]) -> None:
        self.names = names

    def run_scripts(self, scripts: Mapping[str, Script]) -> dict[str, Reply]:
        return {host: self.reply(host) for host in scripts}

    def reply(self, host: str) -> Reply:
        text = self.names[host]
        if text is None:
            return NoAnswer(host=host, reason="no connection", at=AT)
        return Answers(host=host, by_key={"backups": answer(host, "ls", text)}, clock_offset_s=0.0)


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        ({"H1": "", "H2": "20360101T000000-abcdef\n20200101T000000-abcdef\n"}, "20360101T000001-"),
        ({"H1": None, "H2": "20360101T000000-abcdef\n"}, "20360101T000001-"),
        ({"H1": "lost+found\n99999999T999999-zzz\nls: cannot access\n", "H2": ""}, "20"),
        ({"H1": "99999999T999999-abcdef\n99991231T235959-abcdef\n", "H2": ""}, "20"),
        ({"H1": "20360101T000000-abcdef/../x\n", "H2": ""}, f"{datetime.now(UTC):%Y}"),
    ],
    ids=["newest of all", "one is silent", "no names", "no dates", "no name either"],
)
def test_it_comes_after_every_backup_of_the_servers(names: dict[str, str | None], prefix: str) -> None:
    assert tag_for(FirewallAnswers(names), list(names)).startswith(prefix)  # type: ignore[arg-type]
