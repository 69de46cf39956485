"""Rules on the lines that are passed through to keepalived.conf: they stay inside their vrrp_instance, and readable.

keepalived takes quoted keywords, `@` conditions, `~` sequences, `$` definitions, continued lines and comments nearly
everywhere. A line that uses them could close the instance, or set again what vipbook sets, without its looking so: they
are refused. So is a block of a keyword that has none: keepalived ignores the opening brace, and the closing one ends
the instance (`process_stream` in its parser.c); what follows would be at the top level, where scripts are declared.

What runs a program goes through the keys of `track` and `notify`, whose paths and user are checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tasks.intent.document import Path
from tasks.intent.schema import ClusterEntry

Problem = tuple[Path, str]
# What vipbook itself writes into a vrrp_instance: said twice, the last one would win, and checks would be wrong.
_MODELLED = {
    *("state", "interface", "version", "virtual_router_id", "priority", "advert_int", "use_vmac", "vmac_xmit_base"),
    *("nopreempt", "preempt", "preempt_delay", "unicast_src_ip", "unicast_peer", "mcast_src_ip", "authentication"),
    *("virtual_ipaddress", "virtual_ipaddress_excluded", "track_interface", "track_script", "track_process"),
    *("garp_master_delay", "garp_master_repeat", "garp_master_refresh", "garp_lower_prio_delay", "skip_check_adv_addr"),
    *("garp_lower_prio_repeat", "notify", "notify_master", "notify_backup", "notify_fault", "notify_stop"),
}
_STRICT = "it drops every packet to the VIP and forbids unicast and passwords"
_REFUSED = {
    "vrrp_strict": _STRICT,
    "strict_mode": _STRICT,
    "use_vmac_addr": "it makes a second macvlan, and the fabric would see an address move between two MACs",
    "use_ipvlan": "it puts the VIP on an interface that vipbook does not know",
    "dont_track_primary": "a server whose interface is down would stay master",
    "down_timer_adverts": "outages are held against the three adverts of the RFC",
    "track_file": "it reads a file that a vrrp_track_file has to declare, and vipbook declares none",
    "auth_hmac": "its keys would be shown in every plan",
}
# Keywords of a vrrp_instance that run a program, and the key that does it under script_user. What else begins with
# `notify` runs one as well, but for a switch that has more of these run.
_RUN = {"notify_deleted": "notify.deleted", "notify_master_rx_lower_pri": "notify.master_rx_lower_pri"}
_PROGRAMS = "notify or track.scripts"
_RUNS_NONE = "notify_priority_changes"
# All that have a block of values in a vrrp_instance and that vipbook does not write itself (vrrp_parser.c).
_BLOCKS = ("virtual_routes", "virtual_rules", "track_bfd")
_WORD = re.compile(r"[A-Za-z0-9_]+")
# Inside a block lines begin with addresses too: 10.0.0.0/8, fd00::/8, @ and quotes never.
_INSIDE = re.compile(r"[A-Za-z0-9_.:/\-]+")
_ESCAPES = "#!$~@\\"


def extra_lines(cluster: ClusterEntry) -> Iterator[Problem]:
    """Each line is one plain keyword with its values, or a part of a block that the lines open and close themselves."""
    depth = 0
    for index, line in enumerate(cluster.extra):
        wrong = _wrong(line.strip(), line, depth)
        if wrong is not None:
            yield ("extra", index), wrong
            return
        depth += line.rstrip().endswith("{")
        depth -= line.strip() == "}"
    if depth:
        yield ("extra",), "a block left open; close it"


def _wrong(stripped: str, line: str, depth: int) -> str | None:
    if not stripped or not line.isprintable():
        return "empty or with control characters; give one line of keepalived.conf"
    if stripped == "}":
        return None if depth else "closes a block that it did not open; leave the brace out"
    escape = next((each for each in _ESCAPES if each in stripped), None)
    if escape is not None:
        return f"{escape} may hide what a line does; leave it out"
    body = stripped.removesuffix("{")
    if "{" in body or "}" in body:
        return "a brace in the middle of a line; { ends a line, and } stands alone on one"
    keyword = body.split()[0] if body.split() else ""
    return _wrong_keyword(keyword, depth) or _wrong_block(keyword, depth, opens=stripped.endswith("{"))


def _wrong_keyword(keyword: str, depth: int) -> str | None:
    if not (_INSIDE if depth else _WORD).fullmatch(keyword):
        return f"{keyword or '{'}: not a keyword of keepalived's; give it without quotes and signs"
    if depth == 0 and keyword in _MODELLED:
        return f"{keyword} is vipbook's own to write; use the key that it has for it"
    if keyword.startswith("notify") and keyword != _RUNS_NONE:
        return f"{keyword} runs a program, whose path and user are to be checked; use {_RUN.get(keyword, _PROGRAMS)}"
    if keyword.startswith("include"):
        return f"{keyword}: what it brings in can't be shown in a plan; leave it out"
    return f"{keyword}: {_REFUSED[keyword]}; leave it out" if keyword in _REFUSED else None


def _wrong_block(keyword: str, depth: int, *, opens: bool) -> str | None:
    if opens and (depth or keyword not in _BLOCKS):
        return f"{keyword} {{: has no block here, and }} would close the instance; accepted: {', '.join(_BLOCKS)}"
    if not opens and not depth and keyword in _BLOCKS:
        return f"{keyword}: a block; end the line with {{, and close it with }} on a line of its own"
    return None
