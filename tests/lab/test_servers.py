"""The second pair: firewalld and dnf, ufw and apt, VRRPv3 of both families; and every firewall as it really is."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbooks.session import open_session
from tasks.change.versions import with_roots_programs
from tests.lab.conftest import Fabric, Ran, begin_at_zero, eventually, firewalls_of_others
from tests.lab.published import only

pytestmark = pytest.mark.lab
OURS = 'rule priority="-112" family="ipv{family}" source address="{address}" protocol value="vrrp" accept'
PEERS = (("4", "100.65.0.14"), ("6", "fd00:100:65::14"))


def test_two_clusters_from_bare_servers_to_healthy(both: Ran) -> None:
    states = {vip["address"]: (vip["state"], vip["owner"]) for each in both.report["clusters"] for vip in each["vips"]}
    assert states == {
        "100.65.0.10": ("healthy", "H1"),
        "100.65.0.20": ("healthy", "H3"),
        "fd00:100:65::20": ("healthy", "H3"),
    }
    assert {each["stands"] for each in both.report["servers"]} == {"as declared"}


@pytest.mark.narrow
def test_again_nothing_changes(db: Fabric) -> None:
    def seen() -> str:
        words = (
            "systemctl show -p MainPID,ExecMainStartTimestamp,ExecReload keepalived; ls -lR /etc/keepalived /etc/ufw"
        )
        firewalls = "firewall-cmd --list-all; iptables-save | grep -v '^#' | sed 's/[[].*//'"
        return "".join(db.shell(host, "sh", "-c", f"{words}; {firewalls} 2>&1") for host in ("H3", "H4"))

    first = seen()
    ran = db.vipbook("apply", "--yes", "--json")
    assert ran.code == 0, ran.problems()
    assert ran.report["changed"] is False
    assert seen() == first
    assert db.vipbook("plan", "--check").code == 0


def test_nobody_elses_rule_is_touched(db: Fabric, bare_db: dict[str, list[str]]) -> None:
    assert firewalls_of_others(db) == bare_db


def test_the_adverts_come_at_the_rate_that_is_declared(db: Fabric) -> None:
    def received() -> list[int]:
        ran = db.vipbook("verify", "db", "--json")
        checks = [check for each in ran.report["clusters"] for vip in each["vips"] for check in vip["checks"]]
        return [int(each["actual"].split()[-1]) for each in checks if each["id"].endswith("adverts/H4")]

    first, began = received(), float(db.shell("H4", "date", "+%s.%N"))
    eventually(lambda: float(db.shell("H4", "date", "+%s.%N")), lambda now: now - began > 3, timeout=10)
    second, ended = received(), float(db.shell("H4", "date", "+%s.%N"))
    for was, now in zip(first, second, strict=True):
        # ten a second, and as many more as the second verify itself took
        assert (ended - began) * 5 < now - was < (ended - began + 3) * 12


@pytest.mark.narrow
def test_the_rules_outlive_a_reload_of_the_firewall(db: Fabric) -> None:
    db.shell("H3", "firewall-cmd", "--reload")
    db.shell("H4", "ufw", "reload")
    ran = db.vipbook("verify", "db", "--wait", "15", "--json")
    assert ran.code == 0, ran.problems()
    assert ran.checks()["firewall/H3"]["status"] == ran.checks()["firewall/H4"]["status"] == "pass"


@pytest.mark.narrow
@pytest.mark.parametrize(
    ("host", "close"),
    [
        ("H3", [f"firewall-cmd --remove-rich-rule='{OURS.format(family=f, address=a)}'" for f, a in PEERS]),
        ("H4", [f"ufw delete allow proto vrrp from {each} to any" for each in ("100.65.0.13", "fd00:100:65::13")]),
    ],
)
def test_a_rule_that_went_is_found_and_comes_again(db: Fabric, host: str, close: list[str]) -> None:
    for line in close:
        db.shell(host, "sh", "-c", line)
    ran = db.vipbook("verify", "db", "--json")
    assert ran.checks()[f"firewall/{host}"]["status"] == "fail", ran.problems()
    assert db.vipbook("apply", "--yes", "db", timeout=300).code == 0
    assert db.vipbook("verify", "db", "--wait", "30").code == 0


@pytest.mark.narrow
def test_a_rule_for_a_peer_that_left_goes_and_others_stay(db: Fabric) -> None:
    gone = OURS.format(family="4", address="100.65.0.99")
    kept = gone.replace('priority="-112" ', "")
    for rule in (gone, kept):
        db.shell("H3", "firewall-cmd", f"--add-rich-rule={rule}")
        db.shell("H3", "firewall-cmd", "--permanent", f"--add-rich-rule={rule}")
    db.shell("H4", "ufw", "allow", "proto", "vrrp", "from", "100.65.0.99", "comment", "vipbook")
    db.shell("H4", "ufw", "allow", "proto", "vrrp", "from", "100.65.0.98", "comment", "not of the runbook")
    try:
        assert db.vipbook("verify", "db", "--json").checks()["firewall/H3"]["status"] == "warn"
        assert db.vipbook("apply", "--yes", "db").code == 0
        for words in ((), ("--permanent",)):
            rules = db.shell("H3", "firewall-cmd", *words, "--list-rich-rules")
            assert gone not in rules
            assert kept in rules
        rules = db.shell("H4", "ufw", "status")
        assert "100.65.0.99" not in rules
        assert "100.65.0.98" in rules
    finally:
        db.shell("H3", "firewall-cmd", f"--remove-rich-rule={kept}")
        db.shell("H3", "firewall-cmd", "--permanent", f"--remove-rich-rule={kept}")
        db.shell("H4", "ufw", "delete", "allow", "proto", "vrrp", "from", "100.65.0.98")


@pytest.mark.narrow
def test_an_older_ufw_gets_the_rules_in_before_rules(db: Fabric) -> None:
    """ufw before 0.36.2 knows no protocol vrrp."""
    util = "/usr/lib/python3/dist-packages/ufw/util.py"
    db.shell("H4", "sed", "-i.new", 's/, "vrrp"]/]/', util)
    try:
        for each in ("100.65.0.13", "fd00:100:65::13"):
            db.shell("H4", "cp", f"{util}.new", util)
            db.shell("H4", "ufw", "delete", "allow", "proto", "vrrp", "from", each, "to", "any")
            db.shell("H4", "sed", "-i", 's/, "vrrp"]/]/', util)
        ran = db.vipbook("apply", "--yes", "db", "--json")
        assert ran.code == 0, ran.problems()
        assert "-p 112 -s 100.65.0.13" in db.shell("H4", "cat", "/etc/ufw/before.rules")
        assert "-p vrrp -j ACCEPT" in db.shell("H4", "iptables", "-S", "ufw-before-input")
        assert db.vipbook("plan", "db", "--check").code == 0
    finally:
        db.shell("H4", "mv", f"{util}.new", util)
    assert db.vipbook("apply", "--yes", "db").code == 0
    assert "vipbook" not in db.shell("H4", "cat", "/etc/ufw/before.rules")
    assert "100.65.0.13" in db.shell("H4", "ufw", "status")


@pytest.mark.narrow
def test_two_in_charge_are_reported_and_not_guessed(db: Fabric) -> None:
    table = "add table inet extra; add chain inet extra input { type filter hook input priority 5; policy accept; }"
    db.shell("H3", "nft", f"{table}; add rule inet extra input meta l4proto udp drop")
    try:
        ran = db.vipbook("plan", "db", "--json")
        assert ran.code == 1
        refused = {each["host"]: each["reason"] for each in ran.report["servers"] if each["outcome"] == "refused"}
        assert refused["H3"].startswith("firewalld and nftables are in charge of the firewall at once")
        assert db.vipbook("verify", "db", "--json").checks()["firewall/H3"]["status"] == "fail"
    finally:
        db.shell("H3", "nft", "delete", "table", "inet", "extra")


@pytest.mark.narrow
def test_a_filter_that_would_eat_the_vip_is_refused_with_its_mend(db: Fabric) -> None:
    db.shell("H3", "sed", "-i", "s/^IPv6_rpfilter=no/IPv6_rpfilter=yes/", "/etc/firewalld/firewalld.conf")
    try:
        ran = db.vipbook("plan", "db", "--json")
        reasons = [each["reason"] for each in ran.report["servers"] if each["host"] == "H3"]
        assert "set IPv6_rpfilter=no (or, from firewalld 2.2 on, strict-forward) in /etc/firewalld" in reasons[0]
    finally:
        db.shell("H3", "sed", "-i", "s/^IPv6_rpfilter=yes/IPv6_rpfilter=no/", "/etc/firewalld/firewalld.conf")


@pytest.mark.narrow
def test_an_unknown_system_is_refused_by_name(db: Fabric) -> None:
    db.shell("H4", "cp", "--remove-destination", "/usr/lib/os-release", "/etc/os-release")
    db.shell("H4", "sh", "-c", "printf 'ID=plan9\\nPRETTY_NAME=\"Plan 9\"\\n' > /etc/os-release")
    try:
        ran = db.vipbook("plan", "db", "--json")
        assert ran.code == 1
        (reason,) = [each["reason"] for each in ran.report["servers"] if each["outcome"] == "refused"]
        assert reason.startswith("Plan 9: neither apt on Debian or Ubuntu")
    finally:
        db.shell("H4", "ln", "-sf", "../usr/lib/os-release", "/etc/os-release")


def test_a_drill_moves_both_families_within_what_the_timers_allow(db: Fabric) -> None:
    begin_at_zero(db)
    ran = db.vipbook("drill", "db", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    drill = ran.report["drill"]
    assert all(outage["within_bound"] for probe in drill["probes"] for outage in probe["outages"])
    after = next(stage for stage in drill["stages"] if stage["name"] == "failover")
    assert {vip["owner"] for each in after["clusters"] for vip in each["vips"]} == {"H4"}
    assert drill["restored"] is True


def test_a_drill_says_before_it_trips_which_leaf_will_not_follow(db: Fabric) -> None:
    """Moves with both links up raised the sequence: FRR keeps it, and the drill that warned of it fails for it."""
    try:
        for state, owner in (("stop", "H4"), ("start", "H3")):
            db.shell("H3", "systemctl", state, "keepalived")
            eventually(lambda: db.vipbook("locate", "100.65.0.20").out, lambda out: f"on {owner}," in out, 60)  # noqa: B023
        ran = db.vipbook("verify", "db", "--wait", "60", "--json")
        assert ran.code == 0, ran.problems()
        found = db.vipbook("locate", "100.65.0.20")
        assert found.code == 0, found.out
        ran = db.vipbook("drill", "db", "--yes", "--json", "--probe", "I1", timeout=300)
        assert "note: L1 once heard sequence" in ran.err
        assert ran.code == 1, ran.err
        (failover,) = [each for each in ran.report["drill"]["stages"] if each["name"] == "failover"]
        causes = [cause["id"] for each in failover["clusters"] for vip in each["vips"] for cause in vip["known_causes"]]
        assert set(causes) == {"higher-cached-sequence"}
        assert ran.report["drill"]["restored"] is True
    finally:
        db.shell("H3", "systemctl", "start", "keepalived")
    begin_at_zero(db)
    ran = db.vipbook("drill", "db", "--yes", "--json", "--probe", "I1", timeout=300)
    assert ran.code == 0, ran.problems()
    assert "once heard" not in ran.err


def test_transitions_are_read_from_the_log_file_where_the_journal_tells_nothing(db: Fabric) -> None:
    """As on an Enterprise Linux whose journal is kept in memory alone, and was emptied."""
    begin_at_zero(db)
    db.shell("H3", "sh", "-c", "mv /usr/bin/journalctl /usr/bin/journalctl.real && ln -s /bin/true /usr/bin/journalctl")
    try:
        ran = db.vipbook("drill", "db", "--yes", "--json", "--probe", "I1", timeout=300)
    finally:
        db.shell("H3", "mv", "/usr/bin/journalctl.real", "/usr/bin/journalctl")
    told = [each["event"] for each in ran.report["drill"]["timeline"] if each["host"] == "H3"]
    assert any("Entering FAULT STATE" in each for each in told), told
    assert any("Entering MASTER STATE" in each for each in told), told


def test_the_published_list_of_commands_is_enough_to_verify(db: Fabric) -> None:
    rule = "rule ipv4 filter INPUT 0 -p tcp --dport 9 -j DROP"
    with only(db, dict.fromkeys(("H3", "H4"), ("server-verify",))):
        ran = db.vipbook("verify", "db", "--wait", "15", "--json")
        assert ran.code == 0, ran.problems()
        # two questions more are asked where there is such a file
        try:
            db.shell("H3", "sh", "-c", f"firewall-cmd --permanent --direct --add-{rule}")
            ran = db.vipbook("verify", "db", "--json")
            assert ran.code == 0, ran.problems()
        finally:
            remove = f"firewall-cmd --permanent --direct --remove-{rule}; rm -f /etc/firewalld/direct.xml"
            db.shell("H3", "sh", "-c", remove)


LOCAL = {"H3": "fe80::a00:27ff:fe3c:5e13/64", "H4": "fe80::a00:27ff:fe3c:5e14/64"}


def test_adverts_of_both_families_may_be_multicast(db: Fabric, tmp_path: Path) -> None:
    other = db.variant(
        tmp_path,
        ("    unicast: true\n", ""),
        ("fd00:100:65::13/64", LOCAL["H3"]),
        ("fd00:100:65::14/64", LOCAL["H4"]),
    )
    refused = other.vipbook("apply", "--yes", "db")
    assert refused.code == 1
    assert "db changes unicast to multicast 224.0.0.18, and keepalived on H3 does not go on as master" in refused.err
    ran = other.vipbook("apply", "--yes", "db", "--allow-gap", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert [each["host"] for each in ran.report["servers"]] == ["H3", "H4"]
    assert "fe80::a00:27ff:fe3c:5e13" in other.shell("H4", "ufw", "status")
    assert db.vipbook("apply", "--yes", "db", "--allow-gap", timeout=300).code == 0
    assert "fe80::" not in db.shell("H4", "ufw", "status")


def test_a_cluster_of_three_and_two_again(db: Fabric, tmp_path: Path) -> None:
    """H4 joins web, and leaves it: its rules come and go on iptables, nftables and ufw alike."""
    member = "      H2: {interface: enp0s8, address: 100.65.0.12/24"
    third = "      H4: {interface: enp0s8, address: 100.65.0.14/24, priority: 50, leaf: L2, port: swp2}\n"
    other = db.variant(tmp_path, (member, third + member))
    ran = other.vipbook("apply", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert "100.65.0.14" in db.shell("H1", "iptables", "-S", "INPUT")
    assert "100.65.0.14" in db.shell("H2", "nft", "list", "ruleset")
    assert db.vipbook("apply", "--yes", timeout=300).code == 0
    assert "100.65.0.14" not in db.shell("H1", "iptables", "-S", "INPUT")
    assert "100.65.0.14" not in db.shell("H2", "nft", "list", "ruleset")
    assert "100.65.0.12" not in db.shell("H4", "ufw", "status")


def test_with_ah_protocol_51_is_open_too(db: Fabric, tmp_path: Path) -> None:
    other = db.variant(tmp_path, ("    auth_pass:", "    auth_type: AH\n    auth_pass:"))
    ran = other.vipbook("apply", "--yes", "web", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert "-s 100.65.0.12/32 -p ah" in db.shell("H1", "iptables", "-S", "INPUT")
    assert "ip saddr 100.65.0.11 ip protocol ah accept" in db.shell("H2", "nft", "list", "ruleset")
    assert ran.checks()["adverts/H2"]["status"] == "pass"
    assert db.vipbook("apply", "--yes", "web", timeout=300).code == 0
    assert "ah" not in db.shell("H1", "iptables", "-S", "INPUT").replace("host-prohibited", "").split()


@pytest.mark.narrow
def test_iptables_of_the_older_kernel_interface(db: Fabric) -> None:
    """Alone it is changed as the other one is; beside rules of the other it is reported."""
    db.shell("H1", "sh", "-c", "iptables-save > /root/rules.nft && iptables -F INPUT")
    db.shell("H1", "update-alternatives", "--set", "iptables", "/usr/sbin/iptables-legacy")
    try:
        db.shell("H1", "sh", "-c", "grep -v vipbook /root/rules.nft | iptables-restore")
        assert db.vipbook("verify", "web", "--json").checks()["firewall/H1"]["status"] == "fail"
        ran = db.vipbook("apply", "--yes", "web", "--json")
        assert ran.code == 0, ran.problems()
        assert "--comment vipbook" in db.shell("H1", "iptables-legacy", "-S", "INPUT")
        db.shell("H1", "update-alternatives", "--set", "iptables", "/usr/sbin/iptables-nft")
        db.shell("H1", "sh", "-c", "iptables-restore < /root/rules.nft")
        ran = db.vipbook("plan", "web", "--json")
        reasons = {each["host"]: each["reason"] for each in ran.report["servers"]}
        assert reasons["H1"].startswith("iptables and iptables-legacy are in charge")
    finally:
        db.shell("H1", "update-alternatives", "--set", "iptables", "/usr/sbin/iptables-nft")
        db.shell("H1", "iptables-legacy", "-F", "INPUT")
        db.shell("H1", "sh", "-c", "iptables-restore < /root/rules.nft")


CHECK = "command: /usr/bin/test -e /run/healthy"
OPTIONS = {
    "preempt_delay": "preempt_delay: 2.5",
    "nopreempt": "preempt: false",
    "track interface": "track: {interfaces: [lo]}",
    "track script": f"track: {{scripts: {{chk: {{{CHECK}, weight: -150, fall: 1}}}}}}",
    "track process": "track: {processes: {ssh: {process: sshd}}}",
    "excluded": "excluded: [100.65.0.30/24, 'fd00:100:65::30/64']",
    "garp": "garp: {delay: 0, repeat: 2, refresh: 0, lower_prio_delay: 3, lower_prio_repeat: 2}",
    "notify": "notify: {master: '/usr/bin/true m', backup: /usr/bin/true, fault: /usr/bin/true, any: /usr/bin/true, "
    "deleted: /usr/bin/true, master_rx_lower_pri: /usr/bin/true}",
    "extra": "extra: [no_accept, 'virtual_routes {', '192.0.2.0/24 via 100.65.0.1 dev enp0s8', '}']",
    "excluded on a virtual MAC": "use_vmac: true\n    excluded: [100.65.0.30/24]",
    "fractions": "preempt_delay: 0.00001",
    "ah": "auth_type: AH",
    "instances": "instances: {front: {vrid: 31, vips: [100.65.0.31/24], priorities: {H1: 50, H2: 60}}}",
    "sync group": "sync_group: true\n    instances: {front: {vrid: 31, vips: [100.65.0.31/24]}}",
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_real_keepalived_takes_every_option(whole: Fabric, both: Ran, tmp_path: Path, name: str) -> None:
    """`keepalived --config-test` on the server itself, with nothing but the option changed."""
    other = whole.variant(tmp_path, ("    auth_pass:", f"    {OPTIONS[name]}\n    auth_pass:"))
    ran = other.vipbook("plan", "web", "--json")
    assert ran.code == 0, ran.problems()
    session = open_session(other.inventory, ["web"])
    text = with_roots_programs(session.desired["H2"].config, session.clusters)
    session.close()
    command = (
        'printf %s "$1" > /root/try.conf; keepalived --config-test --use-file=/root/try.conf; s=$?; rm /root/try.conf'
    )
    whole.shell("H2", "sh", "-c", f"{command}; exit $s", "sh", text)


def test_a_tracked_script_moves_the_vip_and_a_tracked_process_must_run(db: Fabric, tmp_path: Path) -> None:
    """Two options that act, not only parse: H1 loses its check and the VIP, and has both again."""
    lines = f"track: {{scripts: {{chk: {{{CHECK}, interval: 1, timeout: 1, fall: 1, rise: 1}}}}}}\n    preempt_delay: 1"
    other = db.variant(tmp_path, ("    auth_pass:", f"    {lines}\n    auth_pass:"))
    for host in ("H1", "H2"):
        db.shell(host, "touch", "/run/healthy")
    ran = other.vipbook("apply", "--yes", "web", "--json", timeout=300)
    assert ran.code == 0, ran.problems()

    def holds(host: str) -> None:
        eventually(lambda: db.shell(host, "ip", "-4", "addr"), lambda text: "100.65.0.10/" in text, timeout=20)

    holds("H1")
    db.shell("H1", "rm", "/run/healthy")
    holds("H2")
    db.shell("H1", "touch", "/run/healthy")
    holds("H1")
    assert db.vipbook("apply", "--yes", "web", timeout=300).code == 0
