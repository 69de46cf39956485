"""Every format that a report can be written in: a module each, and its name is the format's on the command line.

A module offers `FORMAT`. Nothing else has a list of formats: `--report`, its help, completion and errors ask here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Not the module: the format of that name becomes an attribute of this package, and would replace it.
from json import dumps
from typing import TYPE_CHECKING, Any

from tasks.model.registry import constant, module_names

if TYPE_CHECKING:
    from tasks.model.report import Report

FORMATS = module_names(__path__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format, and what it needs from those who write it."""

    suffix: str
    """Of a file's name."""
    render: Callable[[Report], str] | None
    """None: the document as it is."""
    public: bool = False
    """Another user's program reads the file, as node_exporter does: it must hold no evidence."""
    bundled: bool = True
    """Is it in the bundle of a window?"""
    needs_past: bool = False
    """Does it show what the history knows of earlier runs?"""


def format_of(name: str) -> Format:
    """The format of this name, one of FORMATS."""
    found = constant(__name__, name, "FORMAT")
    assert isinstance(found, Format)
    return found


def json_text(shape: object) -> str:
    """ASCII alone, so that no locale can break it."""
    return dumps(shape, indent=2) + "\n"


def rendered(name: str, shape: dict[str, Any]) -> str:
    """The document in one of the formats."""
    render = format_of(name).render
    if render is None:
        return json_text(shape)
    from tasks.report.document import report_of  # noqa: PLC0415 - pydantic

    return render(report_of(shape))
