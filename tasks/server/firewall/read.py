"""Which firewall is in charge on a server, and what it does with VRRP."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.model.server import Firewall, InputChain
from tasks.observe.readings import Garbled
from tasks.server.firewall.backends.firewalld.read import Firewalld, parse_firewalld
from tasks.server.firewall.backends.firewalld.read.direct import is_known, running_ways
from tasks.server.firewall.backends.nftables.read.file import chains_made, parse_includes
from tasks.server.firewall.backends.nftables.read.ruleset import parse_nft
from tasks.server.firewall.backends.ufw.read import parse_ufw
from tasks.server.firewall.xtables.rules import parse_iptables

IPTABLES_FILES = ("/etc/iptables/rules.v4", "/etc/sysconfig/iptables")
IP6TABLES_FILES = ("/etc/iptables/rules.v6", "/etc/sysconfig/ip6tables")
NFTABLES_FILES = ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf")


def parse_firewall(  # noqa: PLR0913 - one a program that is asked
    units: str,
    iptables: str,
    ruleset: str,
    files: Mapping[str, str | None],
    *,
    ip6tables: str = "",
    legacy: str = "",
    firewalld: str | None = None,
    ufw_knows: bool = True,
    interfaces: tuple[str, ...] = (),
    includes: str | None = None,
) -> Firewall:
    """Decide who is in charge and read its rules.

    `units`: `systemctl show -p Id,ActiveState,UnitFileState` of the managers; `iptables`, `ip6tables`: all chains with
    -S ("" where there is none); `legacy`: INPUT of both of iptables-legacy where it has a table beside iptables-nft's;
    `ruleset`: `nft -j list ruleset` ("" where there is none); `files`: persistent texts by path; `firewalld`: what
    `parse_firewalld` reads, None when it does not run; `interfaces`: those that adverts come in by; `includes`: what
    nftables.conf includes, None where that was not asked.
    """
    enabled = _units(units, "UnitFileState", {"enabled", "enabled-runtime", "static", "generated", "alias"})
    chains = parse_iptables(iptables) + parse_iptables(ip6tables, "ip6")
    native = parse_nft(ruleset)
    filtering = tuple(chain for chain in chains if chain.rules or chain.policy != "accept")
    by_ufw = any(rule.verdict == "jump" and " ufw" in rule.text for chain in chains for rule in chain.rules)
    told = _told(units, firewalld, interfaces)
    texts = {4: iptables, 6: ip6tables}
    managers = _managers(told, texts, filtering, legacy, native, by_ufw=by_ufw)
    if len(managers) != 1:
        # Where there is none, there are no chains of theirs either.
        both = " and ".join(managers) or "none"
        return Firewall(manager=both, chains=filtering + native, persistent=None, saved=(), snippet=None)
    if told is not None:
        return _firewalld(told, texts, at_boot="firewalld.service" in enabled)
    if by_ufw:
        return _ufw((iptables, ip6tables), files, interfaces, knows=ufw_knows, at_boot="ufw.service" in enabled)
    if native:
        return _nftables(native, files, includes, at_boot="nftables.service" in enabled)
    return _iptables(filtering, files, enabled)


_LEGACY6 = "== ip6\n"


def _managers(  # noqa: PLR0913 - one a program that may be in charge
    told: Firewalld | None,
    texts: Mapping[int, str],
    filtering: tuple[InputChain, ...],
    legacy: str,
    native: tuple[InputChain, ...],
    *,
    by_ufw: bool,
) -> list[str]:
    of_firewalld = told is not None and _firewallds(filtering, told, texts)
    there = {
        "firewalld": told is not None,
        "ufw": by_ufw,
        "iptables": bool(filtering) and not by_ufw and not of_firewalld,
        "iptables-legacy": _closes_legacy(legacy),
        "nftables": bool(native),
    }
    return [name for name, is_there in there.items() if is_there]


def _closes_legacy(text: str) -> bool:
    four, _, six = text.partition(_LEGACY6)
    return any(chain.closes for chain in parse_iptables(four) + parse_iptables(six, "ip6"))


def _told(units: str, text: str | None, interfaces: tuple[str, ...]) -> Firewalld | None:
    if "firewalld.service" not in _units(units, "ActiveState", {"active"}):
        return None
    if text is None:
        raise Garbled("firewalld.service is active, and firewall-cmd was not asked")
    return parse_firewalld(text, interfaces)


def _firewallds(filtering: tuple[InputChain, ...], told: Firewalld, texts: Mapping[int, str]) -> bool:
    """Are these the chains that firewalld makes: with its older backend, or for direct rules?"""
    return all(
        chain.policy == "accept" and is_known(texts[version], told.ways, version)
        for chain in filtering
        for version in (6 if chain.family == "ip6" else 4,)
    )


def _firewalld(told: Firewalld, texts: Mapping[int, str], *, at_boot: bool) -> Firewall:
    return Firewall(
        manager="firewalld",
        chains=(),
        persistent=None,
        saved=(),
        snippet=None,
        at_boot=at_boot,
        managed=told.rules,
        zones=told.zones,
        zones_saved=told.zones_saved,
        sources=told.sources,
        front=told.front,
        ways=running_ways(told.ways, texts),
        knows=told.priorities,
        strict6=told.strict6,
        default=told.default,
    )


def _ufw(
    rules: tuple[str, str], files: Mapping[str, str | None], interfaces: tuple[str, ...], *, knows: bool, at_boot: bool
) -> Firewall:
    texts = {path.rpartition("/")[2]: text for path, text in files.items() if "/ufw" in path}
    managed, default = parse_ufw(rules[0], texts, ip6tables=rules[1], interfaces=interfaces)
    return Firewall(
        manager="ufw",
        chains=(),
        persistent=texts.get("before.rules"),
        persistent6=texts.get("before6.rules"),
        path="/etc/ufw/before.rules",
        path6="/etc/ufw/before6.rules",
        saved=(),
        snippet=None,
        at_boot=at_boot,
        managed=managed,
        knows=knows,
        default=default,
    )


def _nftables(
    native: tuple[InputChain, ...], files: Mapping[str, str | None], includes: str | None, *, at_boot: bool
) -> Firewall:
    path = _there(NFTABLES_FILES, files)
    text = files.get(path)
    return Firewall(
        manager="nftables",
        chains=native,
        persistent=text,
        saved=(),
        snippet=files.get("snippet"),
        made=None if text is None else chains_made(text, None if includes is None else parse_includes(includes)),
        at_boot=at_boot,
        path=path,
    )


def _iptables(filtering: tuple[InputChain, ...], files: Mapping[str, str | None], enabled: set[str]) -> Firewall:
    # Where a server has the files of both, those count that are loaded.
    iptables_services = "iptables.service" in enabled and "netfilter-persistent.service" not in enabled
    order = -1 if iptables_services else 1
    path, path6 = _there(IPTABLES_FILES[::order], files), _there(IP6TABLES_FILES[::order], files)
    saved, saved6 = files.get(path), files.get(path6)
    needed = {"iptables.service"} if iptables_services else {"netfilter-persistent.service"}
    if iptables_services and any(chain.family == "ip6" for chain in filtering):
        needed.add("ip6tables.service")
    return Firewall(
        manager="iptables",
        chains=filtering,
        persistent=saved,
        persistent6=saved6,
        saved=parse_iptables(saved or "") + parse_iptables(saved6 or "", "ip6"),
        snippet=None,
        at_boot=needed <= enabled,
        path=path,
        path6=path6,
    )


def _there(paths: tuple[str, ...], files: Mapping[str, str | None]) -> str:
    """The first that exists; where none does, the first."""
    return next((path for path in paths if files.get(path) is not None), paths[0])


def _units(text: str, field: str, values: set[str]) -> set[str]:
    """Names of units whose field has one of these values; blocks of `Id=…` and others, parted by empty lines."""
    found: set[str] = set()
    for block in text.strip().split("\n\n"):
        fields = dict(line.partition("=")[::2] for line in block.splitlines())
        if fields.get(field) in values:
            found.add(fields.get("Id", ""))
    return found
