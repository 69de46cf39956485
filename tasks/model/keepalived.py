"""A configuration of keepalived as keepalived reads it, with every file that it includes."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.model.address import IpAddress, IpInterface
from tasks.model.cluster import Family, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A keyword with its words, and the statements of its block where it has one. Words may hold a password."""

    words: tuple[str, ...] = field(repr=False)
    body: tuple[Statement, ...] | None = field(default=None, repr=False)
    file: str
    line: int

    @property
    def keyword(self) -> str:
        """The first word; empty for a block without one."""
        return self.words[0] if self.words else ""

    @property
    def text(self) -> str:
        """All its words, without its block."""
        return " ".join(self.words)

    def block(self, keyword: str) -> tuple[Statement, ...]:
        """What the blocks of that keyword hold, all together; empty where there is none."""
        return tuple(inner for each in self.body or () if each.keyword == keyword for inner in each.body or ())

    def value(self, keyword: str) -> str | None:
        """The first word behind the last statement of that keyword, as keepalived takes it."""
        found = [each for each in self.body or () if each.keyword == keyword and len(each.words) > 1]
        return found[-1].words[1] if found else None

    def has(self, keyword: str) -> bool:
        """Is there a statement of that keyword?"""
        return any(each.keyword == keyword for each in self.body or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """An include: its pattern, where it is, and the files that it brings in."""

    pattern: str
    file: str
    line: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepalivedConf:
    """One configuration, whole. `problems`: what could not be read or understood; then nothing is known to be all."""

    path: str
    statements: tuple[Statement, ...]
    includes: tuple[Included, ...] = ()
    problems: tuple[str, ...] = ()
    conditional: bool = False
    """Did a line with `@host` decide? Then it is what it is with that config_id alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What keepalived is told on a server, by whom, and whether it is told somewhere else too."""

    config: KeepalivedConf | None
    """Of /etc/keepalived/keepalived.conf; None when there is no such file."""
    marked: bool
    """It begins with vipbook's mark."""
    untouched: bool
    """It is byte for byte what vipbook's last change left."""
    example: bool
    """It is byte for byte what the package brought."""
    others: tuple[KeepalivedConf, ...] = ()
    """Other files that keepalived reads instead, or would when it is started."""
    processes: tuple[str, ...] = ()
    """Command lines of daemons that keepalived.service does not run."""
    modified_at: float = 0.0
    """Of the newest of the files; seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredInstance:
    """A vrrp_instance of a configuration, as far as vipbook understands it."""

    name: str
    vrid: int | None
    family: Family
    interface: str
    version: int
    advert_int: float
    auth: tuple[str, Secret] | None
    cast: tuple[str, ...]
    """`unicast`, or `multicast` and its group."""
    source: IpAddress | None
    """Where its adverts come from, where it is said."""
    peers: frozenset[IpAddress]
    checks_source: bool
    """With unicast: are adverts of others than the peers dropped?"""
    vips: tuple[IpInterface, ...]
    excluded: tuple[IpInterface, ...]
    vmac: bool
    priority: int
    statement: Statement

    @property
    def identity(self) -> tuple[int | None, Family, str]:
        """What makes it the same virtual router on this server."""
        return self.vrid, self.family, self.interface


MARK = "# Managed by vipbook"
"""What every file begins with that vipbook writes."""
