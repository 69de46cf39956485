"""The gate where YAML becomes intent: strict shapes, each refusal with file, line, path and mend."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
)
from pydantic_core import ErrorDetails

from tasks.intent.addresses import ServerAddress, ServerAddress6, VipAddress
from tasks.intent.document import Document, Path
from tasks.intent.plain_errors import NOT_HERE, in_words, secret_at

# The kernel's IFNAMSIZ is 16 with the closing NUL; the characters are those that need no quoting anywhere.
InterfaceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,15}$")]
# Nornir's host names are free text, but these go into file names and reports.
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}$")]


_LONGEST_REASON = 200


def _two_or_more(names: list[str]) -> list[str]:
    if len(names) < 2:  # noqa: PLR2004 - a pair
        one = names[0] if names else "L1"
        msg = f"a list of {len(names)}; name both of an MLAG pair or all of an Ethernet segment, or one leaf as {one}"
        raise ValueError(msg)
    return names


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST_REASON:
        msg = f"a text that reports can't show; write one line of 1 to {_LONGEST_REASON} characters"
        raise ValueError(msg)
    return text


def _form(value: object) -> str:
    return _SEVERAL if isinstance(value, list) else _ONE


_ONE, _SEVERAL = "[one]", "[several]"
# What pydantic puts into the path of an error beside what stands in the file.
_TAGS = {"[key]", _ONE, _SEVERAL}
Leaf = Annotated[
    Annotated[HostName, Tag(_ONE)] | Annotated[list[HostName], AfterValidator(_two_or_more), Tag(_SEVERAL)],
    Discriminator(_form),
]


# What keepalived can be told without being taken for its own syntax: a program and its arguments.
Program = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_.,:/=@%+\- ]{1,250}$")]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_\-]{0,31}$")]
# A name of our own making in keepalived.conf, or a process's as the kernel has it.
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,30}$")]
Weight = Annotated[int, Field(ge=-253, le=253)]
Priority = Annotated[int, Field(ge=1, le=254)]
Vrid = Annotated[int, Field(ge=1, le=255)]
Vips = Annotated[list[VipAddress], Field(min_length=1, max_length=20)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SecretEntry(_Strict):
    """Where a secret is read: exactly one of the three."""

    env: str | None = None
    file: str | None = None
    clear: str | None = None


class ServerEntry(_Strict):
    """A member of a cluster."""

    interface: InterfaceName
    address: ServerAddress
    priority: Priority
    address6: ServerAddress6 | None = None
    leaf: Leaf | None = None
    port: InterfaceName | None = None

    @property
    def leaves(self) -> tuple[str, ...]:
        """The leaves it hangs on, none when nobody declared them."""
        if self.leaf is None:
            return ()
        return (self.leaf,) if isinstance(self.leaf, str) else tuple(self.leaf)


class FabricEntry(_Strict):
    """The VLAN of the VIP on the leaves."""

    vni: Annotated[int, Field(ge=1, le=16777215)]
    svi: InterfaceName
    vxlan: InterfaceName
    leaves: Annotated[list[HostName], Field(min_length=1)]
    vrr: InterfaceName | None = None
    bridge: InterfaceName | None = None
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    allowance: Annotated[float, Field(gt=0, le=60)] = 1.0


class ScriptEntry(_Strict):
    """A program that is run again and again; it fails with an exit status other than 0."""

    command: Program
    interval: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    timeout: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    fall: Annotated[int, Field(ge=1, le=100)] = 2
    rise: Annotated[int, Field(ge=1, le=100)] = 2
    weight: Weight = 0


class ProcessEntry(_Strict):
    """A process that must run."""

    process: Word
    quorum: Annotated[int, Field(ge=1, le=65535)] = 1
    delay: Annotated[float, Field(ge=0.01, le=3600)] = 1.0
    weight: Weight = 0


class TrackEntry(_Strict):
    """What must be well for a server to be master."""

    interfaces: list[InterfaceName] = Field(default_factory=list)
    scripts: dict[Word, ScriptEntry] = Field(default_factory=dict)
    processes: dict[Word, ProcessEntry] = Field(default_factory=dict)


class GarpEntry(_Strict):
    """Gratuitous ARPs; what is left out is chosen by the advert interval."""

    delay: Annotated[int, Field(ge=0, le=3600)] | None = None
    repeat: Annotated[int, Field(ge=1, le=100)] = 5
    refresh: Annotated[int, Field(ge=0, le=86400)] = 60
    lower_prio_delay: Annotated[int, Field(ge=0, le=3600)] | None = None
    lower_prio_repeat: Annotated[int, Field(ge=0, le=100)] = 1


class NotifyEntry(_Strict):
    """Programs that keepalived runs at a change."""

    master: Program | None = None
    backup: Program | None = None
    fault: Program | None = None
    stop: Program | None = None
    any: Program | None = None
    deleted: Program | None = None
    master_rx_lower_pri: Program | None = None


class CheckEntry(_Strict):
    """How much a check may say of this cluster, and why."""

    at_most: Literal["warn", "skip"]
    reason: Annotated[str, AfterValidator(_one_line)]


class InstanceEntry(_Strict):
    """A further VRRP instance on the servers of the cluster."""

    vrid: Vrid
    vrid6: Vrid | None = None
    vips: Vips
    excluded: Annotated[list[VipAddress], Field(max_length=200)] = Field(default_factory=list)
    priorities: dict[HostName, Priority] = Field(default_factory=dict)


class ClusterEntry(_Strict):
    """A cluster: its first VRRP instance, and what all its instances have in common."""

    vrid: Vrid
    vrid6: Vrid | None = None
    vips: Vips
    excluded: Annotated[list[VipAddress], Field(max_length=200)] = Field(default_factory=list)
    servers: Annotated[dict[HostName, ServerEntry], Field(min_length=2)]
    fabric: FabricEntry
    probes: list[HostName] = Field(default_factory=list)
    version: Literal[2, 3] = 2
    advert_int: Annotated[float, Field(ge=0.01, le=255)] = 1.0
    preempt: bool = True
    preempt_delay: Annotated[float, Field(ge=0, le=1000)] = 0.0
    unicast: bool = False
    use_vmac: bool = False
    auth_type: Literal["PASS", "AH"] = "PASS"
    auth_pass: SecretEntry | None = None
    sync_group: bool | None = None
    track: TrackEntry = Field(default_factory=TrackEntry)
    script_user: UserName = "nobody"
    garp: GarpEntry = Field(default_factory=GarpEntry)
    notify: NotifyEntry = Field(default_factory=NotifyEntry)
    extra: Annotated[list[str], Field(max_length=50)] = Field(default_factory=list)
    instances: dict[Word, InstanceEntry] = Field(default_factory=dict)
    checks: dict[str, CheckEntry] = Field(default_factory=dict)


# A vrrp_instance's name stands in logs and JSON; keepalived's own limit is far above this.
ClusterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,30}$")]


class ClustersFile(_Strict):
    """The whole of clusters.yaml."""

    clusters: Annotated[dict[ClusterName, ClusterEntry], Field(min_length=1)]


def parse_clusters(document: Document) -> tuple[ClustersFile | None, list[str]]:
    """The typed file, or None and one sentence a problem."""
    try:
        return ClustersFile.model_validate(document.value), []
    except ValidationError as error:
        return None, [_sentence(document, problem) for problem in error.errors(include_url=False)]


def _sentence(document: Document, problem: ErrorDetails) -> str:
    path = _path(document, tuple(part for part in problem["loc"] if part not in _TAGS))
    place = document.place(path)
    if (secret := secret_at(problem, path)) is not None:
        return f"{document.place(secret)}: {NOT_HERE}"
    kind = problem["type"]
    if kind == "extra_forbidden":
        accepted = _accepted(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), accepted, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{place}: unknown key; accepted: {', '.join(accepted)}{hint}"
    if kind == "missing":
        return f"{place}: missing; add this key"
    return f"{place}: {in_words(problem, _accepted(path))}"


def _path(document: Document, path: Path) -> Path:
    """The path as the document has it: a name that YAML takes for a number is a key all the same."""
    found: Path = ()
    for part in path:
        named = (*found, str(part))
        found = named if named in document.lines else (*found, part)
    return found


# The mapping at a path, by the names below a cluster's; the longest that fits decides.
_MODELS: dict[Path, type[BaseModel]] = {
    ("servers",): ServerEntry,
    ("fabric",): FabricEntry,
    ("auth_pass",): SecretEntry,
    ("garp",): GarpEntry,
    ("notify",): NotifyEntry,
    ("instances",): InstanceEntry,
    ("checks",): CheckEntry,
    ("track",): TrackEntry,
    ("track", "scripts"): ScriptEntry,
    ("track", "processes"): ProcessEntry,
}


def _accepted(path: Path) -> list[str]:
    """The keys that the mapping at `path` takes."""
    inside = path[2:]
    fitting = [(len(key), model) for key, model in _MODELS.items() if inside[: len(key)] == key]
    model: type[BaseModel] = ClusterEntry if len(path) > 1 else ClustersFile
    if fitting:
        model = max(fitting, key=lambda each: each[0])[1]
    return list(model.model_fields)
