"""What firewalld tells of the zones that adverts come in by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from tasks.observe.readings import Garbled, shortened
from tasks.server.firewall.backend import FirewallAnswers, Found, Reader
from tasks.server.firewall.backends.firewalld.model import (
    RICH_PRIORITY,
    Firewalld,
    FrontRule,
    RichRule,
    WayIn,
    Where,
    ZoneSource,
)
from tasks.server.firewall.backends.firewalld.questions import KEY, UNIT
from tasks.server.firewall.backends.firewalld.read.direct import is_known, parse_direct, running_ways
from tasks.server.firewall.backends.firewalld.read.rich import front_rules, peer_rules, policy_rules
from tasks.server.firewall.xtables import PROGRAMS

_FIRST_WITH_PRIORITIES = (0, 7, 0)
_NEEDED = ("version", "default", "runtime", "permanent", "rpfilter")
_NEWER = (
    "policies",
    "permanent policies",
    *(f"{kind}direct {what}" for kind in ("", "permanent ") for what in ("rules", "passthroughs")),
)
"""Not every release knows these questions."""
_SECTIONS = re.compile(rf"^== ({'|'.join((*_NEEDED, *_NEWER))})$", re.MULTILINE)
_FAILED = re.compile(r"^== status (\d+)$", re.MULTILINE)
_FIRST_WITH_LOOSE = (2, 2, 0)
_PAIR = 2
_PASSING = {"no", "false"}
"""Values of IPv6_rpfilter that drop nothing on its way to this host."""
_PASSING_LATER = {"loose", "loose-forward", "strict-forward"}
"""The same, from 2.2 on; before that a word that is not known was the default."""
_UNKNOWN_OPTION = "2"
"""Exit status of firewall-cmd for an option that it does not know."""


@dataclass(slots=True)
class _Rules:
    """What zones, policies and direct rules hold, of now or of the permanent configuration."""

    rules: list[RichRule]
    sources: list[ZoneSource]
    front: list[FrontRule]
    ways: list[WayIn]

    @classmethod
    def of(cls, sections: Mapping[str, str], zones: Mapping[str, Mapping[str, str]], *, saved: bool) -> _Rules:
        kind = "permanent " if saved else ""
        found = cls(
            rules=[],
            sources=[],
            front=list(policy_rules(_zones(sections[f"{kind}policies"]), saved=saved)),
            ways=list(
                parse_direct(sections[f"{kind}direct rules"], sections[f"{kind}direct passthroughs"], saved=saved)
            ),
        )
        for zone, fields in zones.items():
            rich = fields.get("rich rules", "")
            found.rules += peer_rules(rich, zone, saved=saved)
            where = Where(place=f"zone {zone}", zones=frozenset({zone}), saved=saved)
            found.front += front_rules(rich, where, limit=RICH_PRIORITY)
            words = fields.get("sources", "").split()
            found.sources += [ZoneSource(zone=zone, source=word, saved=saved) for word in words]
        return found


def parse_firewalld(text: str, interfaces: tuple[str, ...]) -> Firewalld:
    """Read the answers of `firewall-cmd` that the helper asks for, each behind a line `== name`.

    An interface that no zone names is in the default zone. Which of a source and an interface decides, and that zones
    of firewalld 2.0 on have priorities of their own, does not matter: whatever zone may be meant counts.
    """
    sections = _sections(text)
    running, saved = _zones(sections["runtime"]), _zones(sections["permanent"])
    default = sections["default"].strip()
    zones = _zones_of(running, interfaces, default)
    # After a boot NetworkManager may put it where it is now, although no file of firewalld's says so.
    zones_saved = tuple(dict.fromkeys((*_zones_of(saved, interfaces, default), *zones)))
    for _, zone in zones:
        if zone not in running:
            raise Garbled(f"firewall-cmd names zone {zone!r} and does not list it")
    found = (_Rules.of(sections, running, saved=False), _Rules.of(sections, saved, saved=True))
    targets = {zone: running[zone].get("target", "default") for _, zone in zones}
    return Firewalld(
        zones=zones,
        zones_saved=zones_saved,
        sources=tuple(each for part in found for each in part.sources),
        front=tuple(each for part in found for each in part.front),
        ways=tuple(each for part in found for each in part.ways),
        rules=tuple(each for part in found for each in part.rules),
        priorities=_version(sections["version"]) >= _FIRST_WITH_PRIORITIES,
        strict6=_strict6(sections["rpfilter"], _version(sections["version"])),
        default=", ".join(f"zone {zone} with target {target}" for zone, target in targets.items()),
    )


def _sections(text: str) -> dict[str, str]:
    """Texts by name; those that the release does not know are empty."""
    parts = _SECTIONS.split(text)
    sections = dict.fromkeys(_NEWER, "") | dict(zip(parts[1::2], parts[2::2], strict=True))
    for name in _NEWER:
        if (failed := _FAILED.search(sections[name])) and failed[1] == _UNKNOWN_OPTION:
            sections[name] = ""
    failures = [
        f"{name} (exit status {found[1]})" for name, printed in sections.items() if (found := _FAILED.search(printed))
    ]
    missing = failures or sorted(set(_NEEDED) - set(sections))
    if missing or not sections["default"].strip():
        raise Garbled(f"firewall-cmd did not tell {', '.join(missing) or 'its default zone'}")
    return sections


def _zones_of(
    listed: dict[str, dict[str, str]], interfaces: tuple[str, ...], default: str
) -> tuple[tuple[str, str], ...]:
    holder = {name: zone for zone, fields in listed.items() for name in fields.get("interfaces", "").split()}
    return tuple((name, holder.get(name, default)) for name in interfaces)


def _strict6(text: str, version: tuple[int, ...]) -> bool:
    """Is what comes in by another interface than its answer leaves by dropped on its way to this host?

    As firewalld reads firewalld.conf: blanks around key and value are nothing, the first definition counts, and what
    the release does not know is its default, which is strict. The -forward values filter forwarded packets alone.
    """
    pairs = [[word.strip() for word in line.split("=")] for line in text.splitlines()]
    values = [pair[1].lower() for pair in pairs if len(pair) == _PAIR and pair[0] == "IPv6_rpfilter" and pair[1]]
    passing = _PASSING | (_PASSING_LATER if version >= _FIRST_WITH_LOOSE else set())
    return not values or values[0] not in passing


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?", text.strip())
    if not found:
        raise Garbled(f"not a version of firewalld: {shortened(text.strip())!r}")
    return tuple(int(part or 0) for part in found.groups())


def _zones(text: str) -> dict[str, dict[str, str]]:
    """Fields by zone. A zone begins at the left, its fields are indented, the rich rules once more."""
    zones: dict[str, dict[str, list[str]]] = {}
    fields: dict[str, list[str]] = {}
    last = ""
    for line in text.splitlines():
        if not line.strip():
            continue
        if not line[0].isspace():
            fields = zones.setdefault(line.split(maxsplit=1)[0], {})
            last = ""
        elif line.startswith("\t") and last:
            fields[last].append(line.strip())
        else:
            last, _, value = line.strip().partition(":")
            fields[last] = [value.strip()]
    return {zone: {name: "\n".join(lines) for name, lines in found.items()} for zone, found in zones.items()}


def _detect(answers: FirewallAnswers) -> Found | None:
    if UNIT not in answers.active:
        return None
    text = answers.texts.get(KEY)
    if not text:
        raise Garbled("firewalld.service is active, and firewall-cmd was not asked")
    firewall = parse_firewalld(text, answers.interfaces)
    texts = {version: answers.texts.get(program, "") for version, program in PROGRAMS.items()}
    # The chains of iptables are its own where it makes them: with its older backend, or for direct rules.
    claims = bool(answers.filtering) and all(
        chain.policy == "accept" and is_known(texts[version], firewall.ways, version)
        for chain in answers.filtering
        for version in (6 if chain.family == "ip6" else 4,)
    )
    return Found(names=("firewalld",), read=partial(_running, firewall, answers, texts), claims=claims)


def _running(firewall: Firewalld, answers: FirewallAnswers, texts: Mapping[int, str]) -> Firewalld:
    return replace(firewall, ways=running_ways(firewall.ways, texts), at_boot=UNIT in answers.enabled)


READER = Reader(
    detect=_detect,
    source=lambda answers: answers[KEY] if answers[KEY].status == 0 else None,
    claims=True,
)
