"""keepalived.conf of one server, rendered through nornir-jinja2."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nornir.core.task import Result, Task
from nornir_jinja2.plugins.tasks import template_file

from tasks.model.cluster import Cluster

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def render_keepalived(task: Task, *, memberships: Mapping[str, tuple[Cluster, ...]]) -> Result:
    """Nornir task: Result.result is the text of keepalived.conf for this host, secret included.

    A server that is a member of several clusters has one file with an instance for each. The secret is why the Result
    has the severity of debugging.
    """
    rendered = template_file(
        task,
        template="keepalived.conf.j2",
        jinja_env=environment(),
        server=task.host.name,
        clusters=memberships[task.host.name],
    )
    return Result(host=task.host, result=rendered.result, severity_level=logging.DEBUG)


def environment() -> Environment:
    """The environment of all configuration templates: a name that is not there is an error, never an empty text."""
    loaded = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - plain text, never HTML
    )
    loaded.filters["seconds"] = seconds
    loaded.filters["sync_groups"] = sync_groups
    loaded.tests["dynamic_interfaces"] = dynamic_interfaces
    return loaded


def dynamic_interfaces(cluster: Cluster) -> bool:
    """Does its configuration name an interface that keepalived makes itself?

    A VIP outside the adverts, of another family or not, stands on the base interface unless `dev` names the macvlan,
    and without the option keepalived refuses a `dev` that is not there yet. `use_vmac_addr` is no way: it makes a
    second macvlan, with another virtual MAC and with the base's link-local address, which the fabric would see move
    between two MACs.
    """
    return cluster.use_vmac and any(vip in cluster.excluded or vip.version != cluster.family for vip in cluster.vips)


def sync_groups(clusters: Sequence[Cluster]) -> dict[str, list[Cluster]]:
    """Instances by the group that they are in."""
    found: dict[str, list[Cluster]] = {}
    for cluster in clusters:
        if cluster.sync_group is not None:
            found.setdefault(cluster.sync_group, []).append(cluster)
    return found


def seconds(value: float) -> str:
    """`1.0` as `1` (VRRPv2 takes whole seconds only), `0.1` as it is; never as `1e-05`, which keepalived can't read.

    keepalived counts in millionths of a second.
    """
    return f"{value:.6f}".rstrip("0").rstrip(".")
