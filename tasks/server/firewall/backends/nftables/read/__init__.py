"""Is native nftables in charge, and what will its files load?"""

from __future__ import annotations

from functools import partial

from tasks.server.firewall.backend import FirewallAnswers, Found, Reader
from tasks.server.firewall.backends.nftables.model import SNIPPET, Nftables
from tasks.server.firewall.backends.nftables.questions import FILES, INCLUDES, RULESET
from tasks.server.firewall.backends.nftables.read.file import chains_made, parse_includes
from tasks.server.firewall.backends.nftables.read.ruleset import parse_nft
from tasks.server.firewall.model import InputChain


def _detect(answers: FirewallAnswers) -> Found | None:
    native = parse_nft(answers.texts.get(RULESET, ""))
    return Found(names=("nftables",), read=partial(_read, answers, native), chains=native) if native else None


def _read(answers: FirewallAnswers, native: tuple[InputChain, ...]) -> Nftables:
    path, includes = answers.there(FILES), answers.texts.get(INCLUDES)
    text = answers.files.get(path)
    return Nftables(
        chains=native,
        path=path,
        persistent=answers.exact.get(path),
        snippet=answers.files.get(SNIPPET),
        made=None if text is None else chains_made(text, None if includes is None else parse_includes(includes)),
        at_boot="nftables.service" in answers.enabled,
    )


# Its ruleset is the evidence where no other one's answer is.
READER = Reader(detect=_detect, source=lambda answers: answers[RULESET])
