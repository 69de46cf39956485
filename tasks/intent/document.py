"""A YAML text with the line of every path in it, and without the silence of YAML about keys given twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from tasks.model.errors import IntentError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The plain value of a YAML text; `lines` counts from 1."""

    source: str
    value: Any
    lines: dict[Path, int]

    def place(self, path: Path) -> str:
        """`file:line: path`, with the line of the nearest parent where the path itself does not stand."""
        at = path
        while at and at not in self.lines:
            at = at[:-1]
        dotted = ".".join(str(part) for part in path) or "(top level)"
        return f"{self.source}:{self.lines.get(at, 1)}: {dotted}"


def read_document(text: str, source: str) -> Document:
    """Parse `text`; IntentError names file and line for broken YAML and for a key that stands twice."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        # What PyYAML quotes of the text may be a password.
        problem = (getattr(error, "problem", None) or "it can't be read").partition("'")[0].partition('"')[0].strip()
        raise IntentError(f"{source}:{line}: not valid YAML: {problem}; mend the line or quote the value") from None
    except (ValueError, OverflowError):
        mend = "quote what is not meant as a date or number"
        raise IntentError(
            f"{source}:1: not valid YAML: a value looks like a date or number, but is none; {mend}"
        ) from None
    except RecursionError:
        raise IntentError(f"{source}:1: not valid YAML: nested too deep, or in itself; write it out") from None
    lines: dict[Path, int] = {}
    try:
        if root is not None:
            _walk(root, (), lines, source)
    except RecursionError:
        raise IntentError(f"{source}:1: not valid YAML: nested too deep, or in itself; write it out") from None
    return Document(source=source, value=value, lines=lines)


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], source: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            name = str(key.value)
            here = (*path, name)
            line = key.start_mark.line + 1
            if here in lines:
                dotted = ".".join(map(str, here))
                raise IntentError(f"{source}:{line}: {dotted}: stands twice (first in line {lines[here]}); keep one")
            lines[here] = line
            _walk(child, here, lines, source)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), lines, source)
