"""The composition root: the only reader of files and environment, the only builder of Nornir."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tasks.intent.load import Intent, SecretReader, load_intent
from tasks.intent.schema import SecretEntry
from tasks.model.answer import NoAnswer, Reply
from tasks.model.cluster import Cluster, Desired
from tasks.model.errors import IntentError

if TYPE_CHECKING:
    from nornir.core import Nornir
    from nornir.core.task import MultiResult

    from tasks.model.answer import Command
    from tasks.transport import Script, Sent, Stream

CLUSTERS_FILE = "clusters.yaml"
CONFIG_FILE = "config.yaml"
_PATH_EXTRAS = ("key_file", "alt_key_file", "ssh_config_file")
_DEFAULT_CONFIG: dict[str, Any] = {
    "inventory": {
        "plugin": "SimpleInventory",
        "options": {"host_file": "hosts.yaml", "group_file": "groups.yaml", "defaults_file": "defaults.yaml"},
    },
    "runner": {"plugin": "threaded", "options": {"num_workers": 50}},
}


@dataclass(frozen=True, kw_only=True)
class Session:
    """Everything a runbook works with."""

    nornir: Nornir
    intent: Intent
    clusters: tuple[Cluster, ...]
    """Those that the operator named; all of the intent when none."""

    @cached_property
    def desired(self) -> Mapping[str, Desired]:
        """What every server of these clusters should be; rendered when it is first needed."""
        return _desired(self.nornir, self.intent, self.clusters)

    def run_scripts(self, scripts: Mapping[str, Script], sent: Sent | None = None) -> dict[str, Reply]:
        """One round trip to every host of `scripts`, side by side. A host without a reply is none of the result's.

        `sent` is called once or twice a host: its script is on its way, or never will be.
        """
        from tasks.transport import ask, nobody  # noqa: PLC0415 - netmiko takes 0.2 s, and `lint` needs none of it

        asked = self.nornir.filter(filter_func=lambda host: host.name in scripts)
        # A host that failed once would silently be left out of every later run.
        asked.data.reset_failed_hosts()
        results = asked.run(task=ask, scripts=scripts, on_failed=True, sent=sent or nobody)
        return {name: _reply(name, results.get(name)) for name in scripts}

    def open_stream(self, host: str, command: Command) -> Stream | NoAnswer:
        """Start a command on one host that runs beside everything else."""
        from tasks.transport import open_stream  # noqa: PLC0415 - as above

        asked = self.nornir.filter(filter_func=lambda each: each.name == host)
        asked.data.reset_failed_hosts()
        results = asked.run(task=open_stream, command=command, on_failed=True)[host]
        if results[0].exception is not None:
            return NoAnswer(host=host, reason=f"{results[0].exception!r}", at=datetime.now(UTC))
        stream: Stream | NoAnswer = results[0].result
        return stream

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


def _reply(host: str, results: MultiResult | None) -> Reply:
    """What the task returned; a host that Nornir left out, or whose task broke, is one without an answer."""
    if not results or results[0].exception is not None or results[0].result is None:
        reason = f"{results[0].exception!r}" if results else "Nornir did not run the task on this host"
        return NoAnswer(host=host, reason=reason, at=datetime.now(UTC))
    reply: Reply = results[0].result
    return reply


def read_intent(inventory: Path, *, need_secrets: bool) -> Intent:
    """clusters.yaml of an inventory directory; IntentError with every problem in it."""
    path = inventory / CLUSTERS_FILE
    return load_intent(_text(path), str(path), _secret_reader(inventory), need_secrets=need_secrets)


def open_session(inventory: Path, names: Sequence[str]) -> Session:
    """Intent, inventory and Nornir, checked against each other; nothing is contacted."""
    intent = read_intent(inventory, need_secrets=True)
    clusters = intent.select(tuple(names))
    nornir = _nornir(inventory)
    _known_hosts_only(inventory, clusters, set(nornir.inventory.hosts))
    return Session(nornir=nornir, intent=intent, clusters=clusters)


def memberships(intent: Intent, server: str) -> tuple[Cluster, ...]:
    """All clusters that this server is a member of."""
    return tuple(each for each in intent.clusters if server in {member.name for member in each.servers})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "name the inventory directory with --inventory DIR"
        raise IntentError(f"{path}: there is no such file; {hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IntentError(f"{path}: can't be read: {error}") from None


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


def _nornir(inventory: Path) -> Nornir:
    """Nornir from config.yaml; paths in it and in the connection options are relative to the inventory directory."""
    from nornir import InitNornir  # noqa: PLC0415 - 0.1 s that `lint` does without

    config = _nornir_config(inventory)
    try:
        nornir = InitNornir(**config)
    except Exception as error:  # noqa: BLE001 - an inventory plugin may raise anything; none of it is ours to trace
        raise IntentError(f"{inventory}: Nornir can't load this inventory: {error}") from None
    _resolve_extras(nornir, inventory)
    return nornir


def _nornir_config(inventory: Path) -> dict[str, Any]:
    """config.yaml, or Nornir's SimpleInventory of the directory; IntentError for what Nornir would stumble over."""
    path = inventory / CONFIG_FILE
    try:
        config = yaml.safe_load(_text(path)) if path.exists() else _DEFAULT_CONFIG
    except (yaml.YAMLError, ValueError, RecursionError):
        raise IntentError(f"{path}: not valid YAML; mend it or copy the one that comes with vipbook") from None
    section = config.get("inventory", _DEFAULT_CONFIG["inventory"]) if isinstance(config, dict) else None
    options = section.get("options", {}) if isinstance(section, dict) else None
    if not isinstance(config, dict) or not isinstance(section, dict) or not isinstance(options, dict):
        raise IntentError(f"{path}: must hold mappings: inventory with plugin and options, as in Nornir's manual")
    runner = config.get("runner", {})
    workers = runner.get("options", {}).get("num_workers", 1) if isinstance(runner, dict) else 0
    if not isinstance(workers, int) or workers < 1:
        raise IntentError(f"{path}: runner.options.num_workers: {workers!r}; give 1 or more")
    wrong = [key for key, value in options.items() if str(key).endswith("_file") and not isinstance(value, str)]
    if wrong:
        raise IntentError(f"{path}: inventory.options.{wrong[0]}: must be a path")
    options = {key: _inside(inventory, value) if key.endswith("_file") else value for key, value in options.items()}
    return {"logging": {"enabled": False}, **config, "inventory": {**section, "options": options}}


def _inside(inventory: Path, value: str) -> str:
    return str(inventory / Path(value).expanduser())


def _resolve_extras(nornir: Nornir, inventory: Path) -> None:
    holders = [*nornir.inventory.hosts.values(), *nornir.inventory.groups.values()]
    options_of = [holder.connection_options for holder in holders] + [nornir.inventory.defaults.connection_options]
    for each in options_of:
        for options in each.values():
            # A new mapping each: a YAML anchor makes several groups share one.
            options.extras = {
                key: _inside(inventory, value) if key in _PATH_EXTRAS and isinstance(value, str) and value else value
                for key, value in (options.extras or {}).items()
            }


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


def _desired(nornir: Nornir, intent: Intent, clusters: Sequence[Cluster]) -> dict[str, Desired]:
    """What every server of these clusters should be, all its memberships together."""
    from tasks.render.keepalived import render_keepalived  # noqa: PLC0415 - needs Nornir

    names = {server.name for cluster in clusters for server in cluster.servers}
    by_server = {name: memberships(intent, name) for name in names}
    servers = nornir.filter(filter_func=lambda host: host.name in names)
    results = servers.run(task=render_keepalived, memberships=by_server, on_failed=True)
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
