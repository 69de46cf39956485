"""Writing a file on a server: beside the old one, checked by the real program, flushed, then renamed over it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from posixpath import basename, dirname

from tasks.model.answer import Command
from tasks.model.text import to_bytes
from tasks.render.diff import unified
from tasks.render.mask import masked

# An operator may keep the file elsewhere and link to it: the link stays as it is, and what it leads to is what is kept,
# replaced by a rename, and put back. The new text stands beside the link until it is valid (its checks know that name),
# so it crosses to the real file's own file system before the rename.
_REPLACE = """
if sudo -n test -L @PATH@; then
    vipbook_real=$(sudo -n readlink -f @PATH@) && sudo -n test -f "$vipbook_real" &&
        vipbook_fresh="${vipbook_real%/*}/.${vipbook_real##*/}.vipbook" &&
        sudo -n cp -a --remove-destination @FRESH@ "$vipbook_fresh" && sudo -n sync "$vipbook_fresh" &&
        sudo -n mv -T "$vipbook_fresh" "$vipbook_real" && sudo -n rm -f @FRESH@
else
    sudo -n mv -T @FRESH@ @PATH@
fi
"""
# A rename over a device (a link to /dev/null is systemd's way to switch a file off) would break the whole server.
_KEEP = """
if sudo -n test -e @PATH@; then
    if sudo -n test -f @PATH@; then
        sudo -n cp -aL @PATH@ @KEPT@ && { ! sudo -n test -L @PATH@ || sudo -n cp -a @PATH@ @KEPT@.link; }
    else
        printf '%s is no regular file, and leads to none; it stays as it is\\n' @PATH@ >&2
        (exit 1)
    fi
elif sudo -n test -L @PATH@; then
    printf '%s is a link to a file that is not there; make the file, or remove the link\\n' @PATH@ >&2
    (exit 1)
fi
"""
# A program that writes its file anew (ufw, firewall-cmd) puts it in the place of the link, which is what comes back
# first. Where nothing was kept there was no file and no link: a link that is there now is somebody else's. A file that
# was not replaced yet needs no second copy: there may be no room for one.
_PUT_BACK = """rm -f @FRESH@
if [ -L @KEPT@.link ] && [ ! -L @PATH@ ]; then
    cp -a @KEPT@.link @FRESH@ && mv -T @FRESH@ @PATH@ || exit 1
fi
if [ -e @KEPT@ ]; then
    real=@PATH@
    if [ -L @PATH@ ]; then
        real=$(readlink -f @PATH@) || exit 1
    fi
    [ -f "$real" ] || [ ! -e "$real" ] || exit 1
    fresh="${real%/*}/.${real##*/}.vipbook"
    rm -f "$fresh"
    if ! cmp -s @KEPT@ "$real" || [ "$(stat -c %U:%G:%a @KEPT@)" != "$(stat -c %U:%G:%a "$real")" ]; then
        cp -a @KEPT@ "$fresh" && mv -T "$fresh" "$real"
    fi
elif [ -f @PATH@ ] && [ ! -L @PATH@ ]; then
    rm -f @PATH@
fi"""


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
    fragment = _filled(_REPLACE, path, "")
    return Command(key=f"rename {path}", argv=("mv", "-T", beside(path), path), sudo=True, fragment=fragment)


def keep(path: str, directory: str) -> Command:
    """Keeps what stands there, if anything does, in the undo directory, before anything is changed."""
    target = f"{directory}/{kept(path)}"
    fragment = _filled(_KEEP, path, target)
    return Command(key=f"keep {path}", argv=("cp", "-aL", path, target), sudo=True, fragment=fragment)


def put_back(path: str) -> str:
    """Shell lines that make the file again what `keep` found, also when it found none."""
    return _filled(_PUT_BACK, path, kept(path))


def _filled(script: str, path: str, target: str) -> str:
    """The script for this file; `target` is what it is kept as."""
    marks = {"@PATH@": path, "@FRESH@": beside(path), "@KEPT@": target}
    return re.sub("@[A-Z]+@", lambda mark: shlex.quote(marks[mark[0]]), script)


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
