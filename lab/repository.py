"""A flat apt repository: a directory of .debs and the index that apt reads.

Written here because apt-ftparchive and dpkg-scanpackages are not on every machine, and dpkg-deb is.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from lab.command import run


def write_index(directory: Path) -> None:
    """Write `Packages` for the .debs in the directory (none is fine: an empty index)."""
    stanzas = [index_stanza(run(["dpkg-deb", "--field", str(deb)]), deb) for deb in sorted(directory.glob("*.deb"))]
    (directory / "Packages").write_text("\n".join(stanzas), encoding="utf-8")


def index_stanza(control: str, deb: Path) -> str:
    """A package's control fields, and where apt finds it and what it must be."""
    content = deb.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return f"{control.rstrip()}\nFilename: ./{deb.name}\nSize: {len(content)}\nSHA256: {digest}\n"
