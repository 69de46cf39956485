"""What a change window expects, as an operator writes it.

CLUSTER moves to SERVER            the VIPs of the cluster
HOST down                          it will not answer
keepalived on SERVER changes       package, configuration, service; also: firewall, sysctl
ADDRESS changes                    an IP address or a MAC address, anywhere
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from tasks.model.cluster import Cluster
from tasks.model.errors import IntentError
from tasks.model.mac import MacAddress
from tasks.model.window import Expectation

TOPICS = ("keepalived", "firewall", "sysctl")
_FORMS = "'CLUSTER moves to SERVER', 'HOST down', 'keepalived|firewall|sysctl on SERVER changes', 'ADDRESS changes'"


def parse_expectations(texts: Sequence[str], clusters: Sequence[Cluster]) -> tuple[Expectation, ...]:
    """All of them, each once; IntentError with every one that says nothing about these clusters."""
    problems: list[str] = []
    found: dict[str, Expectation] = {}
    for text in texts:
        try:
            each = _parse(" ".join(text.split()), clusters)
        except IntentError as error:
            problems.append(f"--expect {text!r}: {error}")
        else:
            found[each.text] = each
    problems += _nobody_left(tuple(found.values()), clusters)
    if problems:
        raise IntentError(*problems)
    return tuple(found.values())


def _parse(text: str, clusters: Sequence[Cluster]) -> Expectation:
    match text.split(" "):
        case [name, "moves", "to", server]:
            return _moves(text, name, server, clusters)
        case [host, "down"]:
            known = [each for cluster in clusters for each in cluster.hosts()]
            return Expectation(text=text, kind="down", about=_one_of(host, known, "host"))
        case [topic, "on", server, "changes"]:
            servers = [each.name for cluster in clusters for each in cluster.servers]
            about, host = _one_of(topic, TOPICS, "topic"), _one_of(server, servers, "server")
            return Expectation(text=text, kind="topic", about=about, host=host)
        case [address, "changes"]:
            return Expectation(text=text, kind="address", about=_address(address))
    raise IntentError(f"not an expectation; accepted: {_FORMS}")


def _moves(text: str, name: str, server: str, clusters: Sequence[Cluster]) -> Expectation:
    _one_of(name, [cluster.name for cluster in clusters], "cluster of this window")
    cluster = next(each for each in clusters if each.name == name)
    host = _one_of(server, [each.name for each in cluster.servers], f"server of {name}")
    return Expectation(text=text, kind="moves", about=name, host=host)


def _one_of(word: str, known: Sequence[str], what: str) -> str:
    if word not in known:
        raise IntentError(f"no {what} {word!r}; accepted: {', '.join(dict.fromkeys(known))}")
    return word


def _address(word: str) -> str:
    """Normalised as observations have it."""
    for kind in (ip_address, MacAddress):
        try:
            return str(kind(word))
        except ValueError:
            continue
    raise IntentError(f"{word!r} is no IP address and no MAC address; accepted: {_FORMS}")


def _nobody_left(expected: Sequence[Expectation], clusters: Sequence[Cluster]) -> list[str]:
    """A cluster without a server, or without a leaf, can't be judged."""
    down = {each.about for each in expected if each.kind == "down"}
    problems = []
    for cluster in clusters:
        for what, names in (
            ("server", [server.name for server in cluster.servers]),
            ("leaf", list(cluster.fabric.leaves)),
        ):
            if set(names) <= down:
                problems.append(
                    f"--expect: no {what} of {cluster.name} would be left to judge: {', '.join(names)} down"
                )
    moved = {each.about: each.host for each in expected if each.kind == "moves"}
    problems += [
        f"--expect: {name} can't move to {host}, which is expected down" for name, host in moved.items() if host in down
    ]
    return problems
