"""verify on the real fabric: healthy without false alarms, and red for the right reason when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.conftest import NAME, VIPBOOK, Fabric, bring_back, eventually, fail_over, fail_over_and_back
from tests.lab.published import only

pytestmark = pytest.mark.lab

HOSTS = ["H1", "H2", "L1", "L2", "L3", "I1", "C1"]
H1_MAC, H2_MAC = "08:00:27:7d:af:b4", "08:00:27:70:07:ae"


def failing(ran_checks: dict[str, dict[str, str]], status: str = "fail") -> set[str]:
    return {key for key, check in ran_checks.items() if check["status"] == status}


def test_the_report_is_what_the_contract_promises(healthy: Fabric) -> None:
    ran = healthy.vipbook("verify", "--json")
    report = ran.report
    assert (ran.code, report["schema"], report["command"], report["verdict"]) == (0, 1, "verify", "pass")
    assert report["hosts"] == {"asked": HOSTS, "answered": HOSTS}
    (vip,) = report["clusters"][0]["vips"]
    assert (vip["address"], vip["state"], vip["owner"], vip["mac"]) == ("100.65.0.10", "healthy", "H1", H1_MAC)
    ids = [check["id"] for check in vip["checks"]]
    assert len(ids) == len(set(ids))
    assert "web/100.65.0.10/neighbor/L1" in ids
    assert all(check["evidence"] for check in vip["checks"] if check["status"] == "pass")
    assert ids == [
        check["id"] for check in healthy.vipbook("verify", "--json").report["clusters"][0]["vips"][0]["checks"]
    ]


def test_one_session_and_one_round_trip_per_host(healthy: Fabric) -> None:
    """sshd of every node counts the logins of one verify."""
    mark = healthy.shell("S1", "date", "+%s.%N").strip()
    healthy.vipbook("verify")
    for node in HOSTS:
        log = healthy.shell(node, "journalctl", "-u", "ssh", "--since", f"@{mark}", "-o", "cat", "--no-pager")
        assert log.count("Accepted publickey") == 1, (node, log)


def test_a_broken_fabric_is_red_and_names_leaf_and_mac(healthy: Fabric) -> None:
    """Without neighmgrd failback leaves both leaves on the backup's MAC, for the kernel refuses the gratuitous ARP."""
    for leaf in ("L1", "L2"):
        healthy.shell(leaf, "systemctl", "stop", "neighmgrd")
    try:
        fail_over(healthy)
        # A move that the leaf did not hear of would leave nothing behind.
        eventually(
            lambda: healthy.shell("L1", "ip", "neigh", "show", "to", "100.65.0.10", "dev", "vlan100"),
            lambda text: H2_MAC in text,
            timeout=20,
        )
        bring_back(healthy)
        ran = healthy.vipbook("verify", "--wait", "3", "--json")
        assert ran.code == 1, ran.problems()
        assert ran.state() == "stale-neighbor"
        for leaf in ("L1", "L2"):
            check = ran.checks()[f"neighbor/{leaf}"]
            assert check["status"] == "fail"
            assert leaf in check["message"]
            assert H2_MAC in check["message"]
        text = healthy.vipbook("verify")
        assert text.code == 1
        assert f"L1 still holds {H2_MAC} (H2)" in text.out
    finally:
        for leaf in ("L1", "L2"):
            healthy.shell(leaf, "systemctl", "start", "neighmgrd")
        healthy.shell("H1", "arping", "-q", "-U", "-c", "2", "-I", "enp0s8", "100.65.0.10", check=False)


def test_no_false_alarm_in_fifty_verifies(healthy: Fabric) -> None:
    """Fifty in a row. Ten of them come right after a failback and may wait; the others have no second look."""
    for turn in range(50):
        wait: tuple[str, ...] = ()
        if turn % 5 == 0:
            fail_over_and_back(healthy)
            wait = ("--wait", "15")
        ran = healthy.vipbook("verify", *wait, "--json")
        assert (ran.code, ran.report["verdict"]) == (0, "pass"), ran.problems()


def test_a_leaf_that_does_not_answer_is_undetermined(healthy: Fabric) -> None:
    healthy.shell("L2", "systemctl", "stop", "ssh")
    try:
        ran = healthy.vipbook("verify", "--json")
    finally:
        healthy.shell("L2", "systemctl", "start", "ssh")
    assert ran.code == 3, ran.problems()
    assert ran.report["verdict"] == "unknown"
    assert ran.state() == "unknown"
    assert ran.report["hosts"]["answered"] == [host for host in HOSTS if host != "L2"]
    unknown = failing(ran.checks(), "unknown")
    assert {f"{name}/L2" for name in ("neighbor", "fdb", "evpn-mac", "evpn-arp", "bgp-type2")} <= unknown
    assert ran.checks()["neighbor/L1"]["status"] == "pass"
    assert not failing(ran.checks())


def test_a_server_that_does_not_answer_hides_no_other(healthy: Fabric) -> None:
    healthy.shell("H2", "systemctl", "stop", "ssh")
    try:
        ran = healthy.vipbook("verify", "--json")
    finally:
        healthy.shell("H2", "systemctl", "start", "ssh")
    assert ran.code == 3, ran.problems()
    assert ran.checks()["package/H1"]["status"] == "pass"
    assert ran.checks()["master/web"]["status"] == "unknown"


def test_a_strange_host_key_is_refused(healthy: Fabric, tmp_path: Path) -> None:
    other = healthy.variant(tmp_path)
    defaults = other.inventory / "defaults.yaml"
    real = next(line.split(": ")[1] for line in defaults.read_text().splitlines() if "alt_key_file" in line)
    lines = Path(real).read_text().splitlines()
    mixed = tmp_path / "known_hosts"
    # L1's address with H1's key.
    h1, l1 = lines[0].split(" "), lines[2].split(" ")
    mixed.write_text("\n".join([lines[0], lines[1], " ".join([l1[0], *h1[1:]]), *lines[3:]]) + "\n")
    defaults.write_text(defaults.read_text().replace(real, str(mixed)))
    ran = other.vipbook("verify", "--json")
    assert ran.code == 3
    assert "host key" in ran.checks()["neighbor/L1"]["message"]
    assert "L1" not in ran.report["hosts"]["answered"]


def test_frr_that_is_down_is_no_empty_table(healthy: Fabric) -> None:
    healthy.shell("L2", "systemctl", "stop", "frr")
    try:
        ran = healthy.vipbook("verify", "--json")
        assert ran.code != 0
        assert ran.checks()["evpn-arp/L2"]["status"] == "unknown"
        assert ran.checks()["bgp-type2/L2"]["status"] == "unknown"
    finally:
        healthy.shell("L2", "systemctl", "start", "frr")


def test_a_config_that_was_not_reloaded_is_found(healthy: Fabric) -> None:
    """The same file, written again after keepalived read it: what runs may be another."""
    path = "/etc/keepalived/keepalived.conf"
    before = healthy.shell("H2", "stat", "-c", "@%Y", path).strip()
    healthy.shell("H2", "touch", "-d", "+5 seconds", path)
    ran = healthy.vipbook("verify", "--json")
    healthy.shell("H2", "touch", "-d", before, path)
    assert failing(ran.checks()) == {"running-config/H2"}


def test_systemd_that_reads_its_units_again_changes_no_verdict(healthy: Fabric) -> None:
    """A package that is upgraded makes it: then it tells no more when it reloaded keepalived."""
    path = "/etc/keepalived/keepalived.conf"
    before = healthy.shell("H2", "stat", "-c", "@%Y", path).strip()
    try:
        healthy.shell("H2", "sh", "-c", f"touch {path} && sleep 1 && systemctl reload keepalived")
        healthy.shell("H2", "systemctl", "daemon-reload")
        assert "n/a" in healthy.shell("H2", "systemctl", "show", "--property=ExecReload", "keepalived")
        ran = healthy.vipbook("verify", "--wait", "10", "--json")
        assert ran.code == 0, ran.problems()
        assert healthy.vipbook("plan", "--check").code == 0
        healthy.shell("H2", "touch", path)
        assert failing(healthy.vipbook("verify", "--json").checks()) == {"running-config/H2"}
    finally:
        healthy.shell("H2", "touch", "-d", before, path)


def test_a_stopped_daemon_and_a_stray_address(healthy: Fabric) -> None:
    healthy.shell("H1", "systemctl", "stop", "keepalived")
    try:
        ran = eventually(
            lambda: healthy.vipbook("verify", "--json"),
            lambda each: each.report["clusters"][0]["vips"][0]["owner"] == "H2",
            timeout=20,
        )
        assert ran.code == 1
        assert ran.checks()["service/H1"]["status"] == "fail"
        healthy.shell("H1", "ip", "addr", "add", "100.65.0.10/24", "dev", "enp0s8")
        both = healthy.vipbook("verify", "--json")
        assert both.code == 1
        assert both.state() == "split-brain"
        assert both.checks()["vip-address/H1"]["status"] == "fail"
    finally:
        healthy.shell("H1", "ip", "addr", "del", "100.65.0.10/24", "dev", "enp0s8", check=False)
        healthy.shell("H1", "systemctl", "start", "keepalived")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["verify", "nosuch"], ["nosuch", "web"]),
        (["verify", "--report", "pdf:x"], ["pdf:x", "json"]),
        (["verify", "--report", "json:/nosuch/x"], ["/nosuch"]),
        (["drill", "web", "--fault", "earthquake"], ["earthquake", "link-down"]),
        (["drill", "web", "--target", "H9"], ["H9", "H1, H2"]),
    ],
)
def test_a_wrong_call_contacts_nothing(healthy: Fabric, argv: list[str], words: list[str]) -> None:
    ran = healthy.vipbook(*argv)
    assert ran.code == 2
    assert all(word in ran.err for word in words), ran.err
    assert ran.out == ""


def test_output_into_a_closed_pipe_is_one_line(healthy: Fabric) -> None:
    done = subprocess.run(
        f"{VIPBOOK} verify --json --inventory {healthy.inventory} | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr in {"", "error: standard output: Broken pipe\n"}


def test_the_benchmark_runs_on_this_lab(healthy: Fabric) -> None:
    """The ratio is printed, never asserted: a timed test on a busy machine is no evidence."""
    bench = Path(__file__).resolve().parents[1] / "bench" / "verify.py"
    done = subprocess.run(
        [sys.executable, bench, "--inventory", healthy.inventory, "--rounds", "2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "ratio" in done.stdout


def test_lab_status_tells_the_same(healthy: Fabric) -> None:
    done = subprocess.run(
        [VIPBOOK, "lab", "status", "--name", NAME, "--json"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_the_published_sudo_lists_are_enough(healthy: Fabric) -> None:
    """With nothing but what templates/sudoers allows, verify reads all that it needs."""
    nodes = {"H1": ("server-verify",), "H2": ("server-verify",), "I1": ("probe",), "C1": ("probe",)}
    nodes |= dict.fromkeys(("L1", "L2", "L3"), ("leaf",))
    with only(healthy, nodes):
        ran = healthy.vipbook("verify", "--json")
        assert ran.report["verdict"] == "pass", ran.problems()
        found = healthy.vipbook("locate", "08:00:27:70:07:ae", "--json")
        assert found.code == 0, found.out
        planned = healthy.vipbook("plan", "--json")
        assert planned.report["changed"] is False, planned.problems()
        denied = healthy.vipbook("apply", "--yes", "--json")
        assert denied.code == 3, denied.out
        assert "the lock can't be taken" in denied.err
