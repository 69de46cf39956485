"""Every form that a report can be written in, by its name on the command line."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.report.schema import ReportShape

_MODULES = {
    "json": "",
    "junit": "tasks.report.junit",
    "markdown": "tasks.report.markdown",
    "csv": "tasks.report.table",
    "prom": "tasks.report.prometheus",
    "html": "tasks.report.html",
}
"""Each has `render(report: ReportShape) -> str`; json is the document itself."""
FORMATS = tuple(_MODULES)
PUBLIC = {"prom"}
"""Forms that another user's program reads, as node_exporter does: no evidence is in them."""


def json_text(shape: object) -> str:
    """ASCII alone, so that no locale can break it."""
    return json.dumps(shape, indent=2) + "\n"


def rendered(form: str, shape: dict[str, Any]) -> str:
    """The document in one of the forms, each of which is loaded when it is asked for."""
    if form == "json":
        return json_text(shape)
    from tasks.report.schema import report_of  # noqa: PLC0415 - pydantic

    return renderer(form)(report_of(shape))


def renderer(form: str) -> Callable[[ReportShape], str]:
    """What makes this form from a report."""
    render: Callable[[ReportShape], str] = importlib.import_module(_MODULES[form]).render
    return render
