"""Which chains an nftables file makes, from its text: all others that run now are some program's, and gone at boot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from tasks.model.bounds import ANSWER_MOST
from tasks.server.firewall.backends.nftables.model import NFT_INCLUDE

_TOKEN = re.compile(r'#[^\n]*|\\\n|"[^"\n]*"|[{};\n]|[^\s{};"#]+')
_ENDS = {"{", "}", ";", "\n"}
_FAMILIES = {"ip", "ip6", "inet", "arp", "bridge", "netdev"}
_MAKES = {"add", "create"}
_REMOVES = {"delete", "destroy"}
_WILD = re.compile(r"[*?\[]")
_BASE = "/etc"
"""Where nft looks for what is included by a relative path."""
_DEEPEST = 16
"""nft itself follows includes no further."""
_MARK = re.compile(r"^== (include|unread) (/.+)\n", re.MULTILINE)


class _NobodyKnows(Exception):  # noqa: N818 - it is no error: the text is fine, and says too little
    """What the file makes hangs on files that could not be read, or on variables."""


def parse_includes(text: str) -> Mapping[str, str | None]:
    """Files that nftables files include, by path; None: it, or what a path with wildcards means, could not be read."""
    parts = _MARK.split(text)
    return {
        path: body.removesuffix("\n") if kind == "include" else None
        for kind, path, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    }


def chains_made(text: str, includes: Mapping[str, str | None] | None = None) -> frozenset[str] | None:
    """Each as `family table chain`; None when that hangs on files that were not read, or on variables.

    `includes`: what `parse_includes` reads; None where that was not asked.
    """
    made: dict[str, dict[str, set[str]]] = {}
    try:
        for statement in _statements(text, includes):
            _take(statement, made)
    except _NobodyKnows:
        return None
    return frozenset(
        f"{family} {table} {chain}".strip()
        for family, tables in made.items()
        for table in tables
        for chain in tables[table]
    )


def _take(statement: tuple[str, ...], made: dict[str, dict[str, set[str]]]) -> None:
    """Change `made` as the statement would change a ruleset that begins empty."""
    verb, *rest = statement
    if verb == "rename":
        raise _NobodyKnows
    if verb == "flush" and rest[:1] == ["ruleset"]:
        for family in rest[1:2] or tuple(made):
            made.pop(family, None)
    elif verb in _REMOVES and rest[:1] in (["table"], ["chain"]):
        family, table, chain = _place(rest[1:])
        tables = made.get(family, {})
        if chain:
            tables.get(table, set()).discard(chain)
        else:
            tables.pop(table, None)
    elif verb == "chain":
        family, table, chain = _place(rest)
        made.setdefault(family, {}).setdefault(table, set()).add(chain)


def _place(names: list[str]) -> tuple[str, str, str]:
    """Family, which nft takes for ip when none is given, table and chain; what is left out is empty."""
    if any("$" in each for each in names):
        raise _NobodyKnows
    plain = [each.strip('"') for each in names]
    family, table, chain, *_ = [*(plain if plain[:1] and plain[0] in _FAMILIES else ["ip", *plain]), "", "", ""]
    return family, table, chain


class _Work:
    """What following includes may cost: files that include each other several times grow without an end."""

    def __init__(self) -> None:
        self._left = 2 * ANSWER_MOST

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _NobodyKnows


def _tokens(text: str, includes: Mapping[str, str | None] | None, work: _Work, depth: int = 0) -> Iterator[str]:
    """Words and ends of the text, with those of the files in place of what includes them."""
    if depth > _DEEPEST:
        raise _NobodyKnows
    work.spend(len(text))
    begins, including = True, False
    for part in (*_TOKEN.findall(text), "\n"):
        if part[0] in "#\\":
            continue
        if including:
            work.spend(len(includes or ()))
            for each in _included(part, includes):
                yield from _tokens(each, includes, work, depth + 1)
        elif not (begins and part == "include"):
            yield part
        including = begins and part == "include"
        begins = part in _ENDS


def _included(word: str, includes: Mapping[str, str | None] | None) -> list[str]:
    """The texts that this includes, in the order in which nft takes them. Our own file makes no chain."""
    if f"include {word}" == NFT_INCLUDE:
        return []
    path = word.strip('"')
    if includes is None or not word.startswith('"') or "$" in path or path.startswith("."):
        raise _NobodyKnows
    path = path if path.startswith("/") else f"{_BASE}/{path}"
    if not _WILD.search(path):
        found = [includes.get(path)]
    elif path in includes:
        raise _NobodyKnows
    else:
        # A path that is not known matches nothing, which nft takes for no error.
        found = [includes[each] for each in sorted(includes) if _matches(each, path)]
    texts = [each for each in found if each is not None]
    if len(texts) < len(found):
        raise _NobodyKnows
    return texts


def _matches(path: str, pattern: str) -> bool:
    """As a shell does: a wildcard stands for no slash, nor for a dot at the beginning."""
    (place, _, name), (where, _, wanted) = path.rpartition("/"), pattern.rpartition("/")
    return place == where and fnmatchcase(name, wanted) and (not name.startswith(".") or wanted.startswith("."))


def _statements(text: str, includes: Mapping[str, str | None] | None) -> Iterator[tuple[str, ...]]:
    """Those outside of all braces, and those directly in a table, whose chains are named with their table.

    What makes something is returned without `add` or `create`: nft takes it for the same.
    """
    words: list[str] = []
    outer: list[list[str]] = []
    for part in _tokens(text, includes, _Work()):
        if part not in _ENDS:
            words.append(part)
            continue
        plain = words[1:] if words and words[0] in _MAKES else words
        if plain and not outer:
            yield tuple(plain)
        elif len(outer) == 1 and plain[:1] == ["chain"]:
            yield ("chain", *outer[0][1:], *plain[1:])
        if part == "{":
            outer.append(plain)
        elif part == "}" and outer:
            outer.pop()
        words = []
