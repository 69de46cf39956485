"""What was observed, as entries that mean the same whenever they say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tasks.judge.snapshot.leaf import LEAF_TABLES
from tasks.judge.snapshot.server import server_tables
from tasks.judge.subject import Subject
from tasks.model.address import IpAddress
from tasks.model.probe import ProbeFacts
from tasks.model.reading import Read, Reading, Unread
from tasks.model.snapshot import Entry, Missing, Row, Snapshot

T = TypeVar("T")
Found = Entry | Missing


def snapshot_of(
    found: Sequence[Subject], judged: Sequence[Subject], asked: Sequence[str], answered: Sequence[str]
) -> Snapshot:
    """One snapshot of all subjects; a row that several of them saw stands in it once.

    `judged` tells who bears the VIPs: the same subjects, less the hosts that are expected not to answer.
    """
    entries: dict[tuple[str, str, str], Entry] = {}
    missing: dict[tuple[str, str], Missing] = {}
    for subject in found:
        for each in _of_subject(subject):
            if isinstance(each, Missing):
                missing[each.host, each.table] = each
            else:
                entries[each.id] = each
    return Snapshot(
        entries=tuple(entries[key] for key in sorted(entries)),
        missing=tuple(missing[key] for key in sorted(missing)),
        owners={
            f"{subject.cluster.name}/{subject.vip.ip}": owner.name if (owner := subject.owner()) is not None else None
            for subject in judged
        },
        asked=tuple(asked),
        answered=tuple(answered),
    )


def _of_subject(subject: Subject) -> Iterator[Found]:
    for server in subject.cluster.servers:
        facts = subject.servers[server.name]
        for table, server_read, server_rows in server_tables(subject, server, facts):
            yield from rows_of(server.name, table, server_read, server_rows)
    for leaf, tables in subject.leaves.items():
        for table, read, rows in LEAF_TABLES:
            reading = read(tables)
            if reading is not None:
                yield from rows_of(leaf, table, reading, lambda value, rows=rows: rows(subject, value))  # type: ignore[misc]
    for probe, seen in subject.probes.items():
        yield from _of_probe(probe, seen, subject.vip.ip)


def rows_of(host: str, table: str, read: Reading[T], rows: Callable[[T], Iterator[Row]]) -> Iterator[Found]:
    """The entries of a table that was read; that it was not is no empty table."""
    if isinstance(read, Unread):
        yield Missing(host=host, table=table, reason=read.reason)
        return
    for each in rows(read.value):
        yield Entry(host=host, table=table, row=each, command=read.source.command)


def _of_probe(probe: str, seen: ProbeFacts, vip: IpAddress) -> Iterator[Found]:
    ping, route = seen.pings[vip], seen.routes[vip]
    yield from rows_of(
        probe,
        "reachable",
        ping,
        lambda value: iter([_row({"answers": "yes" if value.received else "no"}, str(vip))]),
    )
    yield from rows_of(
        probe,
        "route",
        route,
        lambda value: iter([_row({"interface": value.interface, "gateway": str(value.gateway or "")}, str(vip))]),
    )
    if isinstance(route, Read) and route.value.gateway is None:
        yield from rows_of(
            probe,
            "client neighbor",
            seen.neighbors[vip],
            lambda rows: (_row({"mac": str(row.mac)}, str(vip), str(row.mac)) for row in rows if row.mac),
        )


def _row(fields: dict[str, str], address: str, *macs: str) -> Row:
    return Row(key=address, fields=fields, addresses=(address,), macs=macs)
