"""Jinja2 over lab/templates: an undefined variable is an error, a block leaves no blank line."""

from __future__ import annotations

import io
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

TEMPLATES = Path(__file__).with_name("templates")


class _Quoting(SafeRepresenter):
    """Quotes what YAML 1.1 would take for a number or a truth, too."""

    def represent_str(self, data: str) -> ScalarNode:
        """A text."""
        quoted = ":" in data or data.lower() in {"yes", "no", "on", "off"}
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="'" if quoted else None)


_Quoting.add_representer(str, _Quoting.represent_str)


def flow(value: object) -> str:
    """A value as YAML on one line: `[a, b]`, `{k: v}`."""
    writer, written = YAML(typ="safe", pure=True), io.StringIO()
    writer.Representer = _Quoting
    writer.default_flow_style, writer.width = True, 10_000
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # its own type says None alone
    writer.dump(value, written)
    return written.getvalue().removesuffix("...\n").strip()


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
