"""The documentation shows what was recorded, and names what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"<!-- (docs/output/\S+) -->\n```\n(.*?)```\n", re.DOTALL)
CAUSES = re.compile(r'\bid="([a-z-]+)"')


def test_the_readme_shows_what_was_recorded() -> None:
    shown = dict(SHOWN.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert shown
    for path, text in shown.items():
        assert text == (ROOT / path).read_text(encoding="utf-8"), f"{path} was recorded again: run make docs-output"


@pytest.mark.parametrize("path", [pytest.param(each, id=each.name) for each in (ROOT / "docs/output").iterdir()])
def test_what_was_recorded_names_no_place_of_this_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("$ ")
    assert not re.search(r"/tmp/|/root/|Traceback", text)


def test_every_known_cause_is_explained() -> None:
    code = (ROOT / "tasks/judge/causes/signatures.py").read_text(encoding="utf-8")
    page = (ROOT / "docs/reference/causes.md").read_text(encoding="utf-8")
    assert {f"`{each}`" for each in CAUSES.findall(code)} <= set(re.findall(r"`[a-z-]+`", page))


def test_every_exit_code_is_explained() -> None:
    code = (ROOT / "runbooks/process/exits.py").read_text(encoding="utf-8")
    page = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    codes = re.findall(r"^    [A-Z_]+ = (\d+)$", code, re.MULTILINE)
    assert codes == re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
