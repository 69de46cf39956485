"""The vrrp_instances of a configuration, with keepalived's defaults where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_interface

from tasks.model.address import IPV6, IpAddress, IpInterface
from tasks.model.cluster import Family, Secret
from tasks.model.keepalived import DeclaredInstance, KeepalivedConf, Statement

_INTERFACE = "eth0"
_GROUPS = {4: "224.0.0.18", 6: "ff02::12"}
_PRIORITY = 100
_PASSWORD = 8
"""Characters of auth_pass that count (RFC 2338 10.5.2)."""


def declared_instances(conf: KeepalivedConf) -> tuple[DeclaredInstance, ...]:
    """Every vrrp_instance, in its order."""
    settings = _settings(conf)
    return tuple(_instance(each, settings) for each in conf.statements if each.keyword == "vrrp_instance")


def _settings(conf: KeepalivedConf) -> dict[str, str | None]:
    """The first word behind the last statement of each keyword of global_defs; None where there never is one."""
    found: dict[str, str | None] = {}
    for block in conf.statements:
        for each in (block.body or ()) if block.keyword == "global_defs" else ():
            if len(each.words) > 1:
                found[each.keyword] = each.words[1]
            else:
                found.setdefault(each.keyword, None)
    return found


def _instance(block: Statement, settings: Mapping[str, str | None]) -> DeclaredInstance:
    vips = _addresses(block, "virtual_ipaddress")
    named = (_address(each.keyword) for each in block.block("unicast_peer"))
    peers = frozenset(each for each in named if each is not None)
    source = _address(block.value("unicast_src_ip") or block.value("mcast_src_ip") or "")
    family = _family(block, vips, peers, source)
    version = 3 if family == IPV6 else _whole(block.value("version") or settings.get("vrrp_version"), 2)
    own_group = block.value("mcast_dst_ip") or settings.get(f"vrrp_mcast_group{family}")
    return DeclaredInstance(
        name=block.words[1] if len(block.words) > 1 else "",
        vrid=_whole(block.value("virtual_router_id"), 0) or None,
        family=family,
        interface=block.value("interface") or settings.get("default_interface") or _INTERFACE,
        version=version,
        advert_int=_seconds(block.value("advert_int")),
        auth=_auth(block) if version == 2 else None,  # noqa: PLR2004 - VRRPv3 has none (RFC 5798 9)
        cast=("unicast",) if peers else ("multicast", own_group or _GROUPS[family]),
        source=source,
        peers=peers,
        checks_source=block.has("check_unicast_src") or "vrrp_check_unicast_src" in settings,
        vips=vips,
        excluded=_addresses(block, "virtual_ipaddress_excluded"),
        vmac=block.has("use_vmac"),
        priority=_whole(block.value("priority"), _PRIORITY),
        statement=block,
    )


def _family(
    block: Statement, vips: tuple[IpInterface, ...], peers: frozenset[IpAddress], source: IpAddress | None
) -> Family:
    """The first VIP's, as keepalived takes it; where there is none, that of the adverts' addresses."""
    if block.has("native_ipv6"):
        return 6
    first = next((each.version for each in (*vips, *peers, source) if each is not None), 4)
    return 6 if first == IPV6 else 4


def _addresses(block: Statement, keyword: str) -> tuple[IpInterface, ...]:
    """Addresses of a list; /32 or /128 where no prefix is said. What is none is left out."""
    found: list[IpInterface] = []
    for each in block.block(keyword):
        try:
            found.append(ip_interface(each.keyword))
        except ValueError:
            continue
    return tuple(found)


def _address(text: str) -> IpAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _auth(block: Statement) -> tuple[str, Secret] | None:
    inner = Statement(words=("authentication",), body=block.block("authentication"), file=block.file, line=block.line)
    kind = inner.value("auth_type")
    if kind is None:
        return None
    return "AH" if kind == "AH" else "PASS", Secret((inner.value("auth_pass") or "")[:_PASSWORD])


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < _PASSWORD else default


def _seconds(text: str | None) -> float:
    try:
        return float(text) if text is not None else 1.0
    except ValueError:
        return 1.0
