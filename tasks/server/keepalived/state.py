"""What keepalived tells of itself in its JSON file (signal JSON), in both forms of `json_version`.

The text may hold `auth_data`, a secret: it goes no further than this parser.
"""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from tasks.model.answer import Answer, Command
from tasks.model.server import Instance
from tasks.observe.helpers import function_name, helper_function
from tasks.observe.json_text import documents, flag, mapping, number, optional_word, sequence, whole, word
from tasks.observe.question import Question
from tasks.observe.readings import Garbled, converted, seconds, shortened
from tasks.observe.shell import shell

_STATE = "keepalived-json"
_LOOK = ("keepalived", "--signum=JSON")
_NOT_RUNNING = 3
"""Exit status of the fragments when there is no daemon: that is an answer."""
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
    vmac = optional_word(data, "vmac_ifname") or None
    # Both left out when there are none; `evips` are those that adverts do not carry.
    listed, beside = ([_words(entry) for entry in sequence(data.get(key, []), f"'{key}'")] for key in ("vips", "evips"))
    entries = listed + beside
    return Instance(
        name=word(data, "iname"),
        vrid=whole(data, "vrid"),
        interface=_base(optional_word(data, "ifp_ifname") or "", vmac, entries),
        vmac_interface=vmac,
        state=_STATES.get(state, str(state)),
        base_priority=whole(data, "base_priority"),
        effective_priority=whole(data, "effective_priority"),
        version=whole(data, "version"),
        advert_int=number(data, "adver_int"),
        nopreempt=flag(data, "nopreempt"),
        vips=tuple(converted(ip_interface, words[0]) for words in entries),
        advertised=tuple(converted(ip_interface, words[0]) for words in listed),
        skips_check=flag(data, "skip_check_adv_addr") if "skip_check_adv_addr" in data else False,
        last_transition=number(data, "last_transition"),
        adverts_received=whole(stats, "advert_rcvd"),
        adverts_sent=whole(stats, "advert_sent"),
    )


def _words(entry: object) -> list[str]:
    """Entries read `192.0.2.10/24 dev eth1 scope global set`, and `… dev vrrp51@eth1 …` on a macvlan."""
    if not isinstance(entry, str) or not entry.strip():
        raise Garbled(f"not a VIP: {shortened(repr(entry))}")
    return entry.split()


def _base(running_on: str, vmac: str | None, vips: list[list[str]]) -> str:
    """The interface of the declaration; "" when it is not told: `ifp_ifname` is left out while it is gone (FAULT).

    With use_vmac `ifp_ifname` is the macvlan, and what it stands on is told with each VIP alone.
    """
    if vmac is None or running_on != vmac:
        return running_on
    devices = [words[2].partition("@") for words in vips if words[1:2] == ["dev"] and len(words) > 2]  # noqa: PLR2004
    return next((base for name, _, base in devices if name == vmac), "")


def _answered(answer: Answer) -> bool:
    return answer.status in {0, _NOT_RUNNING}


def _instances(text: str) -> tuple[Instance, ...]:
    """No daemon runs no instance; what a daemon says must be its JSON."""
    return parse_instances(text) if text.strip() else ()


def _between(text: str) -> float:
    """Seconds between two times; 0 when there was no first look, because keepalived did not run."""
    words = text.split(maxsplit=3)
    if len(words) < 2:  # noqa: PLR2004 - two times
        return 0.0
    first, later, *_ = map(seconds, words)
    return later - first


def _look(key: str, fragment: str) -> Question[tuple[Instance, ...]]:
    return Question(
        Command(key=key, argv=_LOOK, sudo=True, helper=_STATE, fragment=fragment), _instances, accept=_answered
    )


SECOND = _look("later", function_name(_STATE))
"""Right behind the first."""
BETWEEN = Question(
    Command(key="looks", argv=("date", "+%s.%N"), fragment='echo "$vipbook_first_at $vipbook_later_at"'), _between
)


def first() -> Question[tuple[Instance, ...]]:
    """What keepalived says of its instances."""
    return _look("json", f"{helper_function(_STATE)}{shell('first-look')}")


def later(longest_s: float) -> Question[tuple[Instance, ...]]:
    """SECOND when each backup has heard another advert; `longest_s` is the longest interval of their adverts."""
    return _look("later", shell("later-look", TURNS=str(int((1.2 * longest_s + 0.5) / 0.25) + 1)))
