"""Is native nftables in charge, and what will its files load?"""

from __future__ import annotations

from functools import partial

from tasks.server.firewall.backend import Found, Reader, Told
from tasks.server.firewall.backends.nftables.model import SNIPPET, Nftables
from tasks.server.firewall.backends.nftables.questions import FILES, INCLUDES, RULESET
from tasks.server.firewall.backends.nftables.read.file import chains_made, parse_includes
from tasks.server.firewall.backends.nftables.read.ruleset import parse_nft
from tasks.server.firewall.model import InputChain


def _detect(told: Told) -> Found | None:
    native = parse_nft(told.texts.get(RULESET, ""))
    return Found(names=("nftables",), read=partial(_read, told, native), chains=native) if native else None


def _read(told: Told, native: tuple[InputChain, ...]) -> Nftables:
    path, includes = told.there(FILES), told.texts.get(INCLUDES)
    text = told.files.get(path)
    return Nftables(
        chains=native,
        path=path,
        persistent=told.exact.get(path),
        snippet=told.files.get(SNIPPET),
        made=None if text is None else chains_made(text, None if includes is None else parse_includes(includes)),
        at_boot="nftables.service" in told.enabled,
    )


# Its ruleset is the evidence where no other one's answer is.
READER = Reader(detect=_detect, source=lambda answers: answers[RULESET])
