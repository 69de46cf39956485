"""A YAML text with the line of every path in it, and without the silence of YAML about keys given twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from tasks.intent.numbers import surprise
from tasks.intent.wording import clipped, printable
from tasks.intent.yaml_problems import NO_NUMBER, CheckedLoader, yaml_problem
from tasks.model.errors import IntentError

Path = tuple[str | int, ...]

_MOST_REPEATED = 50_000
"""Values that stand in a file by aliases alone; nine lines of aliases can unfold to a thousand million."""
_SECRET = "auth_pass"  # noqa: S105 - the key, not its value


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
        return f"{self.source}:{self.lines.get(at, 1)}: {_dotted(path)}"


def read_document(text: str, source: str) -> Document:
    """Parse `text`; IntentError names file and line for broken YAML and for a key that stands twice."""
    walk = _Walk(source=source)
    try:
        loader = CheckedLoader(text)
        root = _compose(loader)
        if root is not None:
            walk.visit(root, ())
        if walk.problems:
            raise IntentError(*walk.problems)
        value = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        raise IntentError(yaml_problem(text, source, error)) from None
    except RecursionError:
        raise IntentError(f"{source}:1: not valid YAML: nested too deep, or in itself; write it out") from None
    return Document(source=source, value=value, lines=walk.lines)


def read_places(text: str, source: str) -> Document:
    """The lines alone, as far as they can be told, of a text that somebody else reads."""
    walk = _Walk(source=source)
    try:
        root = _compose(CheckedLoader(text))
        if root is not None:
            walk.visit(root, ())
    except (yaml.YAMLError, RecursionError, IntentError):
        pass
    return Document(source=source, value=None, lines=walk.lines)


def _compose(loader: CheckedLoader) -> yaml.Node | None:
    try:
        root: yaml.Node | None = loader.get_single_node()
    except (ValueError, OverflowError):
        # PyYAML takes "\UFFFFFFFF" and %YAML 9.9… for numbers unchecked.
        raise yaml.constructor.ConstructorError(None, None, NO_NUMBER, loader.get_mark()) from None
    return root


def _dotted(path: Path) -> str:
    """A path as it is shown; its keys are the file's own, whatever stands in them."""
    return ".".join(clipped(printable(str(part))) for part in path) or "(top level)"


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Through the nodes of a text, which gathers lines and problems."""

    source: str
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _repeated: int = 0

    def visit(self, node: yaml.Node, path: Path) -> None:
        """This node and all below it."""
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self._count(node, line)
        if isinstance(node, yaml.MappingNode):
            for key, child in node.value:
                self._visit_pair(key, child, path)
        elif isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                self.visit(child, (*path, index))
        elif isinstance(node, yaml.ScalarNode):
            self._check_number(node, path)

    def _visit_pair(self, key: yaml.Node, child: yaml.Node, path: Path) -> None:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problem = "a key that is itself a list or mapping; write a plain name"
            raise IntentError(f"{self.source}:{line}: not valid YAML: {problem}")
        here = (*path, str(key.value))
        if here in self.lines:
            first = self.lines[here]
            self.problems.append(
                f"{self.source}:{line}: {_dotted(here)}: stands twice (first in line {first}); keep one"
            )
            return
        self.lines[here] = line
        self._check_number(key, here)
        self.visit(child, here)

    def _check_number(self, node: yaml.ScalarNode, path: Path) -> None:
        # A secret is never quoted; that it is no text is said where its shape is checked.
        if _SECRET not in path and (problem := surprise(node)):
            self.problems.append(f"{self.source}:{node.start_mark.line + 1}: {_dotted(path)}: {problem}")

    def _count(self, node: yaml.Node, line: int) -> None:
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > _MOST_REPEATED:
            problem = f"its aliases (*name) unfold to more than {_MOST_REPEATED} values"
            raise IntentError(f"{self.source}:{line}: {problem}; write fewer of them, or write them out")
