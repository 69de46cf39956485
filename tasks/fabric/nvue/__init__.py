"""NVUE (Cumulus Linux 5), which has words of its own, and none for FRR's texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tasks.fabric.frr.bgp import PATHS, SESSIONS
from tasks.fabric.frr.detection import DETECTION, MOVES_OF_ADDRESS, MOVES_OF_MAC
from tasks.fabric.frr.show import Show, Values
from tasks.fabric.frr.zebra import MACS, NEIGHBORS, VNI
from tasks.fabric.nvue import answers
from tasks.fabric.system import LeafSystem, instead
from tasks.observe.question import Question

T = TypeVar("T")
_ROUTER = "vrf default router bgp"
_Row = tuple[Show[Any], tuple[str, Callable[..., Any], bool]]


def _row(show: Show[T], words: str, parse: Callable[..., T], *, last: bool = False) -> _Row:
    return show, (words, parse, last)


_WORDS = dict(
    (
        _row(MACS, "evpn vni {vni} mac", answers.parse_nvue_macs),
        _row(NEIGHBORS, "evpn vni {vni} host", answers.parse_nvue_neighbors),
        _row(VNI, "evpn vni {vni}", answers.parse_nvue_vni),
        _row(MOVES_OF_ADDRESS, "evpn vni {vni} host {vip}", answers.parse_nvue_move_count),
        _row(MOVES_OF_MAC, "evpn vni {vni} mac {mac}", answers.parse_nvue_move_count),
        _row(DETECTION, "evpn dad", answers.parse_nvue_detection),
        # NCLU goes before, since its JSON is FRR's own: the shape of these routes is documented nowhere.
        _row(PATHS, f"{_ROUTER} address-family l2vpn-evpn route", answers.parse_nvue_paths, last=True),
        _row(SESSIONS, f"{_ROUTER} neighbor", answers.parse_nvue_sessions, last=True),
    )
)


def _ask(show: Show[Any], values: Values) -> Question[Any] | None:
    if show not in _WORDS:
        return None
    words, parse, last = _WORDS[show]
    argv = ("nv", "show", *words.format_map(values).split(), "-o", "json")
    # It need not repeat the number of a VNI.
    read = partial(parse, **values) if show is VNI else parse
    return Question(instead(f"{show.key.format_map(values)} nvue", *argv), read, last=last)


SYSTEM = LeafSystem(program="nv", ask=_ask)
