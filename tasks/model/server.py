"""What a server says, as types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.model.address import IpAddress, IpInterface
from tasks.model.keepalived import Declared
from tasks.model.mac import MacAddress
from tasks.model.reading import Reading, Unread

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

    @property
    def blocks(self) -> bool:
        """Could it keep VRRP out: does it reject or drop it, or send it to a chain that might?

        What else a rule demands is not weighed: a rule that is evaluated before it costs nothing.
        """
        return self.verdict in {"drop", "reject", "jump"} and self.protocol in {None, "vrrp", "ah"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChain:
    """A chain on the input hook, with its policy and its rules in order."""

    family: str
    table: str
    name: str
    policy: str
    rules: tuple[FirewallRule, ...]

    @property
    def first_block(self) -> int | None:
        """Index of the first rule that could keep VRRP out; None when only the policy could."""
        return next((index for index, rule in enumerate(self.rules) if rule.blocks), None)

    @property
    def closes(self) -> bool:
        """Can this chain keep VRRP out at all?"""
        return self.policy != "accept" or self.first_block is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedRule:
    """A rule of firewalld or ufw that opens one protocol from one address, as its manager tells it."""

    text: str
    address: IpAddress
    protocol: str
    ours: bool
    saved: bool
    """In the permanent configuration; else in what runs."""
    zone: str = ""
    """firewalld's zone."""
    behind: str = ""
    """ufw: the rule that could close and stands in front of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSource:
    """firewalld: what comes from `source` falls into this zone, whatever zone its interface is in."""

    zone: str
    source: str
    """An address, a network, a MAC, or `ipset:` and a name."""
    saved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRule:
    """firewalld: a rich rule, or the target of a policy, that decides before a rule of ours. None: whatever it is."""

    text: str
    place: str
    """Where it stands, in words."""
    zones: frozenset[str] | None
    """The zones whose packets it is for."""
    saved: bool
    denies: bool
    """It drops or rejects. Else it accepts whatever is as it says, and nothing behind it decides."""
    version: int | None
    """IP version of its family."""
    source: str | None
    negated: bool
    """It is for all but `source`."""
    protocol: str | None
    in_policy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """A rule of iptables, whole."""

    text: str
    conditions: tuple[tuple[str, str, bool], ...]
    """Option, its value, and whether it is negated."""
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """firewalld: a chain of iptables' that packets pass beside its zones, with all that it may jump to."""

    version: int
    """IP version."""
    table: str
    saved: bool
    start: str
    chains: Mapping[str, Sequence[PathRule]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """The firewall in charge: `iptables`, `nftables`, `firewalld`, `ufw`, `none`, or two of them, joined by `and`."""

    manager: str
    chains: tuple[InputChain, ...]
    persistent: str | None
    """Text of the file that the firewall's service loads at boot; of IPv4 where there are two."""
    saved: tuple[InputChain, ...]
    """iptables only: the input chains of those files."""
    snippet: str | None
    """nftables only: text of our own file that the persistent one includes."""
    made: frozenset[str] | None = None
    """nftables only: the chains that the persistent file makes, as `family table chain`; None when nobody can tell."""
    at_boot: bool = True
    """Is the service enabled that loads the persistent file?"""
    path: str = ""
    """Where the persistent file stands."""
    persistent6: str | None = None
    """iptables: the file of IPv6; ufw: its before6.rules."""
    path6: str = ""
    managed: tuple[ManagedRule, ...] = ()
    """firewalld and ufw: the rules that open a protocol from an address."""
    zones: tuple[tuple[str, str], ...] = ()
    """firewalld: interface and its zone, of each interface that adverts come in by."""
    zones_saved: tuple[tuple[str, str], ...] = ()
    """firewalld: the zones that such an interface may be in after a reload or a boot."""
    sources: tuple[ZoneSource, ...] = ()
    front: tuple[FrontRule, ...] = ()
    """firewalld: what decides before ours, in the order in which packets meet it; policies first."""
    ways: tuple[WayIn, ...] = ()
    """firewalld: its direct rules, and whatever stands between them."""
    knows: bool = True
    """firewalld: has rich rules with priorities (0.7.0 on); ufw: knows protocol vrrp by name (0.36.2 on)."""
    strict6: bool = False
    """firewalld: does it drop what comes in by an interface that the answer would not leave by (IPv6_rpfilter)?"""
    default: str = ""
    """firewalld and ufw: what becomes of a packet that no rule is for, in their own words."""


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
