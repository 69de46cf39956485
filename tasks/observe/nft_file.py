"""Which chains an nftables file makes, from its text: all others that run now are some program's, and gone at boot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tasks.render.firewall import NFT_INCLUDE

_TOKEN = re.compile(r'#[^\n]*|\\\n|"[^"\n]*"|[{};\n]|[^\s{};"#]+')
_ENDS = {"{", "}", ";", "\n"}
_FAMILIES = {"ip", "ip6", "inet", "arp", "bridge", "netdev"}
_MAKES = {"add", "create"}
_REMOVES = {"delete", "destroy"}


class _NobodyKnows(Exception):  # noqa: N818 - it is no error: the text is fine, and says too little
    """What the file makes hangs on other files, or on variables."""


def chains_made(text: str) -> frozenset[str] | None:
    """Each as `family table chain`; None when that hangs on other files or on variables, which are not read here."""
    made: set[str] = set()
    try:
        for statement in _statements(text):
            _take(statement, made)
    except _NobodyKnows:
        return None
    return frozenset(made)


def _take(statement: tuple[str, ...], made: set[str]) -> None:
    """Change `made` as the statement would change a ruleset that begins empty."""
    verb, *rest = statement
    if verb in {"include", "rename"} and " ".join(statement) != NFT_INCLUDE:
        raise _NobodyKnows
    if verb == "flush" and rest[:1] == ["ruleset"]:
        made -= {each for each in made if each.split()[0] in (rest[1:] or _FAMILIES)}
    elif verb in _REMOVES and rest[:1] in (["table"], ["chain"]):
        gone = _place(rest[1:])
        made -= {each for each in made if f"{each} ".startswith(f"{gone} ")}
    elif verb == "chain":
        made.add(_place(rest))


def _place(names: list[str]) -> str:
    """With its family, which nft takes for ip when none is told."""
    if any("$" in each for each in names):
        raise _NobodyKnows
    plain = [each.strip('"') for each in names]
    return " ".join(plain if plain[:1] and plain[0] in _FAMILIES else ["ip", *plain])


def _statements(text: str) -> Iterator[tuple[str, ...]]:
    """Those outside of all braces, and those directly in a table, whose chains are told with their table.

    What makes something is told without `add` or `create`: nft takes it for the same.
    """
    words: list[str] = []
    outer: list[list[str]] = []
    for part in (*_TOKEN.findall(text), "\n"):
        if part[0] in "#\\":
            continue
        if part not in _ENDS:
            words.append(part)
            continue
        plain = words[1:] if words and words[0] in _MAKES else words
        if plain and not outer:
            yield tuple(plain)
        elif len(outer) == 1 and plain[:1] == ["chain"]:
            yield ("chain", *outer[0][1:], *plain[1:])
        elif len(outer) == 1 and plain[:1] == ["include"]:
            yield tuple(plain)
        if part == "{":
            outer.append(plain)
        elif part == "}" and outer:
            outer.pop()
        words = []
