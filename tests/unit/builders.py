"""A healthy cluster, and the means to break one thing of it at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host as NornirHost
from nornir.core.inventory import Hosts, Inventory
from nornir.core.task import MultiResult, Result, Task
from nornir.plugins.runners import SerialRunner

from runbooks.progress import Progress
from tasks.change.faults import fault_of
from tasks.judge.subject import Subject
from tasks.model.address import IpInterface
from tasks.model.answer import Answer, Answers
from tasks.model.cluster import Cluster, Desired, Fabric, Opening, Secret, Server
from tasks.model.drill import Injected
from tasks.model.keepalived import Declared
from tasks.model.leaf import (
    DuplicateDetection,
    EvpnMac,
    EvpnNeighbor,
    EvpnSession,
    FdbRow,
    LeafFacts,
    LldpNeighbor,
    MacIpPath,
    MoveCount,
    Neighbor,
    VniFacts,
)
from tasks.model.mac import MacAddress
from tasks.model.probe import ClientTimers, PingFacts, ProbeFacts, Route
from tasks.model.reading import Read, Unread
from tasks.model.server import ConfigFile, Instance, Interface, Package, ServerFacts, Service
from tasks.server.firewall.backends import judge_of
from tasks.server.firewall.backends.iptables.model import Iptables
from tasks.server.firewall.backends.nftables.model import NFT_INCLUDE, Nftables, nft_snippet
from tasks.server.firewall.backends.nftables.read.ruleset import parse_nft
from tasks.server.firewall.model import Firewall
from tasks.server.firewall.questions import FILES
from tasks.server.firewall.read import parse_firewall
from tasks.server.firewall.xtables.rules import parse_iptables
from tasks.server.keepalived.conf import read_conf
from tasks.server.questions import CONFIG_PATH

AT = datetime(2026, 1, 1, tzinfo=UTC)
VIP = IPv4Interface("100.65.0.10/24")
VIP6 = IPv6Interface("fd00:100:65::10/64")
H1_IP, H2_IP = (Opening(address=IPv4Address(f"100.65.0.{last}")) for last in (11, 12))
MACS = {"H1": MacAddress("08:00:27:7d:af:b4"), "H2": MacAddress("08:00:27:70:07:ae")}
OTHER_MAC = MacAddress("08:00:27:ff:ff:ff")
VMAC = MacAddress("00:00:5e:00:01:0b")
VTEPS = {"L1": "10.255.0.11", "L2": "10.255.0.12", "L3": "10.255.0.13"}
CONFIG = "vrrp_instance VI_web {\n    authentication {\n        auth_pass hunter22\n    }\n}\n"
NOT_ASKED = Unread(reason="was not asked", source=None)
GONE = Unread(reason="no connection to 127.0.0.1:22", source=None)

TIMERS = ClientTimers(
    interface="eth1", base_reachable_s=30.0, delay_first_probe_s=5.0, unicast_probes=3, retransmit_s=1.0
)

CLUSTERS_YAML = """\
clusters:
  web:
    vrid: 11
    vips: [100.65.0.10/24]
    version: 2
    advert_int: 1
    auth_pass: {clear: hunter22}
    servers:
      H1: {interface: enp0s8, address: 100.65.0.11/24, priority: 100, leaf: L1, port: swp1}
      H2: {interface: enp0s8, address: 100.65.0.12/24, priority: 1, leaf: L2, port: swp1}
    fabric:
      vni: 100
      svi: vlan100
      vrr: vlan100-v0
      vxlan: vni100
      leaves: [L1, L2]
    probes: [I1]
"""

IPTABLES = """\
-P INPUT ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
"""
RULES_V4 = """\
# Written by hand when this server was set up.
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
-A INPUT -j ACCEPT
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "answers to what we asked" -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
COMMIT
# Completed on Thu Jan  1 00:00:00 2026
"""
OUR_LINE = "-A INPUT -s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT\n"
NFTABLES_CONF = "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n}\n"


def server(name: str, **changed: Any) -> Server:  # noqa: ANN401
    first = name == "H1"
    fields: dict[str, Any] = {
        "name": name,
        "interface": "enp0s8",
        "address": IPv4Interface("100.65.0.11/24" if first else "100.65.0.12/24"),
        "priority": 100 if first else 1,
        "leaves": ("L1" if first else "L2",),
        "port": "swp1",
    }
    return Server(**(fields | changed))


def fabric(**changed: Any) -> Fabric:  # noqa: ANN401
    fields: dict[str, Any] = {
        "vni": 100,
        "svi": "vlan100",
        "vrr": "vlan100-v0",
        "vxlan": "vni100",
        "bridge": "vlan100",
        "vlan": None,
        "leaves": ("L1", "L2", "L3"),
        "allowance_s": 1.0,
    }
    return Fabric(**(fields | changed))


def cluster(**changed: Any) -> Cluster:  # noqa: ANN401
    fields: dict[str, Any] = {
        "name": "web",
        "vrid": 11,
        "version": 2,
        "advert_int": 1.0,
        "preempt": True,
        "unicast": False,
        "auth_pass": Secret("hunter22"),
        "vips": (VIP,),
        "servers": (server("H1"), server("H2")),
        "fabric": fabric(),
        "probes": ("I1", "C1"),
    }
    return Cluster(**(fields | changed))


def answer(host: str, command: str = "some command", stdout: str = "", status: int = 0, stderr: str = "") -> Answer:
    return Answer(host=host, command=command, status=status, stdout=stdout, stderr=stderr, at=AT)


def answers(host: str, **stdout: str) -> Answers:
    by_key = {key: answer(host, key, text) for key, text in stdout.items()}
    return Answers(host=host, by_key=by_key, clock_offset_s=0.0)


def instance(host: str, state: str, **changed: Any) -> Instance:  # noqa: ANN401
    fields: dict[str, Any] = {
        "name": "VI_web",
        "vrid": 11,
        "interface": "enp0s8",
        "state": state,
        "base_priority": server(host).priority,
        "effective_priority": server(host).priority,
        "version": 2,
        "advert_int": 1.0,
        "nopreempt": False,
        "vips": (VIP,),
        "last_transition": 1767225600.0,
        "adverts_received": 10,
        "adverts_sent": 20,
    }
    return Instance(**(fields | changed))


def interface(host: str, *addresses: str, name: str = "enp0s8") -> Interface:
    return Interface(name=name, mac=MACS[host], up=True, addresses=tuple(IPv4Interface(each) for each in addresses))


def iptables(text: str = IPTABLES, saved: str | None = RULES_V4) -> Iptables:
    return Iptables(
        chains=parse_iptables(text),
        persistent=saved,
        saved=parse_iptables(saved or ""),
        path="/etc/iptables/rules.v4",
        path6="/etc/iptables/rules.v6",
        persistent6=None,
    )


NO_FILE = "== none\n"
_ALL = object()


def equals(field: str, value: object) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": field}}, "right": value}}


def nft_ours(peer: str, handle: int = 9, chain: str = "input") -> dict[str, Any]:
    """Our rule as `nft -j` prints it."""
    return nft_json_rule(
        equals("saddr", peer), equals("protocol", "vrrp"), {"accept": None}, handle=handle, chain=chain, ours=True
    )


def nft_json_rule(
    *expressions: dict[str, Any], handle: int = 3, chain: str = "input", ours: bool = False
) -> dict[str, Any]:
    rule = {"family": "inet", "table": "filter", "chain": chain, "handle": handle, "expr": list(expressions)}
    return {"rule": rule | ({"comment": "vipbook"} if ours else {})}


def nft_chain(*, name: str = "input", policy: str = "drop") -> dict[str, Any]:
    chain = {"family": "inet", "table": "filter", "name": name, "handle": 1, "type": "filter", "prio": 0}
    return {"chain": chain | {"hook": "input", "policy": policy}}


REJECT = nft_json_rule({"reject": {"type": "icmpx", "expr": "admin-prohibited"}}, handle=7)


def nftables(*entries: dict[str, Any], conf: str | None = None, snippet: object = _ALL) -> Nftables:
    """`snippet` left out is what the chains deserve; `conf` left out includes it."""
    objects = entries or (nft_chain(), nft_ours("100.65.0.11"), REJECT)
    chains = parse_nft(json.dumps({"nftables": [{"metainfo": {"json_schema_version": 1}}, *objects]}))
    return Nftables(
        chains=chains,
        persistent=f"{NFTABLES_CONF}{NFT_INCLUDE}\n" if conf is None else conf,
        snippet=nft_snippet(chains, (H1_IP,)) if snippet is _ALL else snippet,  # type: ignore[arg-type]
        path="/etc/nftables.conf",
    )


def firewall_of(
    units: str,
    iptables: str,
    ruleset: str,
    files: Mapping[str, str | None],
    *,
    ip6tables: str = "",
    legacy: str = "",
    firewalld: str = "",
    ufw_knows: bool = True,
    interfaces: tuple[str, ...] = (),
    includes: str | None = None,
) -> Any:  # noqa: ANN401 - the type of one of them
    """What is read of a server that says this; `files`: texts by path."""
    bodies = {path: files.get(path) for path in FILES}
    written = [f"\n== {path}\n{NO_FILE if body is None else body}" for path, body in bodies.items()]
    texts = {
        "iptables": iptables,
        "ip6tables": ip6tables,
        "iptables-legacy": legacy,
        "ruleset": ruleset,
        "firewall files": "".join(written),
        "firewalld": firewalld,
        **({} if includes is None else {"nftables includes": includes}),
    }
    succeeded = frozenset({"ufw"}) if ufw_knows else frozenset[str]()
    return parse_firewall(units, texts, succeeded=succeeded, interfaces=interfaces)


def open_now(firewall: Firewall, opening: Opening) -> bool:
    """As the check judges it."""
    return _is_open(firewall, opening, saved=False)


def open_after_boot(firewall: Firewall, opening: Opening) -> bool:
    return _is_open(firewall, opening, saved=True)


def _is_open(firewall: Firewall, opening: Opening, *, saved: bool) -> bool:
    judge = judge_of(firewall)
    assert judge is not None
    found: bool = judge.is_open(firewall, opening, saved=saved)
    return found


def read(host: str, value: Any, command: str = "some command") -> Read[Any]:  # noqa: ANN401
    return Read(value=value, source=answer(host, command, "raw"))


def readings(host: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Every value as a reading; what is Unread already stays so."""
    return {
        name: value if isinstance(value, Unread | str) else read(host, value, f"read {name}")
        for name, value in fields.items()
    }


def config_file(**changed: Any) -> ConfigFile:  # noqa: ANN401
    fields: dict[str, Any] = {"text": CONFIG, "owner": "root", "group": "root", "mode": 0o640, "modified_at": 100.0}
    return ConfigFile(**(fields | changed))


def service(**changed: Any) -> Service:  # noqa: ANN401
    fields: dict[str, Any] = {"active": "active", "enabled": "enabled", "main_pid": 77, "loaded_at": 101.0}
    return Service(**(fields | changed))


def server_facts(host: str, *, master: bool | None = None, **changed: Any) -> ServerFacts:  # noqa: ANN401
    """H1 is master behind iptables, H2 backup behind nftables. `changed` takes plain values or Unread."""
    leads = host == "H1" if master is None else master
    state = "master" if leads else "backup"
    own = str(server(host).address)
    fields: dict[str, Any] = {
        "package": Package(manager="apt", version="1:2.2.7-1+b2"),
        "config": config_file(),
        "service": service(),
        "instances": (instance(host, state),),
        "later": (instance(host, state, adverts_received=10 if leads else 12),),
        "between_s": 2.0,
        "interfaces": (interface(host, own, str(VIP)) if leads else interface(host, own),),
        "firewall": iptables() if host == "H1" else nftables(),
        "sysctl_file": config_file(text=None, owner=None, group=None, mode=None, modified_at=None),
        "arp_announce": {"all": 0, "default": 0, "enp0s8": 0},
    }
    given = fields | changed
    file = given["config"]
    given.setdefault("declared", declared(file.text if isinstance(file, ConfigFile) else CONFIG))
    return ServerFacts(host=host, **readings(host, given))


def declared(text: str | None, **changed: Any) -> Declared:  # noqa: ANN401
    """What the helper says of a file that vipbook wrote, and that no other hand touched."""
    fields: dict[str, Any] = {
        "config": None if text is None else read_conf(CONFIG_PATH, {CONFIG_PATH: text}, {}),
        "marked": True,
        "untouched": True,
        "example": False,
        "modified_at": 100.0,
    }
    return Declared(**(fields | changed))


def neighbor(mac: MacAddress | None, *, interface: str = "vlan100", remote: bool, **changed: Any) -> Neighbor:  # noqa: ANN401
    fields: dict[str, Any] = {
        "address": VIP.ip,
        "interface": interface,
        "mac": mac,
        "states": frozenset({"NOARP" if remote else "REACHABLE"}),
        "extern_learn": remote,
        "permanent": False,
    }
    return Neighbor(**(fields | changed))


def fdb_row(mac: MacAddress, port: str, *, vtep: str | None = None, **changed: Any) -> FdbRow:  # noqa: ANN401
    fields: dict[str, Any] = {
        "mac": mac,
        "interface": port,
        "bridge": None if vtep else "vlan100",
        "vlan": None,
        "vtep": IPv4Address(vtep) if vtep else None,
        "vni": None,
        "extern_learn": port == "vni100",
        "permanent": False,
    }
    return FdbRow(**(fields | changed))


def evpn_mac(mac: MacAddress, *, port: str | None = None, vtep: str | None = None, **changed: Any) -> EvpnMac:  # noqa: ANN401
    fields: dict[str, Any] = {
        "mac": mac,
        "kind": "local" if port else "remote",
        "interface": port,
        "vtep": vtep,
        "local_sequence": 0,
        "remote_sequence": 0,
        "duplicate": False,
    }
    return EvpnMac(**(fields | changed))


def evpn_neighbor(mac: MacAddress | None, *, vtep: str | None = None, **changed: Any) -> EvpnNeighbor:  # noqa: ANN401
    fields: dict[str, Any] = {
        "address": str(VIP.ip),
        "kind": "remote" if vtep else "local",
        "state": "active",
        "mac": mac,
        "vtep": vtep,
        "local_sequence": 0,
        "remote_sequence": 0,
        "duplicate": False,
    }
    return EvpnNeighbor(**(fields | changed))


def path(mac: MacAddress, vtep: str, **changed: Any) -> MacIpPath:  # noqa: ANN401
    fields: dict[str, Any] = {
        "address": str(VIP.ip),
        "mac": mac,
        "vtep": vtep,
        "best": True,
        "valid": True,
        "sequence": 0,
        "rd": None,
    }
    return MacIpPath(**(fields | changed))


def leaf_facts(
    leaf: str,
    *,
    owner: str = "H1",
    mac: MacAddress | None = None,
    vip: IpInterface = VIP,
    **changed: Any,  # noqa: ANN401
) -> LeafFacts:
    """Everything a leaf says while `owner` bears the VIP. `changed` takes plain values or Unread."""
    mac, home = mac or MACS[owner], server(owner).leaves[0]
    vtep, address = None if leaf == home else VTEPS[home], str(vip.ip)
    bridge_row = fdb_row(mac, "vni100" if vtep else "swp1")
    fields: dict[str, Any] = {
        "neighbors": (neighbor(mac, remote=vtep is not None, address=vip.ip),),
        "fdb": (bridge_row, fdb_row(mac, "vni100", vtep=vtep)) if vtep else (bridge_row,),
        "evpn_macs": (evpn_mac(mac, port=None if vtep else "swp1", vtep=vtep),),
        "evpn_neighbors": (evpn_neighbor(mac, vtep=vtep, address=address),),
        "paths": (path(mac, VTEPS[home], address=address),),
        "vni": VniFacts(vni=100, local_vtep=VTEPS[leaf], vxlan="vni100"),
        "detection": detection(),
        "moves": MoveCount(moves=0, duplicate=False, began_at=None, now=1_767_225_600.0),
        "sessions": (EvpnSession(peer="swp51", state="Established", prefixes_received=4),),
        "lldp": tuple(lldp(name) for name in MACS if leaf in server(name).leaves),
    }
    return LeafFacts(host=leaf, **readings(leaf, fields | changed))


def detection(**changed: Any) -> DuplicateDetection:  # noqa: ANN401
    fields: dict[str, Any] = {"enabled": True, "max_moves": 5, "window_s": 180, "freeze": "no"}
    return DuplicateDetection(**(fields | changed))


def lldp(system: str, port: str = "swp1") -> LldpNeighbor:
    return LldpNeighbor(port=port, system=system, remote_port="enp0s8")


def ping(received: int = 3, sent: int = 3) -> PingFacts:
    return PingFacts(sent=sent, received=received, rtt_ms=0.4 if received else None)


AWAY = Route(interface="eth1", gateway=IPv4Address("203.0.113.1"))
ON_LINK = Route(interface="eth1", gateway=None)


def probe_facts(value: Any = None, *, host: str = "I1", vip: IpInterface = VIP, **changed: Any) -> ProbeFacts:  # noqa: ANN401
    """A host in another subnet. `changed` takes plain values or Unread."""
    fields: dict[str, Any] = {"pings": ping() if value is None else value, "routes": AWAY, "neighbors": ()}
    fields |= {"timers": TIMERS} | changed
    return ProbeFacts(host=host, **{name: {vip.ip: each} for name, each in readings(host, fields).items()})


def client_facts(mac: MacAddress = MACS["H1"], *, vip: IpInterface = VIP, **changed: Any) -> ProbeFacts:  # noqa: ANN401
    """C1, a host in the VIP's own subnet, that holds a MAC for it."""
    row = neighbor(mac, interface="eth1", remote=False, address=vip.ip)
    return probe_facts(host="C1", vip=vip, **({"routes": ON_LINK, "neighbors": (row,)} | changed))


def desired(host: str, *, config: str = CONFIG) -> Desired:
    return Desired(host=host, config=config, openings=cluster().openings(host))


def injected(host: str) -> Injected:
    """link-down on this host."""
    return fault_of("link-down").on(host)


def subject(*, owner: str = "H1", **changed: Any) -> Subject:  # noqa: ANN401
    """The healthy cluster."""
    fields: dict[str, Any] = {
        "cluster": cluster(),
        "vip": VIP,
        "servers": {
            # What judges alone asks for no files beyond the one.
            name: replace(server_facts(name, master=name == owner), declared=NOT_ASKED)
            for name in ("H1", "H2")
        },
        "leaves": {leaf: leaf_facts(leaf, owner=owner) for leaf in VTEPS},
        "probes": {"I1": probe_facts(), "C1": client_facts(MACS[owner])},
        "desired": {name: desired(name) for name in ("H1", "H2")},
    }
    return Subject(**(fields | changed))


def with_server(whole: Subject, host: str, **values: Any) -> Subject:  # noqa: ANN401
    """The same, but this server says something else."""
    changed = replace(whole.servers[host], **readings(host, values))
    return replace(whole, servers={**whole.servers, host: changed})


def with_leaf(whole: Subject, leaf: str, **values: Any) -> Subject:  # noqa: ANN401
    """The same, but this leaf says something else."""
    changed = replace(whole.leaves[leaf], **readings(leaf, values))
    return replace(whole, leaves={**whole.leaves, leaf: changed})


def with_probe(whole: Subject, host: str, **values: Any) -> Subject:  # noqa: ANN401
    """The same, but this probe host says something else of the VIP."""
    changed = {name: {whole.vip.ip: each} for name, each in readings(host, values).items()}
    return replace(whole, probes={**whole.probes, host: replace(whole.probes[host], **changed)})


def silent_server(host: str) -> ServerFacts:
    names = ("package", "config", "service", "instances", "later", "between_s", "interfaces", "firewall")
    fields = dict.fromkeys((*names, "sysctl_file", "arp_announce"), GONE)
    return ServerFacts(host=host, **fields)


def silent_leaf(leaf: str) -> LeafFacts:
    fields = dict.fromkeys(
        ("neighbors", "fdb", "evpn_macs", "evpn_neighbors", "paths", "vni", "detection", "moves", "sessions", "lldp"),
        GONE,
    )
    return LeafFacts(host=leaf, **fields)


def nornir(*hosts: str) -> Nornir:
    """Nornir with these hosts and nothing else."""
    known = Hosts({name: NornirHost(name=name) for name in hosts})
    return Nornir(inventory=Inventory(hosts=known), runner=SerialRunner())


class Seen(Progress):
    """A processor that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.results: list[Result] = []

    def task_instance_completed(self, task: Task, host: NornirHost, result: MultiResult) -> None:
        self.results.append(result[0])
