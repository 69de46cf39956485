"""A server as entries: what is installed, configured and running on it, and which VIPs it bears."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tasks.judge.instances import instance_of
from tasks.judge.subject import Subject
from tasks.model.cluster import Server
from tasks.model.mask import masked
from tasks.model.reading import Reading
from tasks.model.server import ConfigFile, Instance, Interface, Package, ServerFacts, Service
from tasks.model.snapshot import Row
from tasks.model.text import readable
from tasks.server.firewall.model import Firewall

_SAVED_COUNTER = re.compile(r"\[\d+:\d+\]")
KEEPALIVED, FIREWALL, SYSCTL = "keepalived", "firewall", "sysctl"
TOPICS = (KEEPALIVED, FIREWALL, SYSCTL)
"""What an operator may say changes on a server; each is a table."""
Table = tuple[str, Reading[Any], Callable[[Any], Iterator[Row]]]


def server_tables(subject: Subject, server: Server, facts: ServerFacts) -> Iterator[Table]:
    """Each table of one server: its name, what was read, and what makes entries of it."""
    yield KEEPALIVED, facts.package, _package
    yield KEEPALIVED, facts.config, lambda value: _file("keepalived.conf", value)
    yield KEEPALIVED, facts.service, _service
    yield KEEPALIVED, facts.later, _instances
    yield "VRRP", facts.later, lambda value: _roles(subject, server, value)
    yield "address", facts.interfaces, lambda value: _interfaces(subject, server, value)
    yield FIREWALL, facts.firewall, _firewall
    yield SYSCTL, facts.sysctl_file, lambda value: _file("90-vipbook.conf", value)
    yield SYSCTL, facts.arp_announce, lambda value: _announce(server, value)


def _package(value: Package) -> Iterator[Row]:
    yield Row(key="package", fields={"version": value.version or "not installed"})


def _file(key: str, value: ConfigFile) -> Iterator[Row]:
    if value.text is not None:
        mode = f"{value.mode:o}" if value.mode is not None else ""
        yield Row(key=key, fields={"text": masked(value.text), "owner": f"{value.owner}:{value.group}", "mode": mode})


def _service(value: Service) -> Iterator[Row]:
    # The pid tells of a restart, which is no small thing: it gives the VIP away.
    yield Row(key="service", fields={"active": value.active, "enabled": value.enabled, "pid": str(value.main_pid)})


def _instances(rows: tuple[Instance, ...]) -> Iterator[Row]:
    """What each instance runs with; its state is a table of its own."""
    for row in rows:
        fields = {
            "vrid": str(row.vrid),
            "interface": row.interface,
            "priority": str(row.base_priority),
            "version": str(row.version),
            "advert_int": f"{row.advert_int:g}",
            "preempt": "no" if row.nopreempt else "yes",
            "vips": ", ".join(map(str, row.vips)),
            "virtual MAC": row.vmac_interface or "no",
        }
        yield Row(key=f"instance {row.name}", fields=fields)


def _roles(subject: Subject, server: Server, rows: tuple[Instance, ...]) -> Iterator[Row]:
    row = instance_of(rows, subject.cluster, server)
    if row is not None:
        fields = {"state": row.state, "effective priority": str(row.effective_priority)}
        # The intent's name: a virtual router is the same one under any that a configuration gives it.
        yield Row(key=subject.cluster.instance, fields=fields, systems=(server.name,))


def _interfaces(subject: Subject, server: Server, rows: tuple[Interface, ...]) -> Iterator[Row]:
    """The interfaces that the cluster stands on, and wherever else a VIP of it is; the rest is the server's own."""
    cluster = subject.cluster
    named = {server.interface, cluster.bearing_interface(server)}
    vips = {vip.ip for vip in cluster.vips}
    for row in rows:
        if row.name in named:
            yield Row(key=row.name, fields={"up": "yes" if row.up else "no", "mac": str(row.mac)})
        for address in row.addresses:
            if address.ip in vips or (row.name in named and not address.ip.is_link_local):
                yield Row(key=f"{row.name} {address}", fields={"bears": "yes"}, addresses=(str(address.ip),))


def _firewall(value: Firewall) -> Iterator[Row]:
    yield Row(key="manager", fields={"name": value.manager, "at boot": "yes" if value.at_boot else "no"})
    for chain in value.chains:
        rules = "\n".join(rule.steady for rule in chain.rules)
        yield Row(key=chain.place, fields={"policy": chain.policy, "rules": rules})
    for key, text in value.texts.items():
        if text is not None:
            yield Row(key=key, fields={"text": readable(_SAVED_COUNTER.sub("[0:0]", text))})


def _announce(server: Server, value: Mapping[str, int]) -> Iterator[Row]:
    for name in ("all", server.interface):
        if name in value:
            yield Row(key=f"arp_announce {name}", fields={"value": str(value[name])})
