"""Where an address or a MAC is now, and which tables say so."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.model.address import IpAddress
from tasks.model.answer import Answer
from tasks.model.mac import MacAddress
from tasks.model.verdict import Status
from tasks.model.written import Mac, Text

Query = IpAddress | MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one table of one leaf says of it. `here`: it says that the leaf itself learned it."""

    leaf: str
    table: str
    says: str
    mac: MacAddress | None
    here: bool
    vtep: str | None
    source: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafPort:
    """A port of a leaf; None: the leaf alone is known."""

    leaf: str
    port: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """One place in one VNI. `since`: how long the entry has been there on its own leaf, as FRR words it."""

    vni: int
    mac: Mac
    addresses: tuple[str, ...]
    server: str | None
    """The server of the inventory that has it, else the system that LLDP names at the port."""
    leaves: tuple[LeafPort, ...]
    """The leaf, or both of a pair; empty where no leaf that answered has it on a port."""
    vteps: tuple[str, ...]
    sequence: int | None
    since: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """The answer to `locate`. `status`: pass at one place, fail where tables contradict, unknown where nobody knows."""

    query: IpAddress | MacAddress
    status: Status
    message: str
    locations: tuple[Location, ...]
    sightings: tuple[Sighting, ...]
    unread: tuple[str, ...]
    """Tables that could not be read, `L1 kernel FDB: reason`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingReport:
    """What one table of one leaf says of it, as a report holds it."""

    leaf: str
    table: str
    says: Text
    local: bool
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereaboutsReport:
    """The answer to `locate`, as a report holds it."""

    query: str
    locations: tuple[Location, ...]
    sightings: tuple[SightingReport, ...]
    unread: tuple[Text, ...]
