"""firewalld and ufw: a rule of ours that is there and takes no effect, because something comes before it."""

from __future__ import annotations

import pytest

from tests.lab.conftest import Fabric, Ran

pytestmark = pytest.mark.lab
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
