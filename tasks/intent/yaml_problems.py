"""Why a text is no YAML, with its line and its fix. Nothing of the text is quoted: it may be a password."""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import StreamMark, YAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.scanner import Scanner, ScannerError

NO_VALUE = "no value"
"""The problem of a value that is not what it looks like, or what its tag says."""
NO_CHARACTER = "no character"
"""The problem of an escape whose number no character has."""
NO_VERSION = "found incompatible"
"""The problem of a text in another dialect, as ruamel begins it."""
ANCHOR_TWICE = "second occurrence"
"""The problem of an anchor that another one hides; ruamel itself warns of it alone."""
_TELLING = 12

_WORDS = (
    # how ruamel begins, what is meant, the fix
    (NO_VALUE, "a value looks like a date or number, or has a tag (!!…), but is none", "quote what is meant as text"),
    (NO_CHARACTER, r"an escape (\U…) whose number is none", "correct it or use single quotes"),
    (NO_VERSION, "a %YAML line for another version than 1.2, which all files here are read as", "remove it"),
    ("failed to construct timestamp", "a date (!!timestamp) that is none", "remove the tag"),
    (r"found character '\t'", "a tab where only spaces may stand", "indent with spaces"),
    ("found character", "a value begins with a character that YAML keeps for itself (@ ` or %)", "quote the value"),
    ("found undefined alias", "an alias (*name) without its anchor (&name)", "write the anchor or quote the value"),
    (ANCHOR_TWICE, "an anchor (&name) that stands twice", "give each its own name"),
    ("found duplicate key", "a key that stands twice", "keep one"),
    ("could not determine a constructor", "a tag (!name) that means nothing here", "remove it or quote the value"),
    ("mapping values are not allowed", "a second colon, or a key that is indented wrongly", "indent it or quote it"),
    ("could not find expected ':'", "a key without its colon", "write `key: value`"),
    ("found unexpected end of stream", "a quote that is never closed", "close it"),
    ("expected ',' or ']'", "a list that is never closed, or lacks a comma", "write it as [a, b]"),
    ("expected ',' or '}'", "a mapping that is never closed, or lacks a comma", "write it as {a: b, c: d}"),
    (
        "expected <block end>",
        "text after the end of a value, or a line whose indentation fits none above it",
        "indent it as its neighbours or quote the whole value",
    ),
    ("sequence entries are not allowed", "a list item (-) where none may stand", "give it a line of its own"),
    ("expected alphabetic or numeric", "an & or * without a name", "quote the value"),
    ("expected escape sequence", r"an escape (\x… or \u…) without its digits", "write them or use single quotes"),
    ("found unhashable key", "a key that is itself a list or mapping", "write a plain name"),
    ("found unknown escape", "an escape that YAML does not know", r"write \\ for a backslash, or use single quotes"),
    ("but found another document", "a second document (---)", "keep one"),
    ("expected a mapping or list of mappings for merging", "a merge (<<) of no mapping", "merge an alias (*name)"),
    ("failed to", "binary data (!!binary) that is none", "remove the tag"),
    ("expected a ", "a value of another kind than its tag (!!…) says", "remove the tag"),
)


def yaml_problem(text: str, source: str, error: Exception) -> str:
    """One sentence for an error of ruamel's."""
    position, character = getattr(error, "position", None), getattr(error, "character", None)
    if isinstance(position, int) and character is not None:
        code = ord(character) if isinstance(character, str) else int(character)
        line = text.count("\n", 0, position) + 1
        return f"{source}:{line}: not valid YAML: the control character U+{code:04X}; remove it"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    return f"{source}:{line}: not valid YAML: {_in_words(getattr(error, 'problem', None) or '')}"


def _in_words(problem: str) -> str:
    for begin, meaning, mend in _WORDS:
        if problem.startswith(begin):
            return f"{meaning}; {mend}"
    left = problem.partition("'")[0].partition('"')[0].removesuffix(", but found ").strip()
    return f"{left if len(left) > _TELLING else 'it reads as nothing known'}; mend the line or quote the value"


def compose(text: str) -> tuple[Node | None, SafeConstructor]:
    """The nodes of a text and what makes their values; YAMLError. It is YAML 1.2, as in the files that Nornir reads."""
    reader = YAML(typ="safe", pure=True)  # the round-trip loader takes longer, and stops at the first key given twice
    reader.Scanner, reader.Constructor = _CheckedScanner, _CheckedConstructor
    reader.composer.warn_double_anchors = False
    return reader.compose(text), reader.constructor


class _CheckedScanner(Scanner):
    """The scanner, which takes any digits for a character and any %YAML for a version."""

    def scan_yaml_directive_value(self, start_mark: StreamMark) -> object:
        """The version in a %YAML line."""
        try:
            version = super().scan_yaml_directive_value(start_mark)
        except ValueError:  # more digits than Python takes
            version = None
        if version != (1, 2):
            raise ScannerError(None, None, NO_VERSION, start_mark)
        return version

    def scan_flow_scalar_non_spaces(self, double: bool, start_mark: StreamMark) -> object:  # noqa: FBT001 - ruamel's own
        """A piece of a quoted text."""
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError):
            raise ScannerError(None, None, NO_CHARACTER, start_mark) from None


class _CheckedConstructor(SafeConstructor):
    """The safe constructor, whose every failure is a YAMLError with a line."""

    def construct_object(self, node: Node, deep: bool = False) -> object:  # noqa: FBT001, FBT002 - ruamel's own
        """The value of a node; `!!bool foo` and its like raise anything at all in ruamel."""
        try:
            value: object = super().construct_object(node, deep=deep)
        except (YAMLError, RecursionError):
            raise
        except Exception:  # noqa: BLE001 - KeyError, AttributeError, IndexError, ValueError, OverflowError
            raise ConstructorError(None, None, NO_VALUE, node.start_mark) from None
        return value
