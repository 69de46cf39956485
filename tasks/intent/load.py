"""clusters.yaml becomes the model, or one clear sentence a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tasks.intent.document import Document, read_document
from tasks.intent.lint import lint_clusters, lint_secret
from tasks.intent.schema import ClusterEntry, SecretEntry, parse_clusters
from tasks.model.cluster import Cluster, Fabric, Secret, Server
from tasks.model.errors import IntentError

SecretReader = Callable[[SecretEntry], str]
"""Reads a secret; LookupError, with the mend as its text, when it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """All clusters of a file. `warnings`: what could not be checked."""

    clusters: tuple[Cluster, ...]
    warnings: tuple[str, ...]

    def select(self, names: tuple[str, ...]) -> tuple[Cluster, ...]:
        """The clusters of these names, all when none is named; IntentError for a name that is none of them."""
        known = {cluster.name: cluster for cluster in self.clusters}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise IntentError(*(f"no cluster {name!r}; accepted: {', '.join(known)}" for name in unknown))
        return tuple(known[name] for name in dict.fromkeys(names)) if names else self.clusters


def load_intent(text: str, source: str, read_secret: SecretReader, *, need_secrets: bool) -> Intent:
    """Parse and lint; IntentError carries every problem found, not the first alone.

    With `need_secrets` false (lint, offline) a secret that is not there is a warning; its cluster has none then.
    """
    document = read_document(text, source)
    parsed, problems = parse_clusters(document)
    if parsed is None:
        raise IntentError(*problems)
    problems = lint_clusters(document, parsed)
    warnings: list[str] = []
    secrets: dict[str, Secret] = {}
    for name, entry in parsed.clusters.items():
        if entry.auth_pass is None:
            continue
        missing, wrong = _secret(document, name, entry.auth_pass, read_secret, secrets)
        (problems if need_secrets else warnings).extend(missing)
        problems += wrong
    if problems:
        raise IntentError(*problems)
    clusters = tuple(_cluster(name, entry, secrets.get(name)) for name, entry in parsed.clusters.items())
    return Intent(clusters=clusters, warnings=tuple(warnings))


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


def _cluster(name: str, entry: ClusterEntry, auth_pass: Secret | None) -> Cluster:
    fabric = entry.fabric
    return Cluster(
        name=name,
        vrid=entry.vrid,
        version=entry.version,
        advert_int=entry.advert_int,
        preempt=entry.preempt,
        unicast=entry.unicast,
        auth_pass=auth_pass,
        vips=tuple(sorted(entry.vips, key=lambda vip: vip.version)),
        use_vmac=entry.use_vmac,
        servers=tuple(
            Server(
                name=host,
                interface=server.interface,
                address=server.address,
                priority=server.priority,
                leaves=server.leaves,
                port=server.port,
            )
            for host, server in entry.servers.items()
        ),
        fabric=Fabric(
            vni=fabric.vni,
            svi=fabric.svi,
            vrr=fabric.vrr,
            vxlan=fabric.vxlan,
            bridge=fabric.bridge or fabric.svi,
            vlan=fabric.vlan,
            leaves=tuple(fabric.leaves),
            allowance_s=fabric.allowance,
        ),
        probes=tuple(entry.probes),
    )
