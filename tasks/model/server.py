"""What a server says, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tasks.model.address import IpInterface
from tasks.model.keepalived import Declared
from tasks.model.mac import MacAddress
from tasks.model.reading import Reading, Unread
from tasks.server.firewall.model import Firewall

PackageManager = Literal["apt", "dnf", "yum"]
_NOT_ASKED = Unread(reason="was not asked", source=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface of a server with its addresses. `up` is administrative state and carrier together."""

    name: str
    mac: MacAddress | None
    up: bool
    addresses: tuple[IpInterface, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """keepalived.service as systemd sees it. Times are seconds since the epoch; None: never."""

    active: str
    enabled: str
    main_pid: int
    loaded_at: float | None
    """When the daemon last read its configuration: started, or was reloaded through systemd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A file on disk that is ours to write; `text` is None when there is none."""

    text: str | None
    owner: str | None
    group: str | None
    mode: int | None
    modified_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A running vrrp_instance, as keepalived itself tells it (SIGJSON)."""

    name: str
    vrid: int
    interface: str
    state: str
    """`init`, `backup`, `master`, `fault`, or the number as text."""
    base_priority: int
    effective_priority: int
    version: int
    advert_int: float
    nopreempt: bool
    vips: tuple[IpInterface, ...]
    last_transition: float
    adverts_received: int
    adverts_sent: int
    advertised: tuple[IpInterface, ...] = ()
    """Those of the VIPs that are in the adverts."""
    skips_check: bool = True
    """Does it take adverts of a master that it knows without comparing the list of VIPs?"""
    vmac_interface: str | None = None
    """The macvlan of use_vmac that it runs with; `interface` is the one beneath it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """keepalived's package; `version` is None when it is not installed."""

    manager: PackageManager | None
    """None: a system whose packages vipbook does not know."""
    version: str | None
    candidate: str | None = None
    """What would be installed; None where nobody knows without asking the network."""
    system: str = ""
    """The system's name for people, from os-release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Everything one server said in one round trip."""

    host: str
    package: Reading[Package]
    config: Reading[ConfigFile]
    service: Reading[Service]
    instances: Reading[tuple[Instance, ...]]
    """As the round trip began."""
    later: Reading[tuple[Instance, ...]]
    """As it ended, at least one advert interval later where the server is backup."""
    between_s: Reading[float]
    """From the first look to the second."""
    interfaces: Reading[tuple[Interface, ...]]
    firewall: Reading[Firewall]
    sysctl_file: Reading[ConfigFile]
    """Our own file in /etc/sysctl.d."""
    arp_announce: Reading[Mapping[str, int]]
    """net.ipv4.conf.*.arp_announce by interface, `all` among them."""
    declared: Reading[Declared] = _NOT_ASKED
    """What keepalived is told, by all files; asked by what changes a server alone."""
