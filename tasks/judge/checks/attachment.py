"""Where a server hangs: as declared, or as FDB and LLDP say, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.judge.checks import Target, registered
from tasks.judge.place import Home, home_of, learned_at, lldp_ports, one_place
from tasks.judge.subject import Check, Subject
from tasks.model.answer import Answer
from tasks.model.cluster import Server
from tasks.model.reading import Read, Unread
from tasks.model.verdict import Finding, VipState


@registered(
    "attachment",
    Target.SERVER,
    order=240,
    reads="bridge -j fdb and lldpctl on every leaf",
    passes="the server's own MAC was learned at its declared leaf and port alone (or, undeclared, in one place), "
    "and LLDP does not say otherwise",
    fails="it was learned elsewhere (LLDP alone: warns; skipped when no leaf heard the server lately)",
)
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
    silent = [leaf for leaf, facts in subject.leaves.items() if isinstance(facts.fdb, Unread)]
    if isinstance(home, str):
        return _unplaced(check, subject, server, home, heard=bool(found or told or silent))
    wrong = _heard_elsewhere(subject, home, found)
    if wrong:
        message = f"{server.name} is heard on {_places(wrong)}, but belongs on {_places(home.ports)}"
        return check.fails(message, actual, _cause(subject, server))
    contradicted = {leaf: port for leaf, port in told.items() if _contradicts(home, leaf, port)}
    if contradicted:
        return check.warns(f"LLDP sees {server.name} on {_places(contradicted)}, not on {_places(home.ports)}", actual)
    if silent:
        return check.unknown(f"{', '.join(silent)} did not tell: {_reason(subject.leaves[silent[0]].fdb)}")
    mute = [leaf for leaf, facts in subject.leaves.items() if isinstance(facts.lldp, Unread)]
    if mute:
        return check.warns(
            f"LLDP of {', '.join(mute)} could not be read: {_reason(subject.leaves[mute[0]].lldp)}", actual
        )
    if not found and not told:
        return check.skips(f"no leaf heard {server.name} lately", actual)
    return check.passes(f"{server.name} is on {_places(home.ports)} ({home.how})", actual)


def _heard_elsewhere(subject: Subject, home: Home, found: dict[str, str]) -> dict[str, str]:
    """Where a leaf learned the server's MAC though it does not belong there; a pair may hear it over its peer link."""
    foreign = {leaf: port for leaf, port in found.items() if leaf not in home.ports}
    if foreign and not one_place(subject, (*home.leaves, *foreign)):
        return foreign
    own = {leaf: port for leaf, port in found.items() if not home.over_the_peerlink(port)}
    return {leaf: port for leaf, port in own.items() if home.ports.get(leaf, port) not in {None, port}}


def _contradicts(home: Home, leaf: str, port: str) -> bool:
    """Another leaf, or another port of the same kind: of a bond LLDP names the member, so `swp1` may be in `bond1`."""
    own = home.ports.get(leaf)
    if leaf not in home.ports or own is None:
        return leaf not in home.ports
    return own != port and _kind(own) == _kind(port)


def _kind(port: str) -> str:
    return port.rstrip("0123456789s")


def _unplaced(check: Check, subject: Subject, server: Server, why: str, *, heard: bool) -> Finding:
    """A backup that is declared nowhere may be silent for longer than a leaf remembers; the owner never is."""
    if (disturbed := subject.disturbed(server.name)) is not None:
        return check.skips(disturbed)
    owner = subject.owner()
    if heard or owner is None or owner.name == server.name:
        return check.unknown(why)
    return check.skips(why)


def _reason(read: object) -> str:
    return read.reason if isinstance(read, Unread) else ""


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
