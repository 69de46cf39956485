"""The report as the JSON document that others rely on, its published schema, and the gate for a stored one.

Keys that a newer version added are let through (adding is free); what is missing or of another type is refused.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tasks.model.errors import IntentError
from tasks.model.report import Report
from tasks.model.text import readable

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SHOWN = 3
"""So many problems of a file show what is wrong with it."""
_ONCE_CHECKED = ("expectations", "problems", "open_questions", "failed_before", "changes")


@cache
def shape_of(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type, or a list of one
    """What writes and reads values of this type; made when it is first needed."""
    return TypeAdapter(kind)


def plain_values(kind: Any, value: object) -> Any:  # noqa: ANN401 - as above; what JSON can hold
    """A value of this type as its annotations write it, without lone surrogates: what reads JSON refuses them."""
    return _fit(shape_of(kind).dump_python(value, by_alias=True))


def document(report: Report) -> dict[str, Any]:
    """The whole report as plain values, with no secret in it."""
    made: dict[str, Any] = plain_values(Report, report)
    if report.window is not None and report.window.verdict is None:
        for key in _ONCE_CHECKED:
            del made["window"][key]
    return made


def _fit(value: Any) -> Any:  # noqa: ANN401 - any plain value
    if isinstance(value, str):
        return readable(str(value))
    if isinstance(value, list | tuple):
        return [_fit(each) for each in value]
    return {_fit(key): _fit(each) for key, each in value.items()} if isinstance(value, dict) else value


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the report."""
    return {"$schema": _DIALECT, **shape_of(Report).json_schema(by_alias=True)}


def read_report(text: str | bytes, name: str) -> Report:
    """A stored report; IntentError when it is none. `name` is what the error calls it, a path as a rule."""
    try:
        report: Report = shape_of(Report).validate_json(text)
    except ValidationError as error:
        raise IntentError(
            *(f"{name}: not a vipbook report: {_problem(each)}" for each in error.errors()[:_SHOWN])
        ) from None
    return report


def report_of(made: dict[str, Any]) -> Report:
    """The report of which this is the document."""
    report: Report = shape_of(Report).validate_python(made)
    return report


def _problem(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails has keys that differ by kind
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg']}" if where else str(error["msg"])
