"""Which firewall is in charge on a server, and its rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.reading import Reading, Unread
from tasks.model.text import readable
from tasks.observe.readings import Garbled, reading
from tasks.observe.shell import NOT_ASKED
from tasks.server.firewall.backend import FirewallAnswers, Found, Reader
from tasks.server.firewall.backends import parts
from tasks.server.firewall.model import NONE, Firewall
from tasks.server.firewall.questions import BY_STATUS, FILES, firewall_commands
from tasks.server.firewall.xtables import PROGRAMS
from tasks.server.firewall.xtables.rules import parse_iptables

_READERS = sorted(parts(Reader, "read"), key=lambda each: not each.claims)


def read_firewall(reply: Reply, interfaces: tuple[str, ...] = ()) -> Reading[Firewall]:
    """One reading from several answers; what is not installed or not there is an answer too.

    `interfaces`: those that adverts come in by.
    """
    if not isinstance(reply, Answers):
        return Unread(reason=reply.reason, source=None)
    asked: dict[str, Answer] = {}
    for key in (command.key for command in firewall_commands()):
        answer = reply.by_key.get(key)
        if answer is None:
            return Unread(reason="the round trip ended before the firewall was read", source=None)
        unasked = answer.status == NOT_ASKED or _no_program(answer) or _no_table(answer)
        if answer.status != 0 and not unasked and key not in BY_STATUS:
            return reading(answer, _never)
        asked[key] = answer
    texts = {key: "" if answer.status else answer.stdout for key, answer in asked.items()}
    succeeded = frozenset(key for key, answer in asked.items() if not answer.status)
    found = reading(
        asked["units"],
        lambda units: parse_firewall(units, texts, succeeded=succeeded, interfaces=interfaces),
    )
    sources = (each.source(asked) for each in _READERS)
    return replace(found, source=next((each for each in sources if each is not None), asked["units"]))


def parse_firewall(
    units: str,
    texts: Mapping[str, str],
    *,
    succeeded: frozenset[str] = frozenset(),
    interfaces: tuple[str, ...] = (),
) -> Firewall:
    """Decide who is in charge and read its rules.

    `units`: `systemctl show -p Id,ActiveState,UnitFileState` of all units that are asked; the rest: `FirewallAnswers`.
    """
    files = texts.get("firewall files", "")
    v4, v6 = (texts.get(program, "") for program in PROGRAMS.values())
    answers = FirewallAnswers(
        texts=texts,
        succeeded=succeeded,
        active=_units(units, "ActiveState", {"active"}),
        enabled=_units(units, "UnitFileState", {"enabled", "enabled-runtime", "static", "generated", "alias"}),
        files=_files(readable(files)),
        exact=_files(files),
        interfaces=interfaces,
        chains=parse_iptables(v4) + parse_iptables(v6, "ip6"),
    )
    found: list[Found] = []
    for each in _READERS:
        if (one := each.detect(answers)) is not None:
            found.append(one)
            answers = replace(answers, claimed=answers.claimed or one.claims)
    names = [name for one in found for name in one.names]
    if len(names) == 1:
        return found[0].read()
    # Where there is none, there are no chains of theirs either.
    chains = answers.filtering + tuple(chain for one in found for chain in one.chains)
    return Firewall(manager=" and ".join(names) or NONE, chains=chains)


def _files(text: str) -> dict[str, str | None]:
    """Texts by path."""
    marks = "|".join(map(re.escape, FILES))
    _, *parts_of = re.split(rf"\n== ({marks})\n", text)
    found = {
        path: None if body == "== none\n" else body for path, body in zip(parts_of[::2], parts_of[1::2], strict=True)
    }
    if missing := set(FILES) - set(found):
        raise Garbled(f"{min(missing)} was not read")
    return found


def _units(text: str, field: str, values: set[str]) -> frozenset[str]:
    """Names of units whose field has one of these values; blocks of `Id=…` and others, parted by empty lines."""
    blocks = (dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n"))
    return frozenset(fields.get("Id", "") for fields in blocks if fields.get(field) in values)


def _no_program(answer: Answer) -> bool:
    return answer.status in {1, 127} and "command not found" in answer.stderr


def _no_table(answer: Answer) -> bool:
    """The kernel has no such family or table, so nothing filters there; a lack of permission is something else."""
    return "can't initialize" in answer.stderr and "Permission denied" not in answer.stderr


def _never(text: str) -> Firewall:
    raise Garbled(text)
