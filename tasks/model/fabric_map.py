"""The fabric as a drawing needs it: who hangs where, as declared or as found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedServer:
    """A server and the leaves it hangs on; none where nobody could tell."""

    name: str
    address: str
    leaves: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLeaf:
    """A leaf, how others name it (VTEP; None: not told), and the systems that its EVPN sessions lead to."""

    name: str
    vtep: str | None
    spines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedProbe:
    """A probe host. `leaves` are those that see it on a port; `on_link`: it is in the VIP's own subnet."""

    name: str
    on_link: bool
    leaves: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FabricMap:
    """The fabric of one cluster."""

    vni: int
    servers: tuple[MappedServer, ...]
    leaves: tuple[MappedLeaf, ...]
    probes: tuple[MappedProbe, ...]
