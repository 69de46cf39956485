"""Nothing that was recorded and matters can be corrupted without some check going red."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.unit.judge.recorded import (
    OWNER_MAC,
    Path_,
    healthy,
    recorded,
    reddened,
    scalars,
    statuses,
    with_value,
    wrong,
)

VIP = "100.65.0.10"
ROWS = {"fdb", "neighbors", "neighbor"}
KEYED = {"macs", "arp", "paths"}
OTHERS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}|\d+\.\d+\.\d+\.\d+|fe80::|fd00:|\[2\]")

# What decides nothing, each group with its reason: (answers, names, reason). A name is the last key on the way to the
# value; a word in a list of flags or states stands behind it.
INDIFFERENT: list[tuple[set[str], set[str], str]] = [
    (
        {"json", "later"},
        {
            *("accept", "dont_track_primary", "higher_prio_send_advert", "lower_prio_no_advert", "notify_deleted"),
            *("preempt_delay", "promote_secondaries", "smtp_alert", "strict_mode"),
            *("garp_delay", "garp_lower_prio_delay", "garp_lower_prio_rep", "garp_refresh", "garp_refresh_rep"),
            *("garp_rep", "auth_type", "auth_data"),
        },
        "keepalived read it from the file, which is compared byte for byte",
    ),
    (
        {"json", "later"},
        {
            *("become_master", "release_master", "packet_len_err", "advert_interval_err", "ip_ttl_err"),
            *("invalid_type_rcvd", "addr_list_err", "invalid_authtype", "authtype_mismatch", "auth_failure"),
            *("pri_zero_rcvd", "pri_zero_sent", "advert_sent", "last_transition"),
        },
        "counters since the daemon started tell of the past",
    ),
    ({"json", "later"}, {"master_priority", "master_adver_int"}, "the peer's, which the peer tells itself"),
    ({"json", "later"}, {"iname"}, "an instance is found by VRID, family and interface, whatever it is called"),
    ({"json", "later"}, {"vipset", "wantstate"}, "the kernel's addresses and the state itself are the truth"),
    ({"json", "later"}, {"advert_rcvd"}, "on the master; a backup's is watched"),
    (
        {"later"},
        {"base_priority", "effective_priority", "adver_int", "nopreempt", "version", "vips"},
        "the configuration is judged by the first look; the second is for state and counters",
    ),
    ({"later"}, {"vmac_ifname"}, "as above"),
    (
        {"interfaces"},
        {
            *("ifindex", "link_index", "mtu", "qdisc", "operstate", "group", "txqlen", "broadcast", "link_netnsid"),
            *("scope", "label", "valid_life_time", "preferred_life_time", "secondary", "nodad", "family", "dynamic"),
            *("flags=BROADCAST", "flags=MULTICAST", "promiscuity", "min_mtu", "max_mtu", "inet6_addr"),
        },
        "how the interface is made, not what it bears (another family would make the address unreadable)",
    ),
    ({"interfaces"}, {"prefixlen"}, "IPv6 addresses of the server itself; the declared one is IPv4"),
    ({"interfaces"}, {"address"}, "a backup whose MAC no leaf heard lately is no failure"),
    ({"neighbors", "neighbor"}, {"protocol", "state=STALE", "state=REACHABLE", "state=DELAY", "state=PROBE"}, "by age"),
    ({"neighbors"}, {"extern_learn"}, "a flag: that the key is there counts"),
    ({"neighbor"}, {"dst", "dev"}, "without an entry the client asks anew"),
    ({"fdb"}, {"master", "state", "flags=self"}, "named by the question, or empty"),
    ({"macs", "arp", "vni"}, {"numMacs", "numArpNd"}, "counters; only an empty table is held against them"),
    (
        {"macs"},
        {"localSequence", "remoteSequence", "detectionCount"},
        "the address is what moves and is counted without a virtual MAC",
    ),
    ({"arp"}, {"localSequence", "remoteSequence"}, "of the two only the one that the entry stands on"),
    ({"arp"}, {"detectionCount"}, "stays when the window is over; the text of the entry is judged"),
    (
        {"paths"},
        {
            *("prefix", "prefixLen", "ethTag", "macLen", "ipLen", "weight", "peerId", "path", "origin", "hostname"),
            *("afi", "used", "selectionReason", "pathFrom", "numPrefix", "numPaths", "metric", "locPrf"),
        },
        "how BGP chose, not what it chose",
    ),
    (
        {"vni"},
        {
            *("vni", "type", "vrf", "ifindex", "sviInterface", "sviIfindex", "mcastGroup", "advertiseGatewayMacip"),
            *("advertiseSviMacip", "numRemoteVteps", "vxlanInterface"),
        },
        "how the VNI is made; the declared names are what neighbor and FDB are read by",
    ),
    ({"vni"}, {"vtepIp"}, "nothing points to a leaf that the owner is not on"),
    (
        {"detection"},
        {
            *("advertiseGatewayMacip", "numVnis", "numL2Vnis", "numL3Vnis", "macHoldtime"),
            *("neighHoldtime", "startupDelay", "startupDelayTimer", "uplinkConfigCount", "uplinkActiveCount"),
        },
        "other settings of EVPN",
    ),
    (
        {"detection"},
        {"isDuplicateAddrDetection", "maxMoves", "detectionTime", "detectionFreezeTime"},
        "rules of the leaf: shown, and what a drill is paced by; a flag alone makes a verdict",
    ),
    (
        {"sessions"},
        {
            *("routerId", "as", "vrfId", "vrfName", "tableVersion", "ribCount", "ribMemory", "peerCount"),
            *("peerMemory", "peerGroupCount", "peerGroupMemory", "hostname", "remoteAs", "localAs", "version"),
            *("msgRcvd", "msgSent", "outq", "inq", "peerUptime", "peerUptimeMsec", "peerUptimeEstablishedEpoch"),
            *("pfxRcd", "pfxSnt", "peerState", "connectionsEstablished", "connectionsDropped", "idType"),
            *("failedPeers", "displayedPeers", "totalPeers", "dynamicPeers", "multiPathRelax"),
        },
        "the state of the session says whether it carries routes",
    ),
    (
        {"route"},
        {"dst", "gateway", "dev", "prefsrc", "uid"},
        "of a host in another subnet only that there is a gateway",
    ),
]


def named(at: Path_, value: object) -> str:
    """The last key on the way; a word in a list stands behind it."""
    key = next((str(step) for step in reversed(at) if isinstance(step, str)), "")
    return f"{key}={value}" if isinstance(at[-1], int) and key in {"flags", "state"} else key


def about_the_vip(key: str, at: Path_, document: object) -> bool:
    """Rows of other hosts are other verdicts' business."""
    table, row = key.split(maxsplit=1)[0], document
    for step in at:
        inner = row[step]  # type: ignore[index]
        if isinstance(step, int) and isinstance(inner, dict) and isinstance(row, list):
            text = json.dumps(inner)
            if table in ROWS and OWNER_MAC not in text and VIP not in text:
                return False
            if table == "interfaces" and inner.get("ifname", "enp0s8") != "enp0s8":
                return False
        foreign = isinstance(step, str) and VIP not in step and step != OWNER_MAC
        if foreign and table in KEYED and OTHERS.search(str(step)):
            return False
        row = inner
    return True


@cache
def unwatched() -> dict[tuple[str, str], str]:
    """(answer, name) of every value whose corruption no check notices, with one place where it stands."""
    return {
        (key.split(maxsplit=1)[0], name): f"{host} {where}"
        for host, key, name, where, text in corruptions()
        if not reddened(host, key, text)
    }


def corruptions() -> Iterator[tuple[str, str, str, str, str]]:
    """Host, answer, name, place and the corrupted text, one value at a time."""
    tables = {*ROWS, *KEYED, "vni", "detection", "sessions", "json", "later", "interfaces", "route"}
    for host, answers in recorded()["replies"].items():
        for key, answer in answers.items():
            skipped = key.endswith((" nvue", " nclu", " text"))
            if skipped or key.split(maxsplit=1)[0] not in tables:
                continue
            document = json.loads(answer["stdout"])
            for at, value in scalars(document):
                if about_the_vip(key, at, document):
                    text = json.dumps(with_value(document, at, wrong(value)))
                    yield host, key, named(at, value), "/".join(map(str, at)), text


def test_the_recorded_lab_is_healthy() -> None:
    assert set(map(str, statuses(healthy()).values())) == {"pass", "skip"}


def test_every_value_that_matters_is_watched() -> None:
    excused = {(answer, name) for answers, names, _ in INDIFFERENT for answer in answers for name in names}
    missed = {where: place for where, place in unwatched().items() if where not in excused}
    assert not missed, "\n".join(f"{where}: {place}" for where, place in missed.items())


@pytest.mark.parametrize(("answers", "names", "reason"), INDIFFERENT)
def test_every_excuse_is_needed(answers: set[str], names: set[str], reason: str) -> None:
    assert reason
    needed = {(answer, name) for answer, name in unwatched() if answer in answers and name in names}
    assert {answer for answer, _ in needed} == answers
    seen = {name for _, _, name, _, _ in corruptions()}
    idle = {name for name in names if name in seen and name not in {name for _, name in needed}}
    assert not idle, idle


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_an_answer_cut_short_is_never_a_pass(share: float) -> None:
    """Half a table is no table: whatever is left of it, some check goes red or unknown."""
    quiet: list[str] = []
    for host, answers in recorded()["replies"].items():
        for key, answer in answers.items():
            table = key.split(maxsplit=1)[0]
            if table not in {*KEYED, "fdb", "vni", "sessions", "json", "later", "interfaces"} or key.endswith(
                (" nvue", " nclu")
            ):
                continue
            text = answer["stdout"][: int(len(answer["stdout"].rstrip()) * share)]
            if not reddened(host, key, text):
                quiet.append(f"{host} {key}")
    # Of a leaf that does not bear the owner its own VTEP decides nothing but the comparison with itself.
    assert not quiet, quiet
