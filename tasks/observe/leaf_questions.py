"""What a leaf is asked in one round trip. Light to import: leaves are asked before their answers can be read.

All is asked per VNI and per type: whole tables are large, and printing bgpd's has exhausted the memory of real
switches. Where vtysh may not be used the same script asks NVUE and NCLU in its place, as far as the leaf has them and
whatever its release: their answers have the key of the question and ` nvue` or ` nclu` behind it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from tasks.model.address import IpAddress
from tasks.model.answer import Command
from tasks.model.cluster import Cluster
from tasks.model.mac import MacAddress
from tasks.observe.helpers import fed_function
from tasks.observe.shell import BRIDGE, IPROUTE, NOT_ASKED, VTYSH, iproute, which

NVUE = "nvue"
NCLU = "nclu"
_FRR, _FDB = "frr-show", "bridge-fdb"
_TOOLS = ("vtysh", "nv", "net", "lldpctl")
# Debian lets nobody but root and its own group execute it: to this user it is there, and no command.
_HAS_LLDP = "command -v lldpctl >/dev/null 2>&1 || [ -e /usr/sbin/lldpctl ]"
_LLDP = f"if {_HAS_LLDP}; then sudo -n lldpctl -f json; else (exit {NOT_ASKED}); fi"
_CLOCK = "+%a %b %e %H:%M:%S %Y"
"""As ctime(3) prints it, because FRR prints its times so, without a zone."""


def leaf_commands(clusters: Sequence[Cluster]) -> tuple[Command, ...]:
    """Everything that is asked of a leaf that carries the VLANs of these clusters, each question once."""
    asked = [_tools()]
    for cluster in clusters:
        asked += [iproute(f"neighbors {vip.ip}", "ip", "neigh", "show", "to", str(vip.ip)) for vip in cluster.vips]
        # Without privilege `bridge fdb show` prints nothing at all, which must not be taken for an empty table. Its
        # filter by VLAN drops the rows of the VXLAN device, which have none.
        fabric = cluster.fabric
        fdb = iproute(f"fdb {fabric.vni}", "bridge", "fdb", "show", "br", fabric.bridge, run_as="vipbook_bridge")
        asked.append(replace(fdb, helper=_FDB))
        asked += _tables(fabric.vni)
        for vip in cluster.vips:
            asked += _moves(cluster, vip.ip)
    asked += _of_the_leaf()
    return tuple({command.key: command for command in asked}.values())


def locate_commands(cluster: Cluster, query: IpAddress | MacAddress) -> tuple[Command, ...]:
    """What a leaf is asked to find any address or MAC: the tables as ever, and how long the entry has been there.

    The kernel can't be asked for the neighbors of a MAC; those of the SVI are read, and the MAC's picked out.
    """
    vni = cluster.fabric.vni
    what = f"mac vni {vni} mac {query}" if isinstance(query, MacAddress) else f"arp-cache vni {vni} ip {query}"
    asked = [*leaf_commands([cluster]), *_ask(f"entry {vni}", f"show evpn {what} json", nvue=None)]
    if isinstance(query, MacAddress):
        asked.append(iproute(f"neighbors {query}", "ip", "neigh", "show", "dev", cluster.fabric.svi))
    return tuple(asked)


def _tools() -> Command:
    """The functions that the other questions call; as an answer of its own, which programs the leaf has."""
    asked_as_root = fed_function(_FRR) + fed_function(_FDB)
    fragment = f"{asked_as_root}{IPROUTE}{BRIDGE}{VTYSH}{which(*_TOOLS)}"
    return Command(key="tools", argv=("command", "-v", *_TOOLS), fragment=fragment)


def _tables(vni: int) -> list[Command]:
    """What zebra and bgpd hold of one VNI."""
    of_vni = f"evpn vni {vni}"
    return [
        *_ask(f"macs {vni}", f"show evpn mac vni {vni} json", nvue=f"{of_vni} mac"),
        *_ask(f"arp {vni}", f"show evpn arp-cache vni {vni} json", nvue=f"{of_vni} host"),
        *_ask(
            f"paths {vni}",
            f"show bgp l2vpn evpn route vni {vni} type macip json",  # the number 2 is understood from FRR 7.5 on
            nvue="vrf default router bgp address-family l2vpn-evpn route",
            nclu_first=True,  # its JSON is FRR's own, while NVUE's form of routes is documented nowhere
        ),
        *_ask(f"vni {vni}", f"show evpn vni {vni} json", nvue=of_vni),
    ]


def _moves(cluster: Cluster, vip: IpAddress) -> list[Command]:
    """What duplicate detection holds against the VIP; with a virtual MAC it is that MAC that moves and is counted.

    Only the text of a single entry tells when counting began; the count in JSON stays when its window is long over.
    """
    vni = cluster.fabric.vni
    if cluster.vmac is None:
        question, nvue = f"show evpn arp-cache vni {vni} ip {vip}", f"evpn vni {vni} host {vip}"
    else:
        question, nvue = f"show evpn mac vni {vni} mac {cluster.vmac}", f"evpn vni {vni} mac {cluster.vmac}"
    return _ask(f"moves {vip}", question, nvue=nvue)


def _of_the_leaf() -> list[Command]:
    """What does not depend on a VNI. The clock is read right behind the moves that are told by it."""
    return [
        Command(key="clock text", argv=("date", _CLOCK)),
        *_ask("detection", "show evpn json", nvue="evpn dad"),
        # Up to FRR 8.5 JSON has 0 both for "warn only" and for "freeze permanent": the text alone tells them apart.
        *_ask("detection text", "show evpn", nvue=None),
        *_ask(
            "sessions",
            "show bgp l2vpn evpn summary json",
            nvue="vrf default router bgp neighbor",
            nclu_first=True,
        ),
        Command(key="lldp", argv=("lldpctl", "-f", "json"), sudo=True, fragment=_LLDP),
    ]


def _ask(key: str, question: str, *, nvue: str | None, nclu_first: bool = False) -> list[Command]:
    """Ask vtysh; behind it, where it is refused, NVUE and NCLU until one of them answers.

    `cumulus` is not in group frrvty, so vtysh needs sudo; -c never starts a pager.
    """
    fragment = f"vipbook_vtysh {shlex.quote(question)}"
    asked = [Command(key=key, argv=("vtysh", "-c", question), sudo=True, helper=_FRR, fragment=fragment)]
    instead = [_instead(f"{key} {NCLU}", ("net", *question.split()))]
    if nvue is not None:
        other = _instead(f"{key} {NVUE}", ("nv", "show", *nvue.split(), "-o", "json"))
        instead.insert(1 if nclu_first else 0, other)
    return asked + instead


def _instead(key: str, argv: tuple[str, ...]) -> Command:
    return Command(key=key, argv=argv, fragment=f"vipbook_instead {shlex.join(argv)}")
