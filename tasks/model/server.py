"""What a server says, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.model.address import IpInterface
from tasks.model.mac import MacAddress
from tasks.model.reading import Reading


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
    vmac_interface: str | None = None
    """The macvlan of use_vmac that it runs with; `interface` is the one beneath it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRule:
    """One rule of an input chain, reduced to what decides on VRRP."""

    text: str
    verdict: str
    """`accept`, `drop`, `reject`, `jump`, `other`."""
    source: str | None
    protocol: str | None
    narrow: bool
    """True when anything but source and protocol narrows what the rule matches."""
    ours: bool
    handle: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChain:
    """A chain on the input hook, with its policy and its rules in order."""

    family: str
    table: str
    name: str
    policy: str
    rules: tuple[FirewallRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """The firewall in charge: `iptables`, `nftables`, `none`, or one that is not handled (`firewalld`, `ufw`)."""

    manager: str
    chains: tuple[InputChain, ...]
    persistent: str | None
    """Text of the file that the firewall's service loads at boot."""
    saved: tuple[InputChain, ...]
    """iptables only: the input chains of that file."""
    snippet: str | None
    """nftables only: text of our own file that the persistent one includes."""
    at_boot: bool = True
    """Is the service enabled that loads the persistent file?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """keepalived's package; `version` is None when it is not installed."""

    manager: str
    version: str | None


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
    interfaces: Reading[tuple[Interface, ...]]
    firewall: Reading[Firewall]
    sysctl_file: Reading[ConfigFile]
    """Our own file in /etc/sysctl.d."""
    arp_announce: Reading[Mapping[str, int]]
    """net.ipv4.conf.*.arp_announce by interface, `all` among them."""
