"""What is known of the lab's health: a test that only looked costs the next one nothing, a change is judged anew.

The judge is the product's own, in this process and over sessions that stay open.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from runbooks.session import Session, open_session
from runbooks.verify import arrived, first_problem, judge, observe, subjects, unprobed
from tasks.model.verdict import Status, worst
from tests.lab.nodes import run_in

_LOOKS = {"verify", "plan", "locate", "lint", "history", "report", "schema", "window", "schedule"}
_PROVES = {"verify", "apply", "drill"}
_SERVERS = {"H1": "web", "H2": "web", "H3": "db", "H4": "db"}
_CLUSTERS = frozenset(_SERVERS.values())
_READS = re.compile(
    r"(cat|ls|stat|readlink|date|ping|journalctl|dpkg-query|pgrep|od|uname) "
    r"|systemctl (show|is-\w+|list-\w+) |iptables(-legacy)? -S|nft (-\S+ )*list |ufw status"
    r"|ip (-\S+ )*(addr|address|route|neigh|link)( show.*)?$|bridge fdb show|vtysh -c show "
    r"|firewall-cmd (--permanent )?(--zone=\S+ )?--list-"
)
"""Commands that change nothing. What is not listed does, until somebody looked."""
_POLL_S = 0.3


@dataclass(slots=True)
class Proof:
    """Which clusters were judged healthy since anything was done to the lab."""

    inventory: Path
    """What the lab is to be."""
    all_of_lab: list[Proof]
    """Those of other inventories too, and this one: what is done to the lab concerns all."""
    healthy: set[str] = field(default_factory=set)
    _running: list[subprocess.Popen[str]] = field(default_factory=list)
    _sessions: dict[str, Session] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hear of what is done to the lab."""
        self.all_of_lab.append(self)

    def touched(self, clusters: Collection[str] = _CLUSTERS) -> None:
        """Something was done to them. Another name for a cluster leads to the same servers."""
        for each in self.all_of_lab:
            each.healthy.difference_update(clusters if _CLUSTERS.issuperset(clusters) else _CLUSTERS)

    def ran_in_node(self, node: str, command: Sequence[str]) -> None:
        """A test ran this as root on a node. What is done to a server is no other cluster's business."""
        if not _READS.match(" ".join(command)):
            self.touched({_SERVERS[node]} if node in _SERVERS else _CLUSTERS)

    def about_to_run(self, argv: Sequence[str], declared: Collection[str]) -> None:
        """A test runs a vipbook command on an inventory that declares these clusters."""
        if argv[0] not in _LOOKS:
            self.touched({each for each in argv if each in declared} or declared)

    def started(self, running: subprocess.Popen[str], declared: Collection[str]) -> None:
        """A test left a vipbook command running: until it has been waited for, nothing proves anything."""
        self.touched(declared)
        self._running.append(running)

    def ran(self, argv: Sequence[str], out: str) -> None:
        """It ended, on an inventory that declares what the lab should be: what passed is proven."""
        if argv[0] not in _PROVES or any(each.returncode is None for each in self._running):
            return
        if "--json" in argv:
            report = json.loads(out or "{}")
            if report.get("verdict") == "pass":
                self.healthy.update(each["name"] for each in report["clusters"])
        elif re.search(r"^PASS  \d", out, re.MULTILINE):
            self.healthy.update(re.findall(r"  cluster (\w+),", out))

    def problem(self, names: Iterable[str], wait_s: float = 90.0) -> str:
        """What keeps these clusters from being healthy after so many seconds; empty when nothing does.

        The probe hosts are left alone until servers and leaves agree, as `verify --wait` does: an echo teaches a client
        where the VIP is now.
        """
        deadline = time.monotonic() + wait_s
        wrong = ""
        for name in names:
            if name in self.healthy:
                continue
            wrong = _until(lambda name=name: self._judged(name) or self._echoed(name), deadline)  # type: ignore[misc]
            if wrong:
                return wrong
            self.healthy.add(name)
        return wrong

    def close(self) -> None:
        """Close the sessions."""
        for session in self._sessions.values():
            session.close()

    def _session(self, name: str) -> Session:
        if not self._sessions:
            whole = open_session(self.inventory, [])
            for each in {cluster.name for cluster in whole.clusters}:
                self._sessions[each] = replace(whole, clusters=whole.intent.select((each,)))
        return self._sessions[name]

    def _judged(self, name: str) -> str:
        session = self._session(name)
        clusters = unprobed(session.clusters)
        vips = judge(subjects(session, clusters, observe(session, clusters)))
        if arrived(vips) and worst(vip.status for vip in vips) is Status.PASS:
            return ""
        return f"{name}: {first_problem(vips)}"

    def _echoed(self, name: str) -> str:
        """A client keeps a MAC that it learned for up to a minute: what a test left there is made to go."""
        for cluster in self._session(name).clusters:
            for probe in cluster.probes:
                for vip in cluster.vips:
                    if run_in(probe, "ping", "-c", "1", "-W", "1", str(vip.ip)).returncode != 0:
                        run_in(probe, "ip", "neigh", "flush", "to", str(vip.ip))
                        return f"{name}: {probe} gets no answer from {vip.ip}"
        return ""


def _until(look: Callable[[], str], deadline: float) -> str:
    while (wrong := look()) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return wrong
