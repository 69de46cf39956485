"""The server's interface goes down, as when its cable is pulled."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from ipaddress import ip_interface

from tasks.change.faults import Fault, Injection
from tasks.change.files import sudo
from tasks.intent.outages import LINK_DOWN
from tasks.intent.timers import failback_bound
from tasks.judge.foresight import left_behind
from tasks.model.address import IpInterface
from tasks.model.answer import Answers, Command
from tasks.model.cluster import Server

_BACK_BY_ITSELF = ("proto kernel", "proto ra")
"""Routes that the kernel makes again when the interface comes up."""
_PASSING = {"linkdown", "dead"}
_KEPT = {"nodad", "noprefixroute", "home", "mngtmpaddr"}
"""Words of an IPv6 address that `ip addr` prints and takes."""


def state_commands(server: Server) -> tuple[Command, ...]:
    """What taking the interface down loses, asked before and after."""
    device = server.interface
    return (
        Command(key="routes", argv=("ip", "-4", "route", "show", "table", "all", "dev", device)),
        Command(key="routes6", argv=("ip", "-6", "route", "show", "table", "all", "dev", device)),
        Command(
            key="addresses6", argv=("ip", "-6", "-o", "addr", "show", "dev", device, "scope", "global", "permanent")
        ),
        Command(key="neighbors", argv=("ip", "neigh", "show", "dev", device, "nud", "permanent")),
        # By which address we came: an interface that carries this very session must stay up.
        Command(key="path", argv=("echo", "$SSH_CONNECTION"), fragment='printf "%s\\n" "$SSH_CONNECTION"'),
    )


def link_down(server: Server, state: Answers, vips: Sequence[IpInterface] = ()) -> Injection:
    """The interface loses its routes and its IPv6 addresses, which the undo restores.

    `vips` stay where keepalived has them by then: restored here, they would be on two servers. The macvlan of use_vmac
    comes up again with its parent interface.
    """
    device = server.interface
    lines: list[tuple[str, ...]] = [("ip", "link", "set", "dev", device, "up")]
    lines += [("ip", "-6", "addr", "replace", *words, "dev", device) for words in _addresses(state, vips)]
    lines += [("ip", "neigh", "replace", *words, "dev", device) for words in _neighbors(state)]
    lines += [("ip", "-4", "route", "replace", *words, "dev", device) for words in _routes(state, "routes")]
    routes6 = _routes(state, "routes6")
    undo = [shlex.join(line) for line in lines]
    undo += [_settled(device)] if any("src" in words for words in routes6) else []
    undo += [shlex.join(("ip", "-6", "route", "replace", *words, "dev", device)) for words in routes6]
    return Injection(
        command=sudo("inject", "ip", "link", "set", "dev", device, "down"),
        undo=tuple(undo),
        summary=f"{device} down",
        undone=f"{device} up, routes back",
    )


def _settled(device: str) -> str:
    """Shell line that waits for duplicate address detection: until then no route may name the address as its source."""
    tentative = shlex.join(("ip", "-6", "addr", "show", "dev", device, "tentative"))
    return f"n=0; while [ $n -lt 50 ] && {tentative} | grep -q inet6; do sleep 0.1; n=$((n + 1)); done"


def lost(before: Answers, after: Answers, vips: Sequence[IpInterface] = ()) -> list[str]:
    """Routes and addresses that were there before and are not again; `vips` are keepalived's to move."""
    found = [" ".join(words) for key in ("routes", "routes6") for words in _missing(before, after, key)]
    found += [" ".join(words) for words in _neighbors(before) if words not in _neighbors(after)]
    standing = _addresses(after, vips)
    return found + sorted(" ".join(words) for words in _addresses(before, vips) if words not in standing)


def _missing(before: Answers, after: Answers, key: str) -> list[list[str]]:
    standing = _routes(after, key)
    return [words for words in _routes(before, key) if words not in standing]


def _neighbors(state: Answers) -> list[list[str]]:
    """Static neighbors, as `ip neigh replace` takes them."""
    rows = [line.split() for line in state["neighbors"].stdout.splitlines()]
    return [[*words[:3], "nud", "permanent"] for words in rows if words[1:2] == ["lladdr"]]


def _routes(state: Answers, key: str) -> list[list[str]]:
    """Routes that are on the link come first: the others' gateways are found through them."""
    found = [
        [word for word in line.split() if word not in _PASSING]
        for line in state[key].stdout.splitlines()
        if line.strip() and not any(mark in line for mark in _BACK_BY_ITSELF)
    ]
    return sorted(found, key=lambda words: "via" in words)


def _addresses(state: Answers, vips: Sequence[IpInterface]) -> list[list[str]]:
    """IPv6 addresses of the server's own, as `ip addr replace` takes them."""
    found = []
    moving = {vip.ip for vip in vips}
    for line in state["addresses6"].stdout.splitlines():
        words = line.split()
        if "inet6" not in words:
            continue
        address, *rest = words[words.index("inet6") + 1 :]
        if ip_interface(address).ip not in moving:
            preferred = ["preferred_lft", "0"] if "deprecated" in rest else []
            found.append([address, *(word for word in rest if word in _KEPT), *preferred])
    return found


def refusal(server: Server, state: Answers) -> str | None:
    """Why not: the session would end with the interface."""
    words = state["path"].stdout.split()
    if len(words) > 2 and words[2] == str(server.address.ip):  # noqa: PLR2004 - client, port, server, port
        reached = f"{server.name} is reached through {server.interface}, the interface that link-down takes down"
        return f"{reached}; reach it by another one"
    return None


FAULT = Fault(
    questions=state_commands,
    refusal=refusal,
    injection=link_down,
    lost=lost,
    foreseen=left_behind,
    ending=LINK_DOWN,
    failback=failback_bound,
    effect="taken down",
    excused=frozenset({"interface"}),
)
