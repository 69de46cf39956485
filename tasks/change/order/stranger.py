"""A master that is none of the cluster's servers: who follows it must go on hearing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.change.order.members import Member
from tasks.change.order.wire import deaf
from tasks.model.cluster import Cluster
from tasks.model.errors import RefusedError
from tasks.model.reading import Read
from tasks.model.server import Instance, ServerFacts


def refuse_stranger(cluster: Cluster, found: Sequence[Member], facts: Mapping[str, ServerFacts]) -> None:
    """Backups that go on receiving adverts while none of them is master have a master that no cluster names."""
    looks = [(each, _later(facts[each.name], each.instance)) for each in found]
    if any("master" in {each.instance.state, later.state} for each, later in looks):
        return
    reasons: list[str] = []
    for each, later in looks:
        if each.then is None or not each.changes or later.adverts_received <= each.instance.adverts_received:
            continue
        # It speaks as this one does, or this one would not follow it; where it sends its adverts to stays as it is.
        speaks = replace(each.now, peers=frozenset())
        reasons += deaf(replace(each.then, peers=frozenset()), speaks)
    if reasons:
        names = " and ".join(sorted(each.name for each in found))
        raise RefusedError(
            f"{cluster.name}: {names} follow a master that is none of them, and would not hear it after a change of "
            f"{', '.join(dict.fromkeys(reasons))}; name it in clusters.yaml, or stop keepalived there first"
        )


def _later(facts: ServerFacts, instance: Instance) -> Instance:
    """The same instance at the end of the look; as it was where that is not known."""
    found = facts.later.value if isinstance(facts.later, Read) else ()
    return next((each for each in found if (each.name, each.vrid) == (instance.name, instance.vrid)), instance)
