"""Which keepalived knows what: an option that this version lacks is refused before anything is touched.

From keepalived's own history of releases; what is not listed was there in the oldest release that vipbook handles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tasks.model.cluster import Cluster
from tasks.server.package import upstream

Version = tuple[int, int, int]
OLDEST: Version = (2, 0, 4)
"""The first with --config-test, without which a configuration can't be checked before it is used."""
TRACK_PROCESS: Version = (2, 0, 11)
SCRIPT_FRACTIONS: Version = (2, 3, 2)
"""The first that runs a vrrp_script at fractions of a second."""
# Keywords of `extra` and `notify` that came after the oldest release; what is missing here the config test finds,
# before anything is replaced.
KEYWORDS: dict[str, Version] = {
    "garp_extra_if": (2, 2, 0),
    "notify_deleted": (2, 1, 0),
    "notify_master_rx_lower_pri": (2, 0, 6),
    "owner_ignore_adverts": (2, 3, 3),
    "unicast_fault_no_peer": (2, 2, 5),
}


def _used(cluster: Cluster) -> Iterator[tuple[str, Version]]:
    """Options of this cluster that not every release knows, and the first that does."""
    if cluster.track.processes:
        yield "vrrp_track_process", TRACK_PROCESS
    for script in cluster.track.scripts:
        if not (script.interval_s.is_integer() and script.timeout_s.is_integer()):
            yield f"a fraction of a second as interval or timeout of vrrp_script {script.name}", SCRIPT_FRACTIONS
    for keyword in (*(line.split()[0] for line in cluster.extra), *(name for name, _ in cluster.notify.lines())):
        if keyword in KEYWORDS:
            yield keyword, KEYWORDS[keyword]


def unknown_options(version: str, clusters: Sequence[Cluster]) -> list[str]:
    """One sentence an option that this version does not know, naming the one that does."""
    known = upstream(version)
    if known is None:
        return [f"keepalived {version}: not a version that can be told; vipbook handles {_text(OLDEST)} and newer"]
    if known < OLDEST:
        why = "has no --config-test, so a configuration can't be checked before it is used"
        return [f"keepalived {_text(known)} {why}; {_text(OLDEST)} has it"]
    found = [
        f"{cluster.name}: keepalived {_text(known)} does not know {option}; {_text(since)} does"
        for cluster in clusters
        for option, since in _used(cluster)
        if known < since
    ]
    return list(dict.fromkeys(found))


def _text(version: Version) -> str:
    return ".".join(map(str, version))


_TEST_DIES: tuple[Version, Version] = ((2, 2, 0), (2, 2, 8))
"""Releases, the last one excluded, whose --config-test ends itself with SIGTERM over a program of another user than
root (acassen/keepalived#2587, #2617; fixed by aae8e91 in 2.2.8)."""


def dies_of_users(version: str | None, clusters: Sequence[Cluster]) -> bool:
    """Does --config-test of this release fail for no fault of the configuration?"""
    known = upstream(version) if version is not None else None
    others = any(each.programs and each.track.script_user != "root" for each in clusters)
    return others and known is not None and _TEST_DIES[0] <= known < _TEST_DIES[1]


def with_roots_programs(text: str, clusters: Sequence[Cluster]) -> str:
    """The same configuration with root in the place of the programs' users: what such a release can test."""
    names = "|".join(re.escape(name) for name in sorted({each.track.script_user for each in clusters if each.programs}))
    return re.sub(rf'^( *(?:user|script_user) |    notify.*" )(?:{names})$', r"\1root", text, flags=re.MULTILINE)
