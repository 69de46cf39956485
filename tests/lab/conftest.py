"""A lab of the tests' own, brought up once, and the `vipbook` command pointed at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from tests.lab import limits
from tests.lab.fabric import Fabric, Ran
from tests.lab.nodes import NAME
from tests.lab.proof import Proof
from tests.lab.runner import ROOT, RUNNER, VIPBOOK

__all__ = ["NAME", "ROOT", "VIPBOOK", "Fabric", "Ran"]

AGEING = {"base_reachable_time_ms": 1000, "delay_first_probe_time": 1}
"""C1 asks again for a neighbor that moved after 5.5 s at most, and not after 53."""
ASN = {"L1": 65011, "L2": 65012, "L3": 65013}
T = TypeVar("T")


def of_cluster(inventory: Path, directory: Path, name: str) -> Path:
    """A copy of the inventory with this cluster alone."""
    target = directory / "inventory"
    shutil.copytree(inventory, target, dirs_exist_ok=True)
    path = target / "clusters.yaml"
    head, *clusters = re.split(r"(?m)^(?=  \w+:$)", path.read_text())
    path.write_text(head + "".join(each for each in clusters if each.startswith(f"  {name}:")))
    return target


def eventually(probe: Callable[[], T], until: Callable[[T], bool], timeout: float, interval: float = 0.2) -> T:
    """Poll until it holds; AssertionError with the last value when the time is up."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if until(value):
            return value
        assert time.monotonic() < deadline, f"not within {timeout} s; last: {value}"
        time.sleep(interval)


def fail_over(fabric: Fabric) -> None:
    """H1's interface down until H2 is master; nothing is judged."""
    fabric.shell("H1", "ip", "link", "set", "dev", "enp0s8", "down")
    holds(fabric, "H2")


def fail_over_and_back(fabric: Fabric) -> None:
    """H1's interface down until H2 is master, and up until H1 is again; nothing is judged."""
    fail_over(fabric)
    bring_back(fabric)


def bring_back(fabric: Fabric) -> None:
    """H1's interface up, with the route that it lost, until H1 is master again."""
    fabric.shell("H1", "ip", "link", "set", "dev", "enp0s8", "up")
    fabric.shell("H1", "ip", "route", "replace", "default", "via", "100.65.0.1", "dev", "enp0s8")
    holds(fabric, "H1")


def hand_over_and_back(fabric: Fabric) -> None:
    """H1 leaves the VIP to H2 and takes it again, its link up all the time: nothing is withdrawn for a link."""
    fabric.shell("H1", "systemctl", "stop", "keepalived")
    holds(fabric, "H2")
    fabric.shell("H1", "systemctl", "start", "keepalived")
    holds(fabric, "H1")


def holds(fabric: Fabric, server: str) -> None:
    """Wait until that server bears the VIP."""
    eventually(
        lambda: fabric.shell(server, "ip", "-4", "addr", "show"),
        lambda text: "100.65.0.10/24" in text,
        timeout=20,
    )


def pytest_sessionstart() -> None:
    """Raised once for all workers, by the process that outlives them."""
    limits.raise_all()


def pytest_sessionfinish() -> None:
    """Restore what it was."""
    limits.restore()


@pytest.fixture(scope="session", autouse=True)
def enough_for_all_labs() -> None:
    """For a run that finds this file only while it collects."""
    limits.raise_all()


def detect_duplicates(fabric: Fabric, *words: str) -> None:
    """Set how the leaves count moves; `clear` what they hold against anybody first."""
    for leaf, asn in ASN.items():
        lines = ["configure terminal", f"router bgp {asn}", "address-family l2vpn evpn"]
        lines += [f"dup-addr-detection {each}" if not each.startswith("no ") else each for each in words]
        fabric.shell(leaf, "vtysh", "-c", "clear evpn dup-addr vni all", check=False)
        fabric.shell(leaf, "vtysh", *(part for line in lines for part in ("-c", line)))


def begin_at_zero(fabric: Fabric) -> None:
    """Let L1 forget how often db's virtual MACs moved, as `drill` advises: every drill's outcome hangs on it."""
    for address, mac in (("100.65.0.20", "00:00:5e:00:01:15"), ("fd00:100:65::20", "00:00:5e:00:02:15")):
        fabric.shell("L1", "ip", "neigh", "del", address, "dev", "vlan100", check=False)
        fabric.shell("L1", "bridge", "fdb", "del", mac, "dev", "swp2", "master", check=False)
    problem = fabric.proof.problem(["db"], wait_s=60)
    assert not problem, problem


@pytest.fixture(scope="session")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fabric]:
    """The lab, from bare servers; with VIPBOOK_KEEP_LAB set it is used as it is, and left."""
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    keep = "VIPBOOK_KEEP_LAB" in os.environ
    if not keep:
        subprocess.run([VIPBOOK, "lab", "down", "--name", NAME], check=True, capture_output=True, timeout=120)
    up = subprocess.run(
        [VIPBOOK, "lab", "up", "--name", NAME], capture_output=True, text=True, timeout=600, check=False
    )
    assert up.returncode == 0, up.stderr
    state = Path(os.environ.get("VIPBOOK_STATE") or "/var/lib/vipbook") / "labs" / f"vipbook-{NAME}"
    secret = (state / "secrets" / "web").read_text().strip()
    inventory = of_cluster(state / "inventory", state / "web", "web")
    proof = Proof(state / "inventory", [])
    kept = tmp_path_factory.mktemp("kept")
    made = Fabric(inventory=inventory, secret=secret, state=kept, whole=state / "inventory", proof=proof)
    # The suite fails over far more often than five moves in three minutes; tests of the duplicate budget set their own.
    detect_duplicates(made, "max-moves 1000 time 180")
    timers = [f"net.{ip}.neigh.eth1.{name}={value}" for ip in ("ipv4", "ipv6") for name, value in AGEING.items()]
    made.shell("C1", "sysctl", "-q", "-w", *timers)
    # An entry that is reachable is looked at again when its old time is up, not the new one.
    made.shell("C1", "ip", "neigh", "flush", "dev", "eth1")
    for leaf in ASN:
        # So that a restart of FRR, which some tests need, does not bring the default back.
        made.shell(leaf, "vtysh", "-c", "write memory")
    yield made
    proof.close()
    RUNNER.close()
    if not keep:
        subprocess.run([VIPBOOK, "lab", "down", "--name", NAME], check=True, capture_output=True, timeout=120)


def rules(fabric: Fabric) -> dict[str, str]:
    """The firewalls of H1 and H2, now and for the next boot."""
    return {
        "H1 rules": fabric.shell("H1", "iptables", "-S"),
        "H1 file": fabric.shell("H1", "cat", "/etc/iptables/rules.v4"),
        # Without the tables that keepalived made when it had a virtual MAC once, and leaves when it is reloaded.
        "H2 rules": re.sub(
            r"^table ip6? keepalived \{\n.*?^\}\n",
            "",
            fabric.shell("H2", "nft", "-s", "list", "ruleset"),
            flags=re.MULTILINE | re.DOTALL,
        ),
        "H2 file": fabric.shell("H2", "cat", "/etc/nftables.conf"),
    }


@pytest.fixture(scope="session")
def bare(fabric: Fabric) -> dict[str, str]:
    """What the servers' firewalls were before anything of ours came."""
    return rules(fabric)


@pytest.fixture(scope="session")
def applied(fabric: Fabric, bare: dict[str, str]) -> Ran:
    """The first apply, from bare servers to a healthy cluster."""
    ran = fabric.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.out + ran.err
    return ran


@pytest.fixture
def healthy(request: pytest.FixtureRequest, fabric: Fabric, applied: Ran) -> Iterator[Fabric]:
    """The lab with web healthy at the beginning; a test that leaves it otherwise has an error, and not the next one."""
    seen = _as_marked(request, fabric)
    made_healthy(seen, "web")
    yield seen
    left_healthy(seen)


def _as_marked(request: pytest.FixtureRequest, fabric: Fabric) -> Fabric:
    marker = request.node.get_closest_marker("narrow")
    if marker is None or not marker.kwargs.get("here", True):
        return fabric
    narrow: Fabric = request.getfixturevalue("narrow")
    return narrow


def left_healthy(fabric: Fabric) -> None:
    """An error of the test that left web unhealthy; and healthy it is for the next one."""
    problem = fabric.proof.problem(["web"])
    if problem:
        made_healthy(fabric, "web")
        pytest.fail(f"the test left the lab unhealthy, which apply has mended: {problem}")


def made_healthy(fabric: Fabric, *clusters: str) -> None:
    """Judge what changed since it was judged last, and apply where it does not come right by itself."""
    if not fabric.proof.problem(clusters, wait_s=25):
        return
    ran = replace(fabric, inventory=fabric.proof.inventory, varied=False).vipbook(
        "apply", "--yes", *clusters, "--json", timeout=300
    )
    problem = fabric.proof.problem(clusters)
    assert not problem, f"{problem}\n{ran.problems()}"


@pytest.fixture(scope="session")
def whole(fabric: Fabric, applied: Ran) -> Fabric:
    """The lab with both clusters; web is healthy already."""
    return replace(fabric, inventory=fabric.whole)


def firewalls_of_others(fabric: Fabric) -> dict[str, list[str]]:
    """Everything of the firewalls of H3 and H4 that is not ours, and not a matter of when."""
    h3 = "firewall-cmd --list-all-zones; firewall-cmd --permanent --list-all-zones"
    h4 = "cat /etc/ufw/*.rules /etc/ufw/ufw.conf; iptables-save; ip6tables-save"
    peers = ("100.65.0.13", "fd00:100:65::13", 'priority="-112"')
    shown = {"H3": fabric.shell("H3", "sh", "-c", h3), "H4": fabric.shell("H4", "sh", "-c", h4)}
    return {
        host: [
            line.partition("[")[0]
            for line in text.splitlines()
            if line.strip() and not line.startswith("#") and not any(peer in line for peer in peers)
        ]
        for host, text in shown.items()
    }


@pytest.fixture(scope="session")
def bare_db(whole: Fabric) -> dict[str, list[str]]:
    return firewalls_of_others(whole)


@pytest.fixture(scope="session")
def both(whole: Fabric, bare_db: dict[str, list[str]]) -> Ran:
    """The first apply on the second pair, from bare servers."""
    if "VIPBOOK_KEEP_LAB" not in os.environ:
        planned = whole.vipbook("plan", "--json", "--check")
        assert planned.code == 1
        servers = {each["host"]: each for each in planned.report["servers"]}
        assert "dropped by firewalld: zone public with target default" in servers["H3"]["notes"][0]
        assert "dropped by ufw: default policy DROP" in servers["H4"]["notes"][0]
        assert servers["H3"]["changes"][0]["summary"] == "install keepalived with dnf"
        assert servers["H4"]["changes"][0]["summary"] == "install keepalived with apt"
    ran = whole.vipbook("apply", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    return ran


@pytest.fixture
def db(request: pytest.FixtureRequest, whole: Fabric, both: Ran) -> Iterator[Fabric]:
    """Both clusters healthy at the beginning, and made so again at the end."""
    seen = _as_marked(request, whole)
    made_healthy(seen, "web", "db")
    yield replace(seen, inventory=seen.whole)
    made_healthy(seen, "web", "db")


@pytest.fixture(scope="session")
def narrow(fabric: Fabric) -> Iterator[Fabric]:
    """Both clusters with L1 alone for their fabric and nobody to probe: for tests of servers, which need no more."""
    target = fabric.whole.parent / "narrow"
    shutil.copytree(fabric.whole, target, dirs_exist_ok=True)
    path = target / "clusters.yaml"
    text = path.read_text().replace("leaves: [L1, L2, L3]", "leaves: [L1]")
    # The comma stays, for `variant` to find its place by.
    path.write_text(re.sub(r"leaf: L2, port: swp\d|    probes: .*\n", "", text))
    proof = Proof(target, fabric.proof.all_of_lab)
    yield replace(fabric, inventory=of_cluster(target, target.parent / "narrow-web", "web"), whole=target, proof=proof)
    proof.close()
