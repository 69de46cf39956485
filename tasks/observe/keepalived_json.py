"""What keepalived tells of itself in its JSON file (signal JSON), in both forms of `json_version`.

The text may hold `auth_data`, a secret: it goes no further than this parser.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, ip_interface
from typing import Any

from tasks.model.observation import Instance
from tasks.observe.json_text import documents, flag, mapping, number, optional_word, sequence, whole, word
from tasks.observe.readings import Garbled, converted, shortened

_STATES = {0: "init", 1: "backup", 2: "master", 3: "fault"}


def parse_instances(text: str) -> tuple[Instance, ...]:
    """Every vrrp_instance. keepalived writes the file in place, so an unfinished one is Garbled: ask again."""
    found = documents(text)
    if len(found) != 1:
        raise Garbled(f"{len(found)} documents where one was expected")
    entries = found[0]
    if isinstance(entries, dict):  # json_version 2, from 2.2.8 on
        entries = entries.get("vrrp")
    return tuple(_instance(mapping(entry, "an instance")) for entry in sequence(entries, "the list of instances"))


def _instance(entry: dict[str, Any]) -> Instance:
    data = mapping(entry.get("data"), "'data'")
    stats = mapping(entry.get("stats"), "'stats'")
    state = whole(data, "state")
    return Instance(
        name=word(data, "iname"),
        vrid=whole(data, "vrid"),
        interface=optional_word(data, "ifp_ifname") or "",  # left out while the interface is gone (FAULT)
        state=_STATES.get(state, str(state)),
        base_priority=whole(data, "base_priority"),
        effective_priority=whole(data, "effective_priority"),
        version=whole(data, "version"),
        advert_int=number(data, "adver_int"),
        nopreempt=flag(data, "nopreempt"),
        vips=_vips(sequence(data.get("vips", []), "'vips'")),  # left out when there are none
        last_transition=number(data, "last_transition"),
        adverts_received=whole(stats, "advert_rcvd"),
        adverts_sent=whole(stats, "advert_sent"),
    )


def _vips(entries: list[Any]) -> tuple[IPv4Interface, ...]:
    """Entries read `192.0.2.10/24 dev eth1 scope global set`; IPv6 ones are left out."""
    vips: list[IPv4Interface] = []
    for entry in entries:
        if not isinstance(entry, str) or not entry.strip():
            raise Garbled(f"not a VIP: {shortened(repr(entry))}")
        vip = converted(ip_interface, entry.split()[0])
        if isinstance(vip, IPv4Interface):
            vips.append(vip)
    return tuple(vips)
