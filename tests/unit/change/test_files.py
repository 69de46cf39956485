"""Files: written beside the old one, kept, put back, and shown as a difference."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tasks.change.files import beside, diff_of, keep, kept, lines, put_back, write_like, write_new
from tests.unit.change.ways_back import TAG, shell, undo_in


@pytest.mark.parametrize(
    ("path", "fresh", "name"),
    [
        (
            "/etc/keepalived/keepalived.conf",
            "/etc/keepalived/.keepalived.conf.vipbook",
            "etc%keepalived%keepalived.conf",
        ),
        ("/etc/nftables.conf", "/etc/.nftables.conf.vipbook", "etc%nftables.conf"),
    ],
)
def test_names(path: str, fresh: str, name: str) -> None:
    assert (beside(path), kept(path)) == (fresh, name)
    assert keep(path, "/var/lib/x").title == f"sudo cp -aL {path} /var/lib/x/{name}"


def test_new_text_goes_to_standard_input_and_stands_beside_until_it_is_valid() -> None:
    for command in (*write_new("/etc/x.conf", "geheim"), *write_like("/etc/x.conf", "geheim")):
        assert "geheim" not in command.title
        assert "geheim" not in repr(command)
        assert "/etc/.x.conf.vipbook" in command.title


@pytest.mark.parametrize("name", ["x.conf", "with blank.conf", "quote'd.conf"])
@pytest.mark.parametrize("old", ["old\n", "", None])
def test_put_back_makes_the_file_what_it_was(tmp_path: Path, name: str, old: str | None) -> None:
    target = tmp_path / name
    if old is not None:
        target.write_text(old)
        target.chmod(0o604)
    _, script = undo_in(tmp_path, (put_back(str(target)),))
    if old is not None:
        shutil.copy2(target, tmp_path / f"undo-{TAG}" / kept(str(target)))
    target.write_text("new\n")
    target.chmod(0o640)
    Path(beside(str(target))).write_text("half written")
    done = shell(script, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not Path(beside(str(target))).exists()
    if old is None:
        assert not target.exists()
    else:
        assert target.read_text() == old
        assert target.stat().st_mode & 0o777 == 0o604


def test_lines_quote() -> None:
    assert lines(("echo", "a b"), ("echo", "$HOME")) == ("echo 'a b'", "echo '$HOME'")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, "a\n", "--- /dev/null\n+++ /x\n@@ -0,0 +1 @@\n+a"),
        ("a\n", "b\n", "--- /x\n+++ /x\n@@ -1 +1 @@\n-a\n+b"),
        ("a\n", "a\n", ""),
        ("auth_pass one\n", "auth_pass two\n", "/x: auth_pass changes (both shown as ***)"),
        ("auth_pass one\n", "auth_pass two\nb\n", "--- /x\n+++ /x\n@@ -1 +1,2 @@\n auth_pass ***\n+b"),
    ],
)
def test_diff(before: str | None, after: str, said: str) -> None:
    assert diff_of("/x", before, after) == said
