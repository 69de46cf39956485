"""The evidence of a window as one directory or tar.gz, with a manifest that `sha256sum -c` checks."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tasks.model.answer import Answer
from tasks.model.errors import IntentError, VipbookError
from tasks.store.files import place_of, writable, write_whole

MANIFEST = "MANIFEST.sha256"
_SUFFIXES = (".tar.gz", ".tgz")
_UNFIT = str.maketrans(dict.fromkeys("/ \\:*?\"<>|'", "_"))


def bundle_target(path: Path) -> Path:
    """The path, if a bundle can be put there; IntentError before anything is contacted."""
    if os.path.lexists(path):
        raise IntentError(f"--bundle {path}: is there already; evidence is never overwritten, name another")
    return writable(path, f"--bundle {path}")


def evidence_files(moment: str, answers: Mapping[str, Mapping[str, Answer]]) -> Iterator[tuple[str, bytes]]:
    """Each answer as a file of its own, `before/L1/03-macs_100.txt`: the command, how it ended, what it said."""
    for host, by_key in answers.items():
        for number, (key, each) in enumerate(by_key.items(), 1):
            head = f"# {each.command}\n# {each.host}, {each.at.isoformat()}, exit status {each.status}\n"
            errors = f"\n# on stderr:\n{each.stderr}" if each.stderr else ""
            name = f"{moment}/{host.translate(_UNFIT)}/{number:02d}-{key.translate(_UNFIT)}.txt"
            yield name, (head + each.stdout + errors).encode(errors="replace")


def write_bundle(path: Path, files: Mapping[str, bytes], at: datetime) -> None:
    """All files and their manifest, whole or not at all; VipbookError when it can't be written."""
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    whole = {**files, MANIFEST: sums.encode()}
    try:
        if path.name.endswith(_SUFFIXES):
            _archive(path, whole, at)
        else:
            _directory(path, whole)
    except OSError as error:
        raise VipbookError(f"--bundle {path}: can't be written: {error.strerror}") from None


def _archive(path: Path, files: Mapping[str, bytes], at: datetime) -> None:
    top = path.name
    for suffix in _SUFFIXES:
        top = top.removesuffix(suffix)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(at.timestamp())
            archive.addfile(entry, io.BytesIO(content))
    write_whole(path, packed.getvalue())


def _directory(path: Path, files: Mapping[str, bytes]) -> None:
    """Filled under a name that can't be guessed, in a directory that this user alone can enter, and renamed."""
    with place_of(path) as place:
        fresh = f".vipbook-{os.urandom(8).hex()}"
        os.mkdir(fresh, 0o700, dir_fd=place.directory)
        inside = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.directory)
        try:
            for name, content in files.items():
                _put(inside, name, content)
            os.rename(fresh, place.name, src_dir_fd=place.directory, dst_dir_fd=place.directory)
        except BaseException:
            with suppress(OSError):
                shutil.rmtree(fresh, dir_fd=place.directory)
            raise
        finally:
            os.close(inside)


def _put(directory: int, name: str, content: bytes) -> None:
    parts = name.split("/")
    for depth in range(1, len(parts)):
        with suppress(FileExistsError):
            os.mkdir("/".join(parts[:depth]), 0o700, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=directory), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
