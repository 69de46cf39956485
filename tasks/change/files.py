"""Writing a file on a server: beside the old one, checked by the real program, flushed, then renamed over it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from posixpath import basename, dirname

from tasks.model.answer import Command
from tasks.model.mask import masked
from tasks.model.text import to_bytes
from tasks.render.diff import unified

# $1 is the file, $2 the new text next to it. An operator may keep the file elsewhere and link to it: the link stays as
# it is, and what it leads to is what is kept, replaced by a rename, and restored. The new text is next to the link
# until it is valid (its checks know that name), so it crosses to the real file's own file system before the rename.
# What is renamed is on the disk before (`write_new`, `write_like`), and the rename itself afterwards.
_REPLACE = """
if [ -L "$1" ]; then
    real=$(readlink -f "$1") && [ -f "$real" ] && fresh="${real%/*}/.${real##*/}.vipbook" &&
        cp -a --remove-destination "$2" "$fresh" && sync "$fresh" &&
        mv -T "$fresh" "$real" && rm -f "$2" && sync "${real%/*}"
else
    mv -T "$2" "$1" && sync "${1%/*}"
fi
"""
# $1 is the file, $2 its name in the undo directory, $3 the tag of the undo. The second copy is next to the real file: a
# rename restores it, which needs no space, whatever happened to the disk since. Where there is no file, that is noted.
# A rename over a device (a link to /dev/null is systemd's way to switch a file off) would break the whole server.
_KEEP = """
if [ -f "$1" ]; then
    real=$(readlink -f "$1") && near="${real%/*}/.${real##*/}.vipbook-$3" &&
        cp -aL "$1" "$2" && cp -a --remove-destination "$real" "$near" && sync "$near" || exit 1
    if [ -L "$1" ]; then
        cp -a "$1" "$2.link" && cp -a --remove-destination "$1" "${1%/*}/.${1##*/}.vipbook-$3.link" || exit 1
    fi
    sync "${real%/*}" "${1%/*}"
elif [ -e "$1" ]; then
    printf '%s is no regular file, and leads to none; it stays as it is\\n' "$1" >&2
    exit 1
elif [ -L "$1" ]; then
    printf '%s is a link to a file that is not there; make the file, or remove the link\\n' "$1" >&2
    exit 1
else
    touch "$2.none"
fi
"""


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
    """The new text, byte for byte where it was read so, with owner, mode and labels of the file that stands there."""
    fresh = beside(path)
    return (
        sudo(f"copy {path}", "cp", "-aL", "--remove-destination", path, fresh),
        sudo(f"write {path}", "dd", f"of={fresh}", "conv=fsync", "status=none", feed=to_bytes(text)),
    )


def replace_by_new(path: str) -> Command:
    """The rename that makes it so, all at once; of the real file where there is a link."""
    argv = ("mv", "-T", beside(path), path)
    return Command(key=f"rename {path}", argv=argv, sudo=True, fragment=_as_root(_REPLACE, path, beside(path)))


def keep(path: str, directory: str, tag: str) -> Command:
    """Keeps what is there, if anything is, in the undo directory and next to itself, before anything is changed."""
    target = f"{directory}/{kept(path)}"
    argv = ("cp", "-aL", path, target)
    return Command(key=f"keep {path}", argv=argv, sudo=True, fragment=_as_root(_KEEP, path, target, tag))


def put_back(path: str) -> str:
    """Line of an undo that makes the file again what `keep` found, also when it found none."""
    return shlex.join(("restore", path))


def _as_root(script: str, *words: str) -> str:
    return shlex.join(("sudo", "-n", "sh", "-c", script, "sh", *words))


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
    shown = "\n".join(unified(old.splitlines(), new.splitlines(), (source, target)))
    return shown or f"{path}: line ends change"


def lines(*parts: Sequence[str]) -> tuple[str, ...]:
    """Several argvs as shell lines."""
    return tuple(shlex.join(part) for part in parts)
