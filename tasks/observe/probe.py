"""What the answers of a probe host mean: does each VIP answer?"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.observation import ProbeFacts, Unread
from tasks.observe.ping import parse_ping
from tasks.observe.readings import reading


def probe_facts(host: str, reply: Reply, clusters: Sequence[Cluster]) -> ProbeFacts:
    """The answers as types; every reading is Unread when the host gave none."""
    vips = [vip.ip for cluster in clusters for vip in cluster.vips]
    if not isinstance(reply, Answers):
        gone = Unread(reason=reply.reason, source=None)
        unread = dict.fromkeys(vips, gone)
        return ProbeFacts(
            host=host, pings=dict(unread), routes=dict(unread), neighbors=dict(unread), timers=dict(unread)
        )
    return ProbeFacts(
        host=host,
        pings={vip: reading(reply.by_key.get(f"ping {vip}"), parse_ping, accept=_answered) for vip in vips},
        routes=dict.fromkeys(vips, Unread(reason="not asked yet", source=None)),
        neighbors=dict.fromkeys(vips, Unread(reason="not asked yet", source=None)),
        timers=dict.fromkeys(vips, Unread(reason="not asked yet", source=None)),
    )


def _answered(answer: Answer) -> bool:
    """Status 1 is ping's word for "nobody answered", which is a finding; 2 is its word for "could not ask"."""
    return answer.status in {0, 1}
