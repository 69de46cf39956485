"""The shell that shows what nftables.conf includes, run for real."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.observe.nft_file import parse_includes
from tasks.observe.nft_questions import includes_fragment


def told(place: Path, conf: str, **files: str) -> Mapping[str, str | None]:
    """By path within the place; `/` in a name is `__`."""
    for name, text in {"conf": conf, **files}.items():
        path = place / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("@", f"{place}/"))
    fragment = includes_fragment([str(place / "conf"), "/nonexistent"], f"{place}/ours.nft")
    script = f"{fragment}\nset -- 'a b'; echo \"== include /last\"; for each in $1; do echo $each; done"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    found = dict(parse_includes(done.stdout))
    # what comes behind has the shell's own settings again
    assert found.pop("/last") == "a\nb"
    return {path.removeprefix(f"{place}/"): text for path, text in found.items()}


@pytest.mark.parametrize(
    ("conf", "files", "expected"),
    [
        ("", {}, {}),
        ("table inet a { }\n", {"d__a": "A"}, {}),
        ('include "@d/a"\n', {"d__a": "A"}, {"d/a": "A"}),
        ('include "@d/a"\n', {"d__a": "A\n\n"}, {"d/a": "A"}),
        ('include "@d/a"; include\t"@d/b"\n', {"d__a": "A", "d__b": "B"}, {"d/a": "A", "d/b": "B"}),
        ('include "@d/*"\n', {"d__a": "A", "d__b": "B"}, {"d/a": "A", "d/b": "B"}),
        ('include "@d/?.nft"\n', {"d__a.nft": "A", "d__bb.nft": "B"}, {"d/a.nft": "A"}),
        ('include "@d/*"\n', {"d__.a": "A"}, {}),
        ('include "@d/*"\n', {"d__a b": "A"}, {"d/a b": "A"}),
        ('include "@none/*"\n', {}, {}),
        ('include "@ours.nft"\n', {"ours.nft": "A"}, {}),
        ('include "@a"\n', {"a": 'include "@b"\n', "b": 'include "@a"\n'}, {"a": 'include "@b"', "b": 'include "@a"'}),
        # what can't be read is told as such
        ('include "@none"\n', {}, {"none": None}),
        ('include "@*/a"\n', {"d__a": "A"}, {"*/a": None}),
        ('include "@none/deep/*"\n', {}, {"none/deep/*": None}),
    ],
)
def test_what_is_included(tmp_path: Path, conf: str, files: dict[str, str], expected: dict[str, str | None]) -> None:
    at = {path: text and text.replace("@", f"{tmp_path}/") for path, text in expected.items()}
    assert told(tmp_path, conf, **files) == at


def test_nft_follows_no_deeper_and_neither_does_this(tmp_path: Path) -> None:
    files = {f"f{depth}": f'include "@f{depth + 1}"\n' for depth in range(20)}
    found = told(tmp_path, 'include "@f0"\n', **files)
    assert [name for name, text in found.items() if text is None] == ["f16"]
    assert len(found) == len([*range(16), "f16"])


def test_a_relative_path_is_one_of_etc(tmp_path: Path) -> None:
    found = told(tmp_path, 'include "hostname"\ninclude "no-such-file-here"\n')
    assert found["/etc/hostname"] == Path("/etc/hostname").read_text().rstrip("\n")
    assert found["/etc/no-such-file-here"] is None
