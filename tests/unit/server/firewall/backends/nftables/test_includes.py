"""The helper that shows what nftables.conf includes, run for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tasks.observe.helpers import helper_text
from tasks.server.firewall.backends.nftables.read.file import parse_includes

ANY_OWNER = ("roots() {", "roots() {\n    return 0")
"""The tests' files are the user's who runs them."""


def run(place: Path, *changes: tuple[str, str]) -> Mapping[str, str | None]:
    """What the helper prints where `conf` in the place is nftables.conf, by path within the place."""
    text = helper_text("nftables-includes")
    confs = ("/etc/nftables.conf /etc/sysconfig/nftables.conf", f"{place}/conf {place}/nonexistent")
    for old, new in (*changes, confs, ("/etc/nftables-vipbook.nft", f"{place}/ours.nft")):
        assert old in text
        text = text.replace(old, new)
    done = subprocess.run(["sh", "-s"], input=text, capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    return {path.removeprefix(f"{place}/"): found for path, found in parse_includes(done.stdout).items()}


def told(place: Path, conf: str, **files: str) -> Mapping[str, str | None]:
    """By path within the place; `/` in a name is `__`."""
    for name, text in {"conf": conf, **files}.items():
        path = place / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("@", f"{place}/"))
    return run(place, ANY_OWNER)


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


@pytest.fixture
def roots() -> Iterator[Path]:
    """A directory where root alone may write, up to the root."""
    if os.geteuid() != 0:
        pytest.skip("only root makes files of another user")
    place = Path(tempfile.mkdtemp(dir="/root"))
    yield place
    shutil.rmtree(place)


@pytest.mark.parametrize(
    ("owner", "mode", "target", "expected"),
    [
        pytest.param(0, 0o700, None, "A", id="roots"),
        pytest.param(0, 0o755, "inside", "A", id="link-of-roots-to-a-file-of-roots"),
        pytest.param(0, 0o777, None, None, id="directory-that-any-user-may-write"),
        pytest.param(0, 0o1777, None, None, id="directory-with-the-sticky-bit"),
        pytest.param(65534, 0o755, None, None, id="directory-of-another-user"),
        pytest.param(65534, 0o755, "inside", None, id="link-of-another-user"),
        pytest.param(0, 0o755, "outside", None, id="link-into-a-directory-of-another-user"),
    ],
)
def test_only_what_root_alone_put_there_is_read(
    roots: Path, owner: int, mode: int, target: str | None, expected: str | None
) -> None:
    """It is printed to a user who may not read every file of root's."""
    for name in ("d", "inside", "outside"):
        (roots / name).mkdir()
        (roots / name / "file").write_text("A\n")
    (roots / "outside").chmod(0o777)
    if target is None:
        (roots / "d" / "a").write_text("A\n")
    else:
        (roots / "d" / "a").symlink_to(roots / target / "file")
    os.chown(roots / "d", owner, owner)
    (roots / "d").chmod(mode)
    (roots / "conf").write_text(f'include "{roots}/d/a"\n')
    assert run(roots) == {"d/a": expected}
    (roots / "conf").write_text(f'include "{roots}/d/[a]"\n')
    assert run(roots) == ({"d/a": expected} if mode & 0o22 == 0 and owner == 0 else {"d/[a]": None})
