"""firewalld and ufw: a rule of ours that is there and takes no effect, because something comes before it."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Fabric, Ran

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
ALLOW = "allow proto vrrp from 100.65.0.13 to any"


def check(ran: Ran, name: str) -> tuple[str, str]:
    """The worst that this check says of both VIPs of db: status and message."""
    checks = [each for cluster in ran.report["clusters"] for vip in cluster["vips"] for each in vip["checks"]]
    found = [(each["status"], each["message"]) for each in checks if f"{each['check']}/{each['target']}" == name]
    return next((each for each in found if each[0] != "pass"), found[0])


def refusal(fabric: Fabric, host: str) -> str:
    ran = fabric.vipbook("plan", "db", "--json")
    assert ran.code == 1, ran.problems()
    (reason,) = [each["reason"] for each in ran.report["servers"] if each["outcome"] == "refused"]
    assert [each["host"] for each in ran.report["servers"] if each["outcome"] == "refused"] == [host]
    return str(reason)


UFW_CLOSES = (
    "deny from 100.65.0.0/24",
    "reject proto vrrp from any to any",
    "deny from fd00:100:65::/64",
    "deny from 100.65.0.13",
)
UFW_IS_FOR_OTHERS = ("deny in on lo from any", "deny proto tcp from 100.65.0.13", "deny from 100.66.0.0/16", "deny 53")


def test_ufws_rule_goes_in_front_of_a_later_one_again(db: Fabric) -> None:
    """Each alone is seen; behind all of them one apply puts ours in front."""
    try:
        for rule in UFW_IS_FOR_OTHERS:
            db.shell("H4", "sh", "-c", f"ufw prepend {rule}")
        assert db.vipbook("plan", "db", "--check").code == 0
        for rule in UFW_CLOSES:
            db.shell("H4", "sh", "-c", f"ufw prepend {rule}")
            status, message = check(db.vipbook("verify", "db", "--json"), "firewall/H4")
            assert (status, "-user-input" in message) == ("fail", True), rule
        ran = db.vipbook("apply", "--yes", "db", "--json")
        assert ran.code == 0, ran.problems()
        assert check(ran, "firewall/H4")[0] == "pass"
        assert db.vipbook("plan", "db", "--check").code == 0
        assert db.shell("H4", "ufw", "status").count("DENY") >= len(UFW_CLOSES)
    finally:
        for rule in (*UFW_IS_FOR_OTHERS, *UFW_CLOSES):
            db.shell("H4", "sh", "-c", f"ufw delete {rule} || true")


def test_what_ufw_can_not_overtake_is_refused_by_name(db: Fabric) -> None:
    rule = "INPUT -s 100.65.0.0/24 -p vrrp -j DROP"
    db.shell("H4", "sh", "-c", f"iptables -I {rule}")
    try:
        assert rule in check(db.vipbook("verify", "db", "--json"), "firewall/H4")[1]
        assert rule in refusal(db, "H4")
    finally:
        db.shell("H4", "sh", "-c", f"iptables -D {rule}")


def test_somebody_elses_rule_of_ufws_is_not_moved(db: Fabric) -> None:
    db.shell("H4", "sh", "-c", f"ufw delete {ALLOW} && ufw {ALLOW} && ufw prepend deny from 100.65.0.13")
    try:
        assert "is not ours to move; ufw delete allow" in refusal(db, "H4")
        assert check(db.vipbook("verify", "db", "--json"), "firewall/H4")[0] == "fail"
    finally:
        db.shell("H4", "sh", "-c", f"ufw delete deny from 100.65.0.13; ufw delete {ALLOW}")


OURS4 = 'rule priority="-112" family="ipv4" source address="100.65.0.14" protocol value="vrrp" accept'
OURS6 = 'rule priority="-112" family="ipv6" source address="fd00:100:65::14" protocol value="vrrp" accept'


def firewall_cmd(fabric: Fabric, *lines: str) -> None:
    """One after another, and on when one fails: what is to be taken out may be gone."""
    fabric.shell("H3", "sh", "-c", "; ".join(f"firewall-cmd {line}" for line in lines), check=False)


def test_a_zone_that_catches_a_peer_by_source_gets_the_rule(db: Fabric) -> None:
    both = ("", "--permanent ")
    try:
        firewall_cmd(db, *(f"{saved}--zone=drop --add-source=100.65.0.12/30" for saved in both))
        status, message = check(db.vipbook("verify", "db", "--json"), "firewall/H3")
        assert status == "fail"
        assert "zone drop catches 100.65.0.14 by source 100.65.0.12/30" in message
        ran = db.vipbook("apply", "--yes", "db", "--json")
        assert ran.code == 0, ran.problems()
        firewall_cmd(db, "--reload")
        assert check(db.vipbook("verify", "db", "--json"), "firewall/H3")[0] == "pass"
        assert "100.65.0.14" in db.shell("H3", "firewall-cmd", "--zone=drop", "--list-rich-rules")
    finally:
        firewall_cmd(db, *(f"{saved}--zone=drop --remove-source=100.65.0.12/30" for saved in both))
        firewall_cmd(db, *(f"{saved}--zone=drop --remove-rich-rule='{OURS4}'" for saved in both))


def test_the_zone_after_a_reload_gets_the_rule(db: Fabric) -> None:
    try:
        firewall_cmd(db, "--permanent --zone=internal --change-interface=enp0s8")
        status, message = check(db.vipbook("verify", "db", "--json"), "firewall/H3")
        assert status == "fail"
        assert "enp0s8 will be in zone internal, which has no rule" in message
        ran = db.vipbook("apply", "--yes", "db", "--json")
        assert ran.code == 0, ran.problems()
        firewall_cmd(db, "--reload")
        assert "100.65.0.14" in db.shell("H3", "firewall-cmd", "--zone=internal", "--list-rich-rules")
        assert check(db.vipbook("verify", "db", "--json"), "firewall/H3")[0] == "pass"
    finally:
        firewall_cmd(
            db,
            "--permanent --zone=internal --remove-interface=enp0s8",
            *(f"--permanent --zone=internal --remove-rich-rule='{each}'" for each in (OURS4, OURS6)),
            "--reload",
        )


@pytest.mark.parametrize("saved", ["", "--permanent "])
def test_a_rich_rule_that_denies_before_ours_is_refused_by_name(db: Fabric, saved: str) -> None:
    rule = 'rule priority="-200" family="ipv4" source address="100.65.0.0/24" protocol value="vrrp" drop'
    try:
        firewall_cmd(db, f"{saved}--add-rich-rule='{rule}'")
        status, message = check(db.vipbook("verify", "db", "--json"), "firewall/H3")
        assert status == "fail"
        assert rule in message
        reason = refusal(db, "H3")
        assert rule in reason
        assert "remove it, or give it a priority above -112" in reason
    finally:
        firewall_cmd(db, f"{saved}--remove-rich-rule='{rule}'")
