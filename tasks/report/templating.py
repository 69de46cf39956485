"""The templates of pages and pictures: whatever is put into one is escaped, since hosts said it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.model.text import clipped, visible

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "report"
_LONGEST = 60
"""Characters of one text in a picture."""


@cache
def environment() -> Environment:
    """With `stamp` as a filter."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    made.filters["stamp"] = lambda at: at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return made


def drawn(text: str) -> str:
    """A text in a picture: what no picture has room for is left out."""
    return clipped(visible(text), _LONGEST)


def picture(template: str, **values: object) -> Markup:
    """An `<svg>`, ready for a page."""
    return Markup(environment().get_template(template).render(values).strip())  # noqa: S704 - our own template
