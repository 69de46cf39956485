"""Now against then, entry by entry: what was expected happened, and nothing else did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tasks.judge.causes.explanations import Scope, by_itself, explained_fields
from tasks.model.cluster import Cluster
from tasks.model.snapshot import Entry, Missing, Snapshot
from tasks.model.verdict import Finding, Status, VipVerdict
from tasks.model.window import Change, Comparison, EntryChange, Expectation, Met

_ALONE = "comes and goes by itself"


def compare(
    before: Snapshot,
    after: Snapshot,
    expected: Sequence[Expectation],
    clusters: Sequence[Cluster],
    judged: tuple[Sequence[VipVerdict], Mapping[str, str]],
) -> Comparison:
    """`judged`: the verdicts of now, and the status of every check of then by its id."""
    scope = Scope(before=before, after=after, clusters=tuple(clusters))
    changes = tuple(_explained(change, expected, scope) for change in _changes(before, after))
    met = tuple(_met(each, scope, changes) for each in expected)
    wrong, unknown, accepted = _findings(*judged)
    problems = [f"{each.text}: {each.message}" for each in met if not each.happened]
    problems += [describe(change) for change in changes if change.why is None]
    down = {each.about for each in expected if each.kind == "down"}
    questions = [_untold(each, "now") for each in after.missing if each.host not in down]
    questions += [_untold(each, "when the window was opened") for each in before.missing]
    questions += [
        f"{host} was not asked when the window was opened" for host in after.asked if host not in before.asked
    ]
    questions += [f"{host} is asked no more" for host in before.asked if host not in after.asked]
    return Comparison(
        expectations=met,
        changes=tuple(map(_told, changes)),
        problems=(*problems, *wrong),
        open_questions=tuple(dict.fromkeys([*questions, *unknown])),
        failed_before=accepted,
    )


def _untold(each: Missing, when: str) -> str:
    return f"{each.host} did not tell its {each.table} {when}: {each.reason}"


def _changes(before: Snapshot, after: Snapshot) -> Iterable[Change]:
    """Entries of tables that were read both times; of what was not read once nothing can be said."""
    unread = {(each.host, each.table) for each in (*before.missing, *after.missing)}
    hosts = set(before.asked) & set(after.asked)
    old, new = (
        {each.id: each for each in snapshot.entries if (each.host, each.table) not in unread and each.host in hosts}
        for snapshot in (before, after)
    )
    for key in sorted(old.keys() | new.keys()):
        was, is_now = old.get(key), new.get(key)
        if was is None:
            yield Change(kind="appeared", before=None, after=is_now, why=None)
        elif is_now is None:
            yield Change(kind="vanished", before=was, after=None, why=None)
        elif was.row.fields != is_now.row.fields:
            yield Change(kind="changed", before=was, after=is_now, why=None)


def _explained(change: Change, expected: Sequence[Expectation], scope: Scope) -> Change:
    """Everything that an expectation says of it, together, must cover all that is different."""
    different = fields_apart(change)
    covered: dict[str, str] = {}
    for each in expected:
        for field in explained_fields(each, change, scope) & different:
            covered.setdefault(field, each.text)
    why = ", ".join(dict.fromkeys(covered.values())) if set(covered) == different else None
    if why is None and by_itself(change, scope):
        why = _ALONE
    return Change(kind=change.kind, before=change.before, after=change.after, why=why)


def fields_apart(change: Change) -> set[str]:
    """The names of the fields that differ; all of them where the entry appeared or vanished."""
    old = change.before.row.fields if change.before is not None else {}
    new = change.after.row.fields if change.after is not None else {}
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _met(expectation: Expectation, scope: Scope, changes: Sequence[Change]) -> Met:
    happened, message = scope.happened(expectation, changes)
    return Met(text=expectation.text, happened=happened, message=message)


def _findings(vips: Sequence[VipVerdict], then: Mapping[str, str]) -> tuple[list[str], list[str], tuple[str, ...]]:
    """What fails now and did not, what can't be told now, and the ids of what failed then already."""
    wrong, unknown, accepted = [], [], []
    for vip in vips:
        for each in vip.findings:
            key = f"{vip.cluster}/{vip.address}/{each.check}/{each.target}"
            if each.status is Status.FAIL and then.get(key) == Status.FAIL:
                accepted.append(key)
            elif each.status is Status.FAIL:
                wrong.append(_said(each))
            elif each.status is Status.UNKNOWN:
                unknown.append(_said(each))
    return wrong, unknown, tuple(accepted)


def _said(finding: Finding) -> str:
    return f"{finding.check} {finding.target}: {finding.message}"


def _told(change: Change) -> EntryChange:
    entry = change.entry
    return EntryChange(
        id=f"{entry.host}/{entry.table}/{entry.row.key}",
        host=entry.host,
        table=entry.table,
        key=entry.row.key,
        kind=change.kind,
        before=change.before.row.fields if change.before is not None else None,
        after=change.after.row.fields if change.after is not None else None,
        explained_by=change.why,
        command=entry.command,
        message=describe(change),
    )


def describe(change: Change) -> str:
    """One line: where, which entry, and what it was and is."""
    entry = change.entry
    where = f"{entry.host} {entry.table}: {entry.row.key}"
    if change.kind != "changed":
        return f"{where} {change.kind}: {_words(entry)}"
    assert change.before is not None
    assert change.after is not None
    parts = []
    for name in sorted(fields_apart(change)):
        old, new = change.before.row.fields.get(name, "nothing"), change.after.row.fields.get(name, "nothing")
        parts.append(f"{name} changed" if "\n" in old + new else f"{name} {old} → {new}")
    return f"{where} changed: {', '.join(parts)}"


def _words(entry: Entry) -> str:
    return ", ".join(name if "\n" in value else f"{name} {value}" for name, value in entry.row.fields.items())
