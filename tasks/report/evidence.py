"""What hosts said, in a report: untouched but for passwords, and no more of it than a report can hold."""

from __future__ import annotations

import json

from tasks.model.answer import Answer
from tasks.model.bounds import EVIDENCE_KEPT, EVIDENCE_MOST
from tasks.model.judged import Evidence
from tasks.model.mask import masked
from tasks.model.text import clipped


class Evidences:
    """The evidence of one report. Many checks rest on one answer: it is masked once, and one text serves all."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._left = EVIDENCE_MOST
        self._known: dict[int, tuple[Answer, str, int]] = {}

    def of(self, answer: Answer) -> Evidence:
        """One answer; its output is cut where the report would become too long, and says so."""
        return Evidence(
            host=answer.host,
            command=answer.command,
            observed_at=answer.at,
            status=answer.status,
            output=self._output(answer),
        )

    def _output(self, answer: Answer) -> str:
        if id(answer) not in self._known:
            text = masked(answer.stdout or answer.stderr)
            cost = len(json.dumps(text)) if EVIDENCE_KEPT < len(text) <= self._left else len(text)
            self._known[id(answer)] = (answer, text, cost)
        _, text, cost = self._known[id(answer)]
        if len(text) <= EVIDENCE_KEPT:
            return text
        if cost > self._left:
            return clipped(text, EVIDENCE_KEPT)
        self._left -= cost
        return text
