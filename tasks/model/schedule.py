"""A verify that a timer runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is run, how often, and as whom. `program` is the vipbook command; all paths are absolute."""

    name: str
    every_s: int
    program: str
    inventory: str
    clusters: tuple[str, ...] = ()
    wait_s: float | None = None
    reports: tuple[tuple[str, str], ...] = ()
    """Format and path of each."""
    notify: tuple[str, ...] = ()
    user: str | None = None
    environment_file: str | None = None
    state: str | None = None
    """Where the history is kept; None: systemd's StateDirectory=vipbook, /var/lib/vipbook."""

    @property
    def unit(self) -> str:
        """The name of both units, without suffix."""
        return f"vipbook-verify-{self.name}" if self.name else "vipbook-verify"
