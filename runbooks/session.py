"""The composition root: what the files, the environment and Nornir give, checked against each other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runbooks.inventory.load import load_nornir
from runbooks.inventory.login_files import refuse_unusable
from runbooks.inventory.logins import Logins
from runbooks.inventory.text_files import read_text
from tasks.intent.load import Intent, SecretReader, load_intent
from tasks.intent.schema import SecretEntry
from tasks.judge.checks import check_names, user_checks
from tasks.model.answer import Answers, NoAnswer, Reply
from tasks.model.bounds import Budget
from tasks.model.cluster import Cluster, Desired
from tasks.model.errors import IntentError, NoAnswerError
from tasks.model.text import shortened

if TYPE_CHECKING:
    from nornir.core import Nornir
    from nornir.core.task import MultiResult

    from tasks.model.answer import Command
    from tasks.transport import Script, Sent, Stream

CLUSTERS_FILE = "clusters.yaml"


@dataclass(frozen=True, kw_only=True)
class Session:
    """Everything a runbook works with."""

    nornir: Nornir
    intent: Intent
    clusters: tuple[Cluster, ...]
    """Those that the operator named; all of the intent when none."""
    logins: Logins = field(default_factory=Logins)

    @cached_property
    def desired(self) -> Mapping[str, Desired]:
        """What every server of these clusters should be; rendered when it is first needed."""
        return _desired(self)

    @property
    def dry_run(self) -> bool:
        """Is Nornir set to a dry run?"""
        return self.nornir.data.dry_run

    def on(self, hosts: Iterable[str]) -> Nornir:
        """Nornir on these hosts, each whether it failed before or not.

        Nornir leaves a host that failed once silently out of every later run; so each of these runs has a state of its
        own, and leaves that of the caller's Nornir as it is.
        """
        from nornir.core.state import GlobalState  # noqa: PLC0415 - as for netmiko

        names = frozenset(hosts)
        asked = self.nornir.filter(filter_func=lambda host: host.name in names)
        asked.data = GlobalState(dry_run=self.dry_run)
        return asked

    def run_scripts(
        self, scripts: Mapping[str, Script], sent: Sent | None = None, *, doing: str | None = None
    ) -> dict[str, Reply]:
        """One round trip to every host of `scripts`, side by side. A host without a reply is none of the result's.

        `sent` is called once a host: its script is on its way, or never will be. `doing` names it for processors.
        """
        from tasks.transport import ask, nobody  # noqa: PLC0415 - netmiko takes 0.2 s, and `lint` needs none of it

        pausing = self.logins.pausing(scripts)
        results = self.on(scripts).run(
            task=ask,
            name=doing,
            raise_on_error=False,
            scripts=scripts,
            sent=sent or nobody,
            budget=Budget(),
            pausing=pausing,
        )
        return {
            name: pausing.get(name) or self.logins.learned(name, _reply(name, results.get(name))) for name in scripts
        }

    def open_stream(self, host: str, command: Command) -> Stream | NoAnswer:
        """Start a command on one host that runs beside everything else."""
        from tasks.transport import open_stream  # noqa: PLC0415 - as above

        results = self.on([host]).run(task=open_stream, raise_on_error=False, command=command)[host]
        stream: Stream | NoAnswer | str = results[0].result
        return _broke(host, results) if isinstance(stream, str) else stream

    def memberships(self, server: str) -> tuple[Cluster, ...]:
        """All clusters of the intent that this server is a member of, named by the operator or not."""
        return memberships(self.intent, server)

    def hang_up(self, host: str) -> None:
        """Close the second connection to that host, so that the next one is new."""
        from tasks.transport import ANEW  # noqa: PLC0415 - as above

        known = self.nornir.inventory.hosts[host]
        if ANEW in known.connections:
            known.close_connection(ANEW)

    def interfaces(self, server: str) -> tuple[str, ...]:
        """The interfaces of this server that adverts come in by."""
        return tuple(dict.fromkeys(each.server(server).interface for each in self.memberships(server)))

    def close(self) -> None:
        """Close every session."""
        self.nornir.close_connections(on_good=True, on_failed=True)


def answers_of(session: Session, host: str, script: Script) -> Answers:
    """One round trip to one host; NoAnswerError when it can't be asked."""
    reply = session.run_scripts({host: script})[host]
    if not isinstance(reply, Answers):
        raise NoAnswerError(host, "", reply.reason)
    return reply


def _reply(host: str, results: MultiResult | None) -> Reply:
    """What the task returned; a host that Nornir left out, or whose task broke, is one without an answer."""
    if results and isinstance(results[0].result, Answers | NoAnswer):
        return results[0].result
    return _broke(host, results)


def _broke(host: str, results: MultiResult | None) -> NoAnswer:
    reason = shortened(f"{results[0].exception!r}") if results else "Nornir did not run the task on this host"
    return NoAnswer(host=host, reason=reason, at=datetime.now(UTC))


def read_intent(inventory: Path, *, need_secrets: bool) -> Intent:
    """clusters.yaml of an inventory directory; IntentError with every problem in it."""
    path = inventory / CLUSTERS_FILE
    # Checks that users added are loaded before any host is asked; the others while the hosts answer.
    user_checks()
    return load_intent(
        read_text(path), str(path), _secret_reader(inventory), need_secrets=need_secrets, checks=check_names
    )


def open_session(inventory: Path, names: Sequence[str], nornir: Nornir | None = None) -> Session:
    """Intent, inventory and Nornir, checked against each other; nothing is contacted.

    `nornir`: one that the caller has initialized, in place of that of the inventory directory's files.
    """
    intent = read_intent(inventory, need_secrets=True)
    clusters = intent.select(tuple(names))
    nornir = nornir or load_nornir(inventory)
    _known_hosts_only(inventory, clusters, set(nornir.inventory.hosts))
    refuse_unusable(nornir, dict.fromkeys(host for cluster in clusters for host in cluster.hosts()), inventory)
    return Session(nornir=nornir, intent=intent, clusters=clusters)


def memberships(intent: Intent, server: str) -> tuple[Cluster, ...]:
    """All clusters that this server is a member of."""
    return tuple(each for each in intent.clusters if server in {member.name for member in each.servers})


def _secret_reader(inventory: Path) -> SecretReader:
    def read(entry: SecretEntry) -> str:
        if entry.env is not None:
            if entry.env not in os.environ:
                raise LookupError(f"environment variable {entry.env} is not set; set it to the auth_pass")
            return os.environ[entry.env]
        if entry.file is not None:
            mend = "write the password into that file, mode 0600"
            try:
                path = inventory / Path(entry.file).expanduser()
                return path.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise LookupError(f"{path}: {error.strerror}; {mend}") from None
            except (RuntimeError, ValueError):
                raise LookupError(f"{entry.file}: not a path to a text file; {mend}") from None
        return entry.clear or ""

    return read


def _known_hosts_only(inventory: Path, clusters: Sequence[Cluster], known: set[str]) -> None:
    problems = [
        f"{inventory / CLUSTERS_FILE}: clusters.{cluster.name}: no host {host!r} in the inventory; "
        f"accepted: {', '.join(sorted(known))}"
        for cluster in clusters
        for host in cluster.hosts()
        if host not in known
    ]
    if problems:
        raise IntentError(*problems)


def _desired(session: Session) -> dict[str, Desired]:
    """What every server of these clusters should be, all its memberships together."""
    from tasks.render.keepalived import render_keepalived  # noqa: PLC0415 - needs Nornir

    names = {server.name for cluster in session.clusters for server in cluster.servers}
    by_server = {name: session.memberships(name) for name in names}
    results = session.on(names).run(task=render_keepalived, raise_on_error=False, memberships=by_server)
    for name in names:
        if results[name].failed:
            raise IntentError(f"keepalived.conf of {name} can't be rendered: {results[name][0].exception}")
    return {
        name: Desired(
            host=name,
            config=results[name][0].result,
            openings=tuple(dict.fromkeys(opening for each in by_server[name] for opening in each.openings(name))),
            vmac_bases=tuple(dict.fromkeys(each.server(name).interface for each in by_server[name] if each.use_vmac)),
        )
        for name in names
    }
