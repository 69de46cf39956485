"""A YAML text with the line of every path in it, and without the silence of YAML about keys given twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tasks.intent.numbers import surprise
from tasks.intent.wording import clipped, printable
from tasks.intent.yaml_problems import ANCHOR_TWICE, compose, yaml_problem
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


def read_document(text: str, source: str, *, ambiguous: bool = False) -> Document:
    """Parse `text`; IntentError names file and line for broken YAML and for a key that stands twice.

    `ambiguous`: whether a value may stand in it that YAML 1.1 reads differently; Nornir takes it as YAML 1.2.
    """
    walk = _Walk(source=source, ambiguous=ambiguous)
    try:
        root, constructor = compose(text)
        if root is not None:
            walk.visit(root, ())
        if walk.problems:
            raise IntentError(*walk.problems)
        value = None if root is None else constructor.construct_object(root, deep=True)
    except YAMLError as error:
        raise IntentError(yaml_problem(text, source, error)) from None
    except RecursionError:
        raise IntentError(f"{source}:1: not valid YAML: nested too deep, or in itself; write it out") from None
    return Document(source=source, value=value, lines=walk.lines)


def read_places(text: str, source: str) -> Document:
    """The lines alone, as far as they can be told, of a text that somebody else reads."""
    walk = _Walk(source=source)
    try:
        root = compose(text)[0]
        if root is not None:
            walk.visit(root, ())
    except (YAMLError, RecursionError, IntentError):
        pass
    return Document(source=source, value=None, lines=walk.lines)


def _dotted(path: Path) -> str:
    """A path as it is shown; its keys are the file's own, whatever stands in them."""
    return ".".join(clipped(printable(str(part))) for part in path) or "(top level)"


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Through the nodes of a text, which gathers lines and problems."""

    source: str
    ambiguous: bool = True
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _anchors: dict[str, Node] = field(default_factory=dict)
    _repeated: int = 0

    def visit(self, node: Node, path: Path) -> None:
        """This node and all below it."""
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self._check_anchor(node)
        self._count(node, line)
        if isinstance(node, MappingNode):
            for key, child in node.value:
                self._visit_pair(key, child, path)
        elif isinstance(node, SequenceNode):
            for index, child in enumerate(node.value):
                self.visit(child, (*path, index))
        elif isinstance(node, ScalarNode):
            self._check_number(node, path)

    def _visit_pair(self, key: Node, child: Node, path: Path) -> None:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode):
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
        self._check_anchor(key)
        self._check_number(key, here)
        self.visit(child, here)

    def _check_number(self, node: ScalarNode, path: Path) -> None:
        # A secret is never quoted; that it is no text is said where its shape is checked.
        if not self.ambiguous and _SECRET not in path and (problem := surprise(node)):
            self.problems.append(f"{self.source}:{node.start_mark.line + 1}: {_dotted(path)}: {problem}")

    def _check_anchor(self, node: Node) -> None:
        if node.anchor is not None and self._anchors.setdefault(node.anchor, node) is not node:
            raise ComposerError(None, None, ANCHOR_TWICE, node.start_mark)

    def _count(self, node: Node, line: int) -> None:
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > _MOST_REPEATED:
            problem = f"its aliases (*name) unfold to more than {_MOST_REPEATED} values"
            raise IntentError(f"{self.source}:{line}: {problem}; write fewer of them, or write them out")
