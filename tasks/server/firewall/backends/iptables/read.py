"""Is iptables in charge, and which files will be loaded?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tasks.model.answer import Answer
from tasks.server.firewall.backend import Found, Reader, Told
from tasks.server.firewall.backends.iptables.model import Iptables
from tasks.server.firewall.backends.iptables.questions import FILES, FILES6, LEGACY, LEGACY6
from tasks.server.firewall.model import Firewall
from tasks.server.firewall.xtables import PROGRAMS
from tasks.server.firewall.xtables.rules import parse_iptables

_EMPTY = 3
"""Lines that `iptables -S` prints where there is nothing but policies."""


def _detect(told: Told) -> Found | None:
    there = {"iptables": bool(told.filtering) and not told.claimed, LEGACY: _closes_legacy(told.texts.get(LEGACY, ""))}
    names = tuple(name for name, is_there in there.items() if is_there)
    if not names:
        return None
    # The tables of the older kernel interface alone are told of, and not read further.
    return Found(names=names, read=partial(_read, told) if there["iptables"] else partial(Firewall, manager=LEGACY))


def _closes_legacy(text: str) -> bool:
    four, _, six = text.partition(LEGACY6)
    return any(chain.closes for chain in parse_iptables(four) + parse_iptables(six, "ip6"))


def _read(told: Told) -> Iptables:
    # Where a server has the files of both, those count that are loaded.
    iptables_services = "iptables.service" in told.enabled and "netfilter-persistent.service" not in told.enabled
    order = -1 if iptables_services else 1
    path, path6 = told.there(FILES[::order]), told.there(FILES6[::order])
    needed = {"iptables.service"} if iptables_services else {"netfilter-persistent.service"}
    if iptables_services and any(chain.family == "ip6" for chain in told.filtering):
        needed.add("ip6tables.service")
    return Iptables(
        chains=told.filtering,
        path=path,
        persistent=told.exact.get(path),
        path6=path6,
        persistent6=told.exact.get(path6),
        saved=parse_iptables(told.files.get(path) or "") + parse_iptables(told.files.get(path6) or "", "ip6"),
        at_boot=needed <= told.enabled,
    )


def _source(answers: Mapping[str, Answer]) -> Answer | None:
    answer = answers[PROGRAMS[4]]
    return answer if answer.stdout.count("\n") > _EMPTY else None


READER = Reader(detect=_detect, source=_source)
