"""matplotlib figures as SVG that takes its colours from the page, so that light and dark need one drawing."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG

from tasks.model.text import clipped
from tasks.report.escape import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Each colour that a figure may use, and the page's variable that takes its place. None of them is meant to be seen.
INK, MUTED, LINE = "#010101", "#010102", "#010103"
GOOD, BAD, WARN, UNKNOWN = "#010104", "#010105", "#010106", "#010107"
ACCENT, BAND, SURFACE, RAISED = "#010108", "#010109", "#01010a", "#01010b"
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    LINE: "line",
    GOOD: "pass",
    BAD: "fail",
    WARN: "warn",
    UNKNOWN: "unknown",
    ACCENT: "accent",
    BAND: "band",
    SURFACE: "surface",
    RAISED: "raised",
}
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vipbook",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,  # a `$` in a name is no formula
}
_LONGEST = 60
"""Characters of one text in a figure."""
_HEAD = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'(<svg\b[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"')
_FONT = re.compile(r"(font(?:-family)?: ?[^;\"]*?)(?:'[^']*'(?:, ?)?)+(?:sans-serif)?")
_IDS = re.compile(r'(\bid="|xlink:href="#|href="#|url\(#)')


@contextmanager
def settings() -> Generator[None]:
    """The context that a figure is made in."""
    with rc_context(_SETTINGS), warnings.catch_warnings():
        # A sign that no font here has, and a text that leaves no room, are no business of the operator's terminal.
        warnings.simplefilter("ignore", UserWarning)
        yield


def drawn(text: str) -> str:
    """A text in a figure: what no figure has room for is left out."""
    return clipped(printable(text), _LONGEST)


def to_svg(figure: Figure, prefix: str, title: str, description: str) -> str:
    """The figure as an `<svg>` for a page: ids of its own, no metadata, named for those who can't see it."""
    written = io.StringIO()
    with settings():
        canvas = FigureCanvasSVG(figure)
        canvas.print_svg(written, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    text = _METADATA.sub("", _HEAD.sub("", written.getvalue()))
    text = _IDS.sub(lambda found: f"{found[1]}{prefix}-", text)
    text = _FONT.sub(r"\1system-ui, sans-serif", text)
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    names = f'role="img" aria-labelledby="{prefix}-title {prefix}-desc"'
    text = _SIZE.sub(rf'\1 {names} style="min-width: calc(\2px * 0.8); max-width: calc(\2px * 1.45)"', text, count=1)
    labels = (
        f'<title id="{prefix}-title">{_escaped(title)}</title><desc id="{prefix}-desc">{_escaped(description)}</desc>'
    )
    return re.sub(r"(<svg\b[^>]*>)", lambda found: found[1] + labels, text, count=1).strip()


def _escaped(text: str) -> str:
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
