"""What the answers of one server mean."""

from __future__ import annotations

from tasks.model.answer import Reply
from tasks.model.server import ServerFacts
from tasks.server.firewall.read import read_firewall
from tasks.server.keepalived.files import declared
from tasks.server.keepalived.service import service
from tasks.server.keepalived.state import BETWEEN, SECOND, first
from tasks.server.package import package
from tasks.server.questions import CONFIG, INTERFACES, SYSCTL
from tasks.server.sysctl import ARP_ANNOUNCE


def server_facts(host: str, reply: Reply, interfaces: tuple[str, ...] = ()) -> ServerFacts:
    """The answers as types. A host that gave none has every reading Unread, with the reason.

    `interfaces` are those that adverts come in by; what a firewall lets in may depend on them.
    """
    return ServerFacts(
        host=host,
        package=package(reply),
        config=CONFIG.read(reply),
        service=service(reply),
        instances=first().read(reply),
        later=SECOND.read(reply),
        between_s=BETWEEN.read(reply),
        interfaces=INTERFACES.read(reply),
        firewall=read_firewall(reply, interfaces),
        sysctl_file=SYSCTL.read(reply),
        arp_announce=ARP_ANNOUNCE.read(reply),
        declared=declared(reply),
    )
