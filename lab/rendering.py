"""Jinja2 over lab/templates: an undefined variable is an error, a block leaves no blank line."""

from __future__ import annotations

from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")


def flow(value: object) -> str:
    """A value as YAML on one line: `[a, b]`, `{k: v}`."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("...\n").strip()


def render(template: str, **values: object) -> str:
    """The text of a template of this package."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
    )
    environment.filters["flow"] = flow
    return environment.get_template(template).render(values)
