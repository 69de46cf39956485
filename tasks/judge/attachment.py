"""Where a server hangs: as declared, or as FDB and LLDP say, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.judge.place import Home, home_of, learned_at, lldp_ports, one_place
from tasks.judge.subject import Check, Subject
from tasks.model.answer import Answer
from tasks.model.cluster import Server
from tasks.model.observation import Read, Unread
from tasks.model.verdict import Finding, VipState


def judge_attachment(subject: Subject, server: Server) -> Finding:
    """The leaves' FDB has the server's own MAC at its declared place alone, and LLDP does not contradict it."""
    declared = f" ({' and '.join(server.leaves)}{f' {server.port}' if server.port else ''})" if server.leaves else ""
    check = Check(
        name="attachment",
        target=server.name,
        expected=f"{server.name} in one place{declared}",
        evidence=_sources(subject),
    )
    if subject.mac_of(server) is None:
        return check.unknown(f"{server.name} did not tell the MAC of {server.interface}")
    found, told = learned_at(subject, server), lldp_ports(subject, server)
    actual = _worded("FDB", found) + (f"; {_worded('LLDP', told)}" if told else "")
    home = home_of(subject, server)
    if isinstance(home, str):
        return check.unknown(home) if server.name != subject.tripped else check.skips("taken down by the drill", actual)
    wrong = _heard_elsewhere(subject, home, found)
    if wrong:
        message = f"{server.name} is heard on {_places(wrong)}, but belongs on {_places(home.ports)}"
        return check.fails(message, actual, _cause(subject, server))
    contradicted = {leaf: port for leaf, port in told.items() if home.ports.get(leaf, "") not in {None, port}}
    if contradicted:
        return check.warns(f"LLDP sees {server.name} on {_places(contradicted)}, not on {home.name}", actual)
    if not found and not told:
        silent = [leaf for leaf, facts in subject.leaves.items() if isinstance(facts.fdb, Unread)]
        missing = f"; {', '.join(silent)} did not tell" if silent else ""
        return check.skips(f"no leaf heard {server.name} lately{missing}", actual)
    return check.passes(f"{server.name} is on {_places(home.ports)} ({home.how})", actual)


def _heard_elsewhere(subject: Subject, home: Home, found: dict[str, str]) -> dict[str, str]:
    """Where a leaf learned the server's MAC though it does not belong there; a pair may hear it over its peer link."""
    foreign = {leaf: port for leaf, port in found.items() if leaf not in home.ports}
    if foreign and not one_place(subject, (*home.leaves, *foreign)):
        return foreign
    if len(home.leaves) > 1:
        return {}
    return {leaf: port for leaf, port in found.items() if home.ports.get(leaf, port) not in {None, port}}


def _cause(subject: Subject, server: Server) -> VipState | None:
    """A backup that hangs elsewhere harms nothing until it takes over."""
    owner = subject.owner()
    return VipState.WRONG_LOCATION if owner is not None and owner.name == server.name else None


def _places(ports: Mapping[str, str | None] | Mapping[str, str]) -> str:
    return ", ".join(f"{leaf} {port}" if port else leaf for leaf, port in ports.items())


def _worded(source: str, ports: dict[str, str]) -> str:
    return f"{source}: {_places(ports) or 'nowhere'}"


def _sources(subject: Subject) -> tuple[Answer, ...]:
    readings = [facts.fdb for facts in subject.leaves.values()]
    return tuple(read.source for read in readings if isinstance(read, Read))
