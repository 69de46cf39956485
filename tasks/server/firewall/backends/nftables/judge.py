"""What native nftables does with VRRP."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.model.cluster import Cluster, Opening
from tasks.server.firewall.backend import Judge
from tasks.server.firewall.backends.nftables.model import NFT_INCLUDE, Nftables, nft_inserts
from tasks.server.firewall.chains import closing, drops, shut, stray_texts
from tasks.server.firewall.model import InputChain


def is_made(firewall: Nftables, chain: InputChain) -> bool:
    """Does its own file make the chain? Where that is not known, a trial in an empty ruleset will."""
    return firewall.made is None or chain.place in firewall.made


def passing(firewall: Nftables) -> list[InputChain]:
    """Chains that close, and that some program makes."""
    return [each for each in closing(firewall.chains) if not is_made(firewall, each)]


def unmade(firewall: Nftables) -> list[str]:
    """Chains that our file puts rules into and nothing makes at boot: nft then loads nothing at all."""
    if firewall.made is None or NFT_INCLUDE not in (firewall.persistent or "").splitlines():
        return []
    inserts = [line.split() for line in (firewall.snippet or "").splitlines() if line.startswith("insert rule ")]
    places = dict.fromkeys(" ".join(words[2:5]) for words in inserts)
    return [each for each in places if each not in firewall.made]


def _is_open(firewall: Nftables, opening: Opening, /, *, saved: bool) -> bool:
    if not saved:
        return not shut(firewall.chains, opening)
    wanted = nft_inserts([each for each in closing(firewall.chains) if is_made(firewall, each)], (opening,))
    included = NFT_INCLUDE in (firewall.persistent or "").splitlines()
    written = (firewall.snippet or "").splitlines()
    return not wanted or (included and all(line in written for line in wanted))


def _flaw(firewall: Nftables, _: Sequence[Cluster]) -> tuple[str, str] | None:
    if not (places := unmade(firewall)):
        return None
    why = f"our file has a rule for {', '.join(places)}, which {firewall.path} does not make: nft would load "
    return f"{why}nothing at the next boot; apply takes it out", "no firewall after a boot"


def _passing(firewall: Nftables) -> str | None:
    theirs = ", ".join(each.place for each in passing(firewall))
    return f"{theirs} is not made by {firewall.path}, and closes when its program makes it again" if theirs else None


JUDGE: Judge[Nftables] = Judge(
    reads="nft list ruleset",
    closes=lambda firewall: bool(closing(firewall.chains)),
    is_open=_is_open,
    drops=lambda firewall, opening: drops(firewall.chains, opening),
    strays=lambda firewall, openings: stray_texts(firewall.chains, openings),
    flaw=_flaw,
    foreign=lambda firewall, _: firewall.persistent is None,
    passing=_passing,
)
