"""What a vrrp_instance may have beside its timers and its VIPs. Defaults are those that vipbook renders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackScript:
    """A program whose exit status counts. `weight` 0: FAULT when it fails; else the priority changes by it."""

    name: str
    command: str
    """Absolute path of the program, and its arguments."""
    interval_s: float = 2.0
    timeout_s: float = 2.0
    fall: int = 2
    rise: int = 2
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackProcess:
    """A process that must run, by its name, in `quorum` copies. `delay_s`: how long it may be gone."""

    name: str
    process: str
    quorum: int = 1
    delay_s: float = 1.0
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What must be well for a server to be master, beside its own interface, which always is tracked."""

    interfaces: tuple[str, ...] = ()
    scripts: tuple[TrackScript, ...] = ()
    processes: tuple[TrackProcess, ...] = ()
    script_user: str = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Garp:
    """Gratuitous ARPs, or unsolicited NAs: seconds, and how many at once."""

    delay_s: int = 5
    repeat: int = 5
    refresh_s: int = 60
    lower_prio_delay_s: int | None = None
    lower_prio_repeat: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Programs with arguments that keepalived runs at a change; None: none. `any` gets the change as arguments."""

    master: str | None = None
    backup: str | None = None
    fault: str | None = None
    stop: str | None = None
    any: str | None = None
    deleted: str | None = None
    master_rx_lower_pri: str | None = None

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Keyword and command of each that is there."""
        pairs = (
            ("notify_master", self.master),
            ("notify_backup", self.backup),
            ("notify_fault", self.fault),
            ("notify_stop", self.stop),
            ("notify", self.any),
            ("notify_deleted", self.deleted),
            ("notify_master_rx_lower_pri", self.master_rx_lower_pri),
        )
        return tuple((keyword, command) for keyword, command in pairs if command is not None)
