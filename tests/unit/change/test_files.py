"""Files: written beside the old one, kept, put back, and shown as a difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.change.files import beside, diff_of, keep, kept, lines, put_back, write_like, write_new
from tests.unit.change.ways_back import TAG, Root, undo_of


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
    assert keep(path, "/var/lib/x", TAG).title == f"sudo cp -aL {path} /var/lib/x/{name}"


def test_new_text_goes_to_standard_input_and_stands_beside_until_it_is_valid() -> None:
    for command in (*write_new("/etc/x.conf", "geheim"), *write_like("/etc/x.conf", "geheim")):
        assert "geheim" not in command.title
        assert "geheim" not in repr(command)
        assert "/etc/.x.conf.vipbook" in command.title


@pytest.mark.parametrize("name", ["x.conf", "with blank.conf", "quote'd.conf"])
@pytest.mark.parametrize("old", ["old\n", "", None])
def test_put_back_makes_the_file_what_it_was(tmp_path: Path, name: str, old: str | None) -> None:
    root = Root(tmp_path)
    target = tmp_path / "etc" / name
    names = {each.name for each in (tmp_path / "etc").iterdir()}
    if old is not None:
        target.write_text(old)
        target.chmod(0o604)
    undo = undo_of((put_back(str(target)),), files=(str(target),))
    root.armed(undo, [keep(str(target), undo.directory, TAG)])
    target.write_text("new\n")
    target.chmod(0o640)
    Path(beside(str(target))).write_text("half written")
    done = root.undone()
    assert (done.returncode, done.stderr) == (0, "")
    assert {each.name for each in (tmp_path / "etc").iterdir()} == names | ({name} if old is not None else set())
    if old is not None:
        assert target.read_text() == old
        assert target.stat().st_mode & 0o777 == 0o604


@pytest.mark.parametrize("copy", ["near", "kept", "neither"])
def test_one_of_the_two_copies_is_enough_and_without_any_nothing_is_removed(tmp_path: Path, copy: str) -> None:
    root = Root(tmp_path)
    target = tmp_path / "etc/x.conf"
    target.write_text("old\n")
    undo = undo_of((put_back(str(target)),), files=(str(target),))
    root.armed(undo, [keep(str(target), undo.directory, TAG)])
    target.write_text("new\n")
    if copy != "near":
        (target.parent / f".x.conf.vipbook-{TAG}").unlink()
    if copy != "kept":
        (root.directory() / kept(str(target))).unlink()
    done = root.undone()
    assert (done.returncode, target.read_text()) == ((1, "new\n") if copy == "neither" else (0, "old\n"))
    assert ("there is no copy of" in done.stderr) is (copy == "neither")


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
