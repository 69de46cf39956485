"""Is iptables in charge, and which files will be loaded?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tasks.model.answer import Answer
from tasks.server.firewall.backend import FirewallAnswers, Found, Reader
from tasks.server.firewall.backends.iptables.model import Iptables
from tasks.server.firewall.backends.iptables.questions import FILES, FILES6, LEGACY, LEGACY6
from tasks.server.firewall.model import Firewall
from tasks.server.firewall.xtables import PROGRAMS
from tasks.server.firewall.xtables.rules import parse_iptables

_EMPTY = 3
"""Lines that `iptables -S` prints where there is nothing but policies."""


def _detect(answers: FirewallAnswers) -> Found | None:
    there = {
        "iptables": bool(answers.filtering) and not answers.claimed,
        LEGACY: _closes_legacy(answers.texts.get(LEGACY, "")),
    }
    names = tuple(name for name, is_there in there.items() if is_there)
    if not names:
        return None
    # The tables of the older kernel interface alone are reported, and not read further.
    return Found(names=names, read=partial(_read, answers) if there["iptables"] else partial(Firewall, manager=LEGACY))


def _closes_legacy(text: str) -> bool:
    four, _, six = text.partition(LEGACY6)
    return any(chain.closes for chain in parse_iptables(four) + parse_iptables(six, "ip6"))


def _read(answers: FirewallAnswers) -> Iptables:
    # Where a server has the files of both, those count that are loaded.
    iptables_services = "iptables.service" in answers.enabled and "netfilter-persistent.service" not in answers.enabled
    order = -1 if iptables_services else 1
    path, path6 = answers.there(FILES[::order]), answers.there(FILES6[::order])
    needed = {"iptables.service"} if iptables_services else {"netfilter-persistent.service"}
    if iptables_services and any(chain.family == "ip6" for chain in answers.filtering):
        needed.add("ip6tables.service")
    return Iptables(
        chains=answers.filtering,
        path=path,
        persistent=answers.exact.get(path),
        path6=path6,
        persistent6=answers.exact.get(path6),
        saved=parse_iptables(answers.files.get(path) or "") + parse_iptables(answers.files.get(path6) or "", "ip6"),
        at_boot=needed <= answers.enabled,
    )


def _source(answers: Mapping[str, Answer]) -> Answer | None:
    answer = answers[PROGRAMS[4]]
    return answer if answer.stdout.count("\n") > _EMPTY else None


READER = Reader(detect=_detect, source=_source)
