"""What the answers of a probe host mean: how it sends to each VIP, what it holds for it, and does the VIP answer?"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.answer import Answer, Answers, Reply
from tasks.model.cluster import Cluster
from tasks.model.probe import ProbeFacts
from tasks.model.reading import Unread
from tasks.observe.client import parse_route, parse_timers
from tasks.observe.iproute2 import parse_neighbors
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
    answers = reply.by_key
    return ProbeFacts(
        host=host,
        pings={vip: reading(answers.get(f"ping {vip}"), parse_ping, accept=_answered) for vip in vips},
        routes={vip: reading(answers.get(f"route {vip}"), parse_route) for vip in vips},
        neighbors={vip: reading(answers.get(f"neighbor {vip}"), parse_neighbors) for vip in vips},
        timers={vip: reading(answers.get(f"timers {vip}"), parse_timers) for vip in vips},
    )


def _answered(answer: Answer) -> bool:
    """Status 1 is ping's word for "nobody answered", which is a finding; 2 is its word for "could not ask"."""
    return answer.status in {0, 1}
