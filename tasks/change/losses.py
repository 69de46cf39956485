"""What a server would lose if its keepalived.conf became the one of the intent, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_interface

from tasks.model.keepalived import DeclaredInstance, KeepalivedConf, Statement
from tasks.server.keepalived.declared import declared_instances

_MOST = 200
"""Lines that are shown; a list that nobody reads to its end warns nobody."""
_LONGEST = 200
_LISTS = {"static_ipaddress", "static_routes", "static_rules", "virtual_routes", "virtual_rules", "linkbeat_interfaces"}
_NAMED = {"virtual_server", "virtual_server_group"}
# Keywords of an instance that are told as what they are, or that the order of the change is about.
_TOLD = {
    *("interface", "virtual_router_id", "priority", "advert_int", "state", "version", "authentication"),
    *("virtual_ipaddress", "virtual_ipaddress_excluded", "unicast_peer", "unicast_src_ip", "mcast_src_ip"),
}
_VIPS = {"virtual_ipaddress", "virtual_ipaddress_excluded"}
_QUIET = {"router_id"}
"""A name that only traps and mails show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One thing that would be gone. `foreign`: no intent ever declared it, whoever wrote the file's first line."""

    text: str
    foreign: bool = True
    differs: bool = False
    """Something of that keyword stays, and says something else: in vipbook's own file, what the intent changed."""


def losses(now: KeepalivedConf, coming: KeepalivedConf) -> tuple[Loss, ...]:
    """What the configuration that is there has and `coming` has not."""
    found = [
        *(_include(each.pattern, each.files) for each in now.includes),
        *_instances(now, coming),
        *_blocks(now, coming),
        *_settings(now, coming),
    ]
    rest = len(found) - _MOST
    more = [Loss(text=f"and {rest} more", foreign=any(each.foreign for each in found[_MOST:]))] if rest > 0 else []
    return (*found[:_MOST], *more)


def _include(pattern: str, files: Sequence[str]) -> Loss:
    brings = ", ".join(files) or "no file"
    return Loss(text=_short(f"include {pattern} ({brings}): not read any more"))


def _instances(now: KeepalivedConf, coming: KeepalivedConf) -> Iterator[Loss]:
    then = declared_instances(coming)
    kept = {vip.ip for each in then for vip in (*each.vips, *each.excluded)}
    for each in declared_instances(now):
        successor = next((one for one in then if one.identity == each.identity), None)
        vips = (*each.vips, *each.excluded)
        if successor is None:
            holds = ", ".join(map(str, vips)) or "no VIP"
            text = f"vrrp_instance {each.name} (VRID {each.vrid}, IPv{each.family}, {each.interface}) with {holds}"
            # Its VIPs may come back under another VRID: it is another virtual router all the same.
            yield Loss(text=_short(text))
            continue
        for vip in vips:
            if vip.ip not in kept:
                yield Loss(text=f"VIP {vip} of {each.name}", foreign=False)
        yield from _changed(each, successor)


def _changed(now: DeclaredInstance, then: DeclaredInstance) -> Iterator[Loss]:
    """Of an instance that stays: VIPs with another prefix, and what it has besides."""
    coming = {vip.ip: vip for vip in (*then.vips, *then.excluded)}
    for vip in (*now.vips, *now.excluded):
        if vip.ip in coming and coming[vip.ip] != vip:
            yield Loss(text=f"VIP {vip} of {now.name} becomes {coming[vip.ip]}", foreign=False)
    if now.cast != then.cast:
        text = f"{' '.join(now.cast)} of {now.name} becomes {' '.join(then.cast)}"
        yield Loss(text=text, foreign=False)
    yield from _options(now, then)
    kept = {each.keyword for each in then.statement.body or ()}
    own = [each for each in now.statement.body or () if each.keyword not in _TOLD]
    for each, inner in _gone(own, then.statement.body or ()):
        text = f"{each.text} of {now.name}" + (f": {inner}" if inner else "")
        yield Loss(text=_short(text), foreign=False, differs=each.keyword in kept)


def _options(now: DeclaredInstance, then: DeclaredInstance) -> Iterator[Loss]:
    """VIPs that stay: what is said of one behind its address, as its device or its label."""
    coming = _vip_words(then)
    for address, words in _vip_words(now).items():
        if words and words != coming.get(address, words):
            yield Loss(text=_short(f"{' '.join(words)} of VIP {address} of {now.name}"), foreign=False, differs=True)


def _vip_words(instance: DeclaredInstance) -> dict[str, tuple[str, ...]]:
    """By address; without the device, where that is the instance's own, and without the scope that is the default."""
    found: dict[str, tuple[str, ...]] = {}
    for each in (inner for keyword in _VIPS for inner in instance.statement.block(keyword)):
        pairs = {("dev", instance.interface), ("scope", "global")}
        words = list(each.words[1:])
        for place in range(len(words) - 2, -1, -1):
            if (words[place], words[place + 1]) in pairs:
                del words[place : place + 2]
        found[_plain(each.keyword)] = tuple(words)
    return found


def _plain(address: str) -> str:
    try:
        return f"{ip_interface(address).ip}"
    except ValueError:
        return address


def _gone(now: Iterable[Statement], then: Iterable[Statement]) -> Iterator[tuple[Statement, str]]:
    """Statements that are not there any more, and of those with a block each line in it that is not."""
    kept: dict[tuple[str, ...], list[Statement]] = {}
    for each in then:
        kept.setdefault(each.words, []).extend(each.body or ())
    for each in now:
        if each.body:
            for inner, deeper in _gone(each.body, kept.get(each.words, ())):
                yield each, inner.text + (f": {deeper}" if deeper else "")
        elif each.words not in kept:
            yield each, ""


def _blocks(now: KeepalivedConf, coming: KeepalivedConf) -> Iterator[Loss]:
    """Everything at the top but instances and global_defs: what is new there whole, lists and the rest line by line."""
    kept = {each.words for each in coming.statements}
    found = [each for each in now.statements if each.keyword not in {"vrrp_instance", "global_defs"}]
    for each in found:
        if each.words not in kept and each.keyword not in _LISTS:
            yield Loss(text=_short(f"{each.text}{_about(each)}"))
    lines = [each for each in found if each.words in kept or each.keyword in _LISTS]
    for each, inner in _gone(lines, coming.statements):
        same = each.words in kept
        yield Loss(text=_short(f"{each.text}: {inner}" if inner else each.text), foreign=not same, differs=same)


def _about(block: Statement) -> str:
    """What a reader knows it by."""
    if block.keyword in _NAMED:
        servers = [each.text for each in block.body or () if each.keyword in {"real_server", "sorry_server"}]
        return f" with {', '.join(servers)}" if servers else ""
    script = block.value("script")
    if script is not None:
        return f" ({script})"
    members = [each.text for each in block.block("group")]
    return f" of {', '.join(members)}" if members else ""


def _settings(now: KeepalivedConf, coming: KeepalivedConf) -> Iterator[Loss]:
    then = [each for block in coming.statements if block.keyword == "global_defs" for each in block.body or ()]
    kept = {each.keyword for each in then}
    found = [each for block in now.statements if block.keyword == "global_defs" for each in block.body or ()]
    for each, inner in _gone([each for each in found if each.keyword not in _QUIET], then):
        same = each.keyword in kept
        text = f"global_defs: {each.text}" + (f" {inner}" if inner else "")
        yield Loss(text=_short(text), foreign=not same, differs=same)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
