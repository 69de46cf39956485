"""The report as others may read it: the shape of the JSON document, published, and the gate for a stored one.

What a file holds is turned into these frozen types once; every form of the report but JSON is made from them. Keys that
a newer version added are let through (adding is free), and what is missing or of another type is refused.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from tasks.model.errors import IntentError
from tasks.report.shapes import ClusterShape, HostsShape, ServerShape, Shape, TimerShape, VerdictWord
from tasks.report.shapes_of_runs import DrillShape, PastShape, WhereaboutsShape, WindowShape

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SHOWN = 3
"""So many problems of a file tell what is wrong with it."""


class ReportShape(Shape):
    """One report of vipbook, schema 1."""

    model_config = ConfigDict(title="vipbook report")

    schema_: Literal[1] = Field(alias="schema")
    command: str
    started_at: AwareDatetime
    duration_s: float
    verdict: VerdictWord
    hosts: HostsShape
    clusters: tuple[ClusterShape, ...]
    reason: str | None = None
    waited_s: float | None = None
    settled_s: dict[str, float] | None = None
    changed: bool | None = None
    servers: tuple[ServerShape, ...] = ()
    timers: tuple[TimerShape, ...] = ()
    drill: DrillShape | None = None
    location: WhereaboutsShape | None = None
    window: WindowShape | None = None
    past: PastShape | None = None


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the report."""
    return {"$schema": _DIALECT, **ReportShape.model_json_schema(by_alias=True)}


def read_report(text: str | bytes, name: str) -> ReportShape:
    """A stored report; IntentError when it is none. `name` is what the error calls it, a path as a rule."""
    try:
        return ReportShape.model_validate_json(text)
    except ValidationError as error:
        raise IntentError(
            *(f"{name}: not a vipbook report: {_problem(each)}" for each in error.errors()[:_SHOWN])
        ) from None


def report_of(shape: dict[str, Any]) -> ReportShape:
    """The document of this run as types."""
    return ReportShape.model_validate(shape)


def _problem(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails has keys that differ by kind
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg']}" if where else str(error["msg"])
