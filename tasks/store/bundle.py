"""The evidence of a window as one directory or tar.gz, with a manifest that `sha256sum -c` checks."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from tasks.model.answer import Answer
from tasks.model.errors import IntentError

MANIFEST = "MANIFEST.sha256"
_SUFFIXES = (".tar.gz", ".tgz")
_UNFIT = str.maketrans(dict.fromkeys("/ \\:*?\"<>|'", "_"))


def bundle_target(path: Path) -> Path:
    """The path, if a bundle can be put there; IntentError before anything is contacted."""
    if not path.parent.is_dir():
        raise IntentError(f"--bundle {path}: there is no directory {path.parent}; make it first")
    if path.exists():
        raise IntentError(f"--bundle {path}: is there already; evidence is never overwritten, name another")
    return path


def evidence_files(moment: str, answers: Mapping[str, Mapping[str, Answer]]) -> Iterator[tuple[str, bytes]]:
    """Each answer as a file of its own, `before/L1/03-macs_100.txt`: the command, how it ended, what it said."""
    for host, by_key in answers.items():
        for number, (key, each) in enumerate(by_key.items(), 1):
            head = f"# {each.command}\n# {each.host}, {each.at.isoformat()}, exit status {each.status}\n"
            errors = f"\n# on stderr:\n{each.stderr}" if each.stderr else ""
            name = f"{moment}/{host.translate(_UNFIT)}/{number:02d}-{key.translate(_UNFIT)}.txt"
            yield name, (head + each.stdout + errors).encode()


def write_bundle(path: Path, files: Mapping[str, bytes], at: datetime) -> None:
    """All files and their manifest, whole or not at all; IntentError when it can't be written."""
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    whole = {**files, MANIFEST: sums.encode()}
    try:
        if path.name.endswith(_SUFFIXES):
            _archive(path, whole, at)
        else:
            _directory(path, whole)
    except OSError as error:
        raise IntentError(f"--bundle {path}: can't be written: {error.strerror}") from None


def _archive(path: Path, files: Mapping[str, bytes], at: datetime) -> None:
    top = path.name
    for suffix in _SUFFIXES:
        top = top.removesuffix(suffix)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as fresh:
        beside = Path(fresh.name)
        try:
            with tarfile.open(fileobj=fresh, mode="w:gz") as archive:
                for name, content in sorted(files.items()):
                    entry = tarfile.TarInfo(f"{top}/{name}")
                    entry.size, entry.mode, entry.mtime = len(content), 0o600, int(at.timestamp())
                    archive.addfile(entry, io.BytesIO(content))
            fresh.flush()
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def _directory(path: Path, files: Mapping[str, bytes]) -> None:
    beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        for name, content in files.items():
            target = beside / name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            target.write_bytes(content)
            target.chmod(0o600)
        beside.rename(path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
