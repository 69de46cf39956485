"""What the answers of one server mean."""

from __future__ import annotations

import re
from dataclasses import replace

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.reading import Read, Reading, Unread
from tasks.model.server import Firewall, ServerFacts
from tasks.model.text import readable
from tasks.observe.firewall import parse_firewall
from tasks.observe.keepalived_files import declared
from tasks.observe.keepalived_json import BETWEEN, SECOND, first
from tasks.observe.package import package
from tasks.observe.questions import CONFIG, FIREWALL_FILES, INTERFACES, NFTABLES_SNIPPET, SYSCTL
from tasks.observe.readings import Garbled, reading
from tasks.observe.service import service
from tasks.observe.shell import NOT_ASKED
from tasks.observe.sysctl import ARP_ANNOUNCE


def server_facts(host: str, reply: Reply, interfaces: tuple[str, ...] = ()) -> ServerFacts:
    """The answers as types. A host that gave none has every reading Unread, with the reason.

    `interfaces` are those that adverts come in by; firewalld's zones depend on them.
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
        firewall=_firewall(reply, interfaces),
        sysctl_file=SYSCTL.read(reply),
        arp_announce=ARP_ANNOUNCE.read(reply),
        declared=declared(reply),
    )


_FIREWALL_ANSWERS = (
    "units",
    "iptables",
    "ip6tables",
    "iptables-legacy",
    "ruleset",
    "firewall files",
    "nftables includes",
    "firewalld",
    "ufw",
)


def _firewall(reply: Reply, interfaces: tuple[str, ...]) -> Reading[Firewall]:
    """One reading from several answers; what is not installed or not there is an answer too."""
    if not isinstance(reply, Answers):
        return Unread(reason=reply.reason, source=None)
    asked: dict[str, Answer] = {}
    for key in _FIREWALL_ANSWERS:
        answer = reply.by_key.get(key)
        if answer is None:
            return Unread(reason="the round trip ended before the firewall was read", source=None)
        unasked = answer.status == NOT_ASKED or _no_program(answer) or _no_table(answer)
        if answer.status != 0 and not unasked and key != "ufw":
            return reading(answer, _never)
        asked[key] = answer
    texts = {key: "" if answer.status else answer.stdout for key, answer in asked.items()}
    # The source shown is that of the tool that rules.
    shown = asked["ruleset"]
    if asked["firewalld"].status == 0:
        shown = asked["firewalld"]
    elif asked["iptables"].stdout.count("\n") > _EMPTY:
        shown = asked["iptables"]
    found = reading(
        asked["units"],
        lambda text: parse_firewall(
            text,
            texts["iptables"],
            texts["ruleset"],
            _files(readable(texts["firewall files"])),
            ip6tables=texts["ip6tables"],
            legacy=texts["iptables-legacy"],
            firewalld=texts["firewalld"] or None,
            ufw_knows=asked["ufw"].status == 0,
            interfaces=interfaces,
            includes=texts["nftables includes"],
        ),
    )
    if isinstance(found, Read):
        found = Read(value=_exact(found.value, texts["firewall files"]), source=found.source)
    return replace(found, source=shown)


def _exact(firewall: Firewall, text: str) -> Firewall:
    """The two texts that are edited and written back, byte for byte; nothing else is."""
    files = _files(text)
    return replace(
        firewall,
        persistent=files[firewall.path] if firewall.persistent is not None else None,
        persistent6=files[firewall.path6] if firewall.persistent6 is not None else None,
    )


_EMPTY = 3
"""Lines that `iptables -S` prints where there is nothing but policies."""


def _files(text: str) -> dict[str, str | None]:
    """Texts by path; `snippet` is our own nftables file."""
    marks = "|".join(map(re.escape, FIREWALL_FILES))
    _, *parts = re.split(rf"\n== ({marks})\n", text)
    found = {path: None if body == "== none\n" else body for path, body in zip(parts[::2], parts[1::2], strict=True)}
    missing = set(FIREWALL_FILES) - set(found)
    if missing:
        raise Garbled(f"{min(missing)} was not read")
    return {**found, "snippet": found[NFTABLES_SNIPPET]}


def _no_program(answer: Answer) -> bool:
    return answer.status in {1, 127} and "command not found" in answer.stderr


def _no_table(answer: Answer) -> bool:
    """The kernel has no such family or table, so nothing filters there; a lack of permission is something else."""
    return "can't initialize" in answer.stderr and "Permission denied" not in answer.stderr


def _never(text: str) -> Firewall:
    raise Garbled(text)
