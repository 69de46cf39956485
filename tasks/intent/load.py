"""clusters.yaml becomes the model, or one clear sentence a problem."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tasks.intent.document import Document, read_document
from tasks.intent.expand import clusters_of
from tasks.intent.lint.rules import advise_clusters, lint_clusters, lint_secret
from tasks.intent.schema import ClustersFile, SecretEntry, parse_clusters
from tasks.model.cluster import Cluster, Secret
from tasks.model.errors import IntentError

SecretReader = Callable[[SecretEntry], str]
"""Reads a secret; LookupError, with the mend as its text, when it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """All VRRP instances of a file, those of a cluster side by side. `warnings`: what works, and what is not known."""

    clusters: tuple[Cluster, ...]
    warnings: tuple[str, ...]

    def select(self, names: tuple[str, ...]) -> tuple[Cluster, ...]:
        """The clusters of these names, all when none is named; IntentError for a name that is none of them."""
        known = dict.fromkeys(cluster.name for cluster in self.clusters)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise IntentError(*(f"no cluster {name!r}; accepted: {', '.join(known)}" for name in unknown))
        wanted = dict.fromkeys(names or known)
        return tuple(cluster for name in wanted for cluster in self.clusters if cluster.name == name)


def load_intent(
    text: str,
    source: str,
    read_secret: SecretReader,
    *,
    need_secrets: bool,
    checks: Callable[[], Collection[str]] = tuple,
) -> Intent:
    """Parse and lint; IntentError carries every problem found, not the first alone. `checks`: the names there are.

    With `need_secrets` false (lint, offline) a secret that is not there is a warning; its cluster has none then.
    """
    document = read_document(text, source)
    parsed, problems = parse_clusters(document)
    if parsed is None:
        raise IntentError(*problems)
    problems = lint_clusters(document, parsed) + _unknown_checks(document, parsed, checks)
    warnings = advise_clusters(document, parsed)
    secrets: dict[str, Secret] = {}
    for name, entry in parsed.clusters.items():
        if entry.auth_pass is None:
            continue
        missing, wrong = _secret(document, name, entry.auth_pass, read_secret, secrets)
        (problems if need_secrets else warnings).extend(missing)
        problems += wrong
    if problems:
        raise IntentError(*problems)
    clusters = tuple(
        each for name, entry in parsed.clusters.items() for each in clusters_of(name, entry, secrets.get(name))
    )
    return Intent(clusters=clusters, warnings=tuple(warnings))


def _unknown_checks(document: Document, parsed: ClustersFile, checks: Callable[[], Collection[str]]) -> list[str]:
    named = [(name, check) for name, cluster in parsed.clusters.items() for check in cluster.checks]
    known = checks() if named else ()
    return [
        f"{document.place(('clusters', name, 'checks', check))}: no such check; accepted: {', '.join(sorted(known))}"
        for name, check in named
        if check not in known
    ]


def _secret(
    document: Document, name: str, entry: SecretEntry, read_secret: SecretReader, secrets: dict[str, Secret]
) -> tuple[list[str], list[str]]:
    """Problems of a secret that is missing, and of one that is wrong; a good one goes into `secrets`."""
    try:
        text = read_secret(entry)
    except LookupError as error:
        return [f"{document.place(('clusters', name, 'auth_pass'))}: {error.args[0]}"], []
    secrets[name] = Secret(text)
    return [], lint_secret(document, name, text)
