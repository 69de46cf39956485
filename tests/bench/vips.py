"""What ten VIPs cost beside one, on leaves with large tables: from the answers of all hosts to the verdicts.

Nothing is contacted: each answer is text as iproute2 and FRR print it. CPU time, both in turn in one run: what
else the machine does hardly counts. Exit status 1 when ten cost more than 1.3 times what one costs.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_interface
from statistics import median
from types import SimpleNamespace
from typing import cast

from runbooks.session import Session
from runbooks.verify import judge, subjects
from tasks.model.answer import Answer, Answers, Reply
from tasks.model.cluster import Cluster, Desired
from tasks.model.verdict import Status
from tests.unit.builders import MACS, cluster

MOST = 1.3
AT = datetime(2026, 1, 1, tzinfo=UTC)
LEAVES = {"L1": "10.0.0.11", "L2": "10.0.0.12", "L3": "10.0.0.13", "L4": "10.0.0.14"}
OWNER = "H1"
_RIGHT = {Status.PASS, Status.SKIP}


def main() -> int:
    """Print the figures and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000, help="rows of each table of each leaf")
    parser.add_argument("--vips", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    one, many = (measured_cluster(count) for count in (1, options.vips))
    # The same answers for both: the leaves of a real estate hold the other VIPs' rows too.
    replies = all_replies(many, options.rows)
    took: dict[int, list[float]] = {1: [], options.vips: []}
    for _ in range(options.rounds):
        for each in (one, many):
            took[len(each.vips)].append(seconds_of(each, replies))
    single, several = median(took[1]), median(took[options.vips])
    ratio = several / single
    print(f"{len(LEAVES)} leaves, {options.rows} rows a table; {options.rounds} rounds, in turn")
    print(f"1 VIP     median {single:.3f} s of CPU")
    print(f"{options.vips} VIPs   median {several:.3f} s of CPU; ratio {ratio:.2f}, at most {MOST}")
    return int(ratio > MOST)


def seconds_of(asked: Cluster, replies: Mapping[str, Reply]) -> float:
    """From the answers to the verdicts; the objects of the round before are gone by then."""
    desired = {name: Desired(host=name, config="", openings=(), vmac_bases=()) for name in MACS}
    session = cast("Session", SimpleNamespace(desired=desired, interfaces=lambda _: ("enp0s8",)))
    gc.collect()
    began = time.process_time()
    verdicts = judge(subjects(session, (asked,), replies))
    took = time.process_time() - began
    found = [each for vip in verdicts for each in vip.findings if each.target in LEAVES]
    wrong = [f"{each.check} {each.target}: {each.message}" for each in found if each.status not in _RIGHT]
    if wrong:
        raise SystemExit(f"a verdict that does not pass has another price: {wrong[0]}")
    return took


def measured_cluster(count: int) -> Cluster:
    """web with that many VIPs on all leaves."""
    base = cluster()
    vips = tuple(ip_interface(f"100.65.{number // 200}.{number % 200 + 10}/16") for number in range(count))
    return replace(base, vips=vips, probes=(), fabric=replace(base.fabric, leaves=tuple(LEAVES)))


def all_replies(asked: Cluster, rows: int) -> dict[str, Reply]:
    """Answers of the leaves, and of servers as far as a place depends on them: interfaces and addresses."""
    replies: dict[str, Reply] = {leaf: leaf_reply(leaf, asked, rows) for leaf in LEAVES}
    for server in asked.servers:
        held = [server.address, *(asked.vips if server.name == OWNER else ())]
        info = [{"family": "inet", "local": str(each.ip), "prefixlen": each.network.prefixlen} for each in held]
        table = [
            {"ifname": "lo", "flags": ["UP", "LOWER_UP"], "link_type": "loopback", "addr_info": []},
            {
                "ifname": server.interface,
                "flags": ["UP", "LOWER_UP"],
                "link_type": "ether",
                "address": str(MACS[server.name]),
                "addr_info": info,
            },
        ]
        replies[server.name] = reply_of(server.name, {"interfaces": json.dumps(table)})
    return replies


def leaf_reply(leaf: str, asked: Cluster, rows: int) -> Answers:
    """One leaf's tables: the VIPs with the owner's MAC, and as many other hosts as make up the rows."""
    fabric, home = asked.fabric, asked.server(OWNER).leaves[0]
    port = asked.server(OWNER).port or "swp1"
    vni, local = fabric.vni, leaf == home
    others = {f"02:00:00:00:{n // 256:02x}:{n % 256:02x}": str(ip_address("100.66.0.0") + n) for n in range(rows)}
    behind = next(address for name, address in LEAVES.items() if name != leaf)
    mac = str(MACS[OWNER])
    fdb: list[dict[str, object]] = []
    macs: dict[str, object] = {}
    arp: dict[str, object] = {}
    paths: dict[str, object] = {}

    def add(owner_mac: str, addresses: list[str], vtep: str, *, here: bool) -> None:
        if here:
            fdb.append({"mac": owner_mac, "ifname": port, "master": fabric.bridge, "flags": [], "state": ""})
        else:
            flags = ["extern_learn"]
            fdb.append({"mac": owner_mac, "ifname": fabric.vxlan, "master": fabric.bridge, "flags": flags, "state": ""})
            fdb.append({"mac": owner_mac, "ifname": fabric.vxlan, "dst": vtep, "flags": flags, "state": ""})
        sequences = {"localSequence": 0, "remoteSequence": 0, "detectionCount": 0, "isDuplicate": False}
        place = {"type": "local", "intf": port} if here else {"type": "remote", "remoteVtep": vtep}
        macs[owner_mac] = place | sequences
        for address in addresses:
            arp[address] = {**place, "state": "active", "mac": owner_mac, **sequences}
            prefix = f"[2]:[0]:[48]:[{owner_mac}]:[32]:[{address}]"
            hops = [{"ip": vtep, "used": True}]
            path = {"valid": True, "bestpath": True, "routeType": 2, "mac": owner_mac, "ip": address, "nexthops": hops}
            paths[prefix] = {"paths": [[path]]}

    add(mac, [str(vip.ip) for vip in asked.vips], LEAVES[home], here=local)
    for other, address in others.items():
        add(other, [address], behind, here=False)
    neighbors = {
        f"neighbors {vip.ip}": json.dumps(
            [
                {
                    "dst": str(vip.ip),
                    "dev": fabric.svi,
                    "lladdr": mac,
                    "state": ["REACHABLE" if local else "NOARP"],
                    **({} if local else {"extern_learn": None}),
                }
            ]
        )
        for vip in asked.vips
    }
    peers = {"swp51": {"state": "Established", "pfxRcd": rows}}
    detection = {"isDuplicateAddrDetection": True, "maxMoves": 5, "detectionTime": 180, "detectionFreezeTime": 0}
    return reply_of(
        leaf,
        {
            **neighbors,
            f"fdb {vni}": json.dumps(fdb),
            f"macs {vni}": json.dumps({"numMacs": len(macs), "macs": macs}),
            f"arp {vni}": json.dumps({"numArpNd": len(arp), **arp}),
            f"paths {vni}": json.dumps(paths),
            f"vni {vni}": json.dumps({"vni": vni, "vxlanInterface": fabric.vxlan, "vtepIp": LEAVES[leaf]}),
            "detection": json.dumps(detection),
            "detection text": "",
            "sessions": json.dumps({"peers": peers, "totalPeers": 1}),
            "clock text": "Thu Jan  1 00:00:00 2026",
            **{f"moves {vip.ip}": "% Requested neighbor does not exist in VNI 100" for vip in asked.vips},
        },
    )


def reply_of(host: str, texts: Mapping[str, str]) -> Answers:
    """Answers with these outputs."""
    answers = {
        key: Answer(host=host, command=key, status=0, stdout=text, stderr="", at=AT) for key, text in texts.items()
    }
    return Answers(host=host, by_key=answers, clock_offset_s=0.0)


if __name__ == "__main__":
    sys.exit(main())
