"""Writing a file on a server: beside the old one, checked by the real program, flushed, then renamed over it."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from posixpath import basename, dirname

from tasks.model.answer import Command
from tasks.render.mask import masked


def sudo(key: str, *argv: str, feed: bytes | None = None) -> Command:
    """A command that needs root."""
    return Command(key=key, argv=argv, sudo=True, feed=feed)


def beside(path: str) -> str:
    """The name under which the new text stands until it is valid: same file system, and no pattern includes it."""
    return f"{dirname(path)}/.{basename(path)}.vipbook"


def write_new(path: str, text: str, *, mode: str = "0640") -> tuple[Command, ...]:
    """A file of root's, whether there was one or not; others can't read it unless `mode` says so."""
    fresh = beside(path)
    return (
        sudo(f"create {path}", "install", "-m", mode, "-o", "root", "-g", "root", "/dev/null", fresh),
        sudo(f"write {path}", "dd", f"of={fresh}", "conv=fsync", "status=none", feed=text.encode()),
    )


def write_like(path: str, text: str) -> tuple[Command, ...]:
    """The new text with owner, mode and labels of the file that stands there."""
    fresh = beside(path)
    return (
        sudo(f"copy {path}", "cp", "-a", path, fresh),
        sudo(f"write {path}", "dd", f"of={fresh}", "conv=fsync", "status=none", feed=text.encode()),
    )


def replace_by_new(path: str) -> Command:
    """The rename that makes it so, all at once."""
    return sudo(f"rename {path}", "mv", "-T", beside(path), path)


def keep(path: str, directory: str) -> Command:
    """Keeps what stands there, if anything does, in the undo directory, before anything is changed."""
    source, target = shlex.quote(path), shlex.quote(f"{directory}/{kept(path)}")
    fragment = f"if sudo -n test -e {source}; then sudo -n cp -a {source} {target}; fi"
    return Command(
        key=f"keep {path}", argv=("cp", "-a", path, f"{directory}/{kept(path)}"), sudo=True, fragment=fragment
    )


def put_back(path: str) -> str:
    """Shell line that makes the file again what `keep` found, also when it found none."""
    old, fresh, here = (shlex.quote(each) for each in (kept(path), beside(path), path))
    # A file that was not replaced yet needs no second copy: there may be no room for one.
    same = f'cmp -s {old} {here} && [ "$(stat -c %U:%G:%a {old})" = "$(stat -c %U:%G:%a {here})" ]'
    back = f"{same} || {{ cp -a {old} {fresh} && mv -T {fresh} {here}; }}"
    return f"rm -f {fresh}; if [ -e {old} ]; then {back}; else rm -f {here}; fi"


def kept(path: str) -> str:
    """Name of a kept file inside the undo directory."""
    return path.strip("/").replace("/", "%")


def diff_of(path: str, before: str | None, after: str | None) -> str:
    """Unified diff with passwords masked; a password that alone differs is said so. None: no file."""
    if before == after:
        return ""
    old, new = masked(before or ""), masked(after or "")
    if old == new:
        return f"{path}: auth_pass changes (both shown as ***)"
    source, target = (path if text is not None else "/dev/null" for text in (before, after))
    shown = "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), source, target, lineterm=""))
    return shown or f"{path}: line ends change"


def lines(*parts: Sequence[str]) -> tuple[str, ...]:
    """Several argvs as shell lines."""
    return tuple(shlex.join(part) for part in parts)
