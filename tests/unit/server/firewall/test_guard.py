"""What ran in the firewall comes back whole, if the exact way back did not bring it back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.server.firewall.backends.firewalld.model import Firewalld
from tasks.server.firewall.backends.ufw.model import Ufw
from tasks.server.firewall.model import Firewall
from tasks.server.firewall.plan import guard_of
from tests.unit.builders import REJECT, iptables, nft_chain, nftables

OURS = "-A INPUT -s 100.65.0.12/32 -p vrrp -m comment --comment vipbook -j ACCEPT\n"
BARE = "# by iptables-save\n*filter\n:INPUT DROP [1:2]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n"
SAVED = BARE.replace("COMMIT", f"{OURS}COMMIT")
BAN = "-A f2b -s 192.0.2.1/32 -j REJECT\n"
BANNED = SAVED.replace("-A INPUT -p tcp", ":f2b - [0:0]\n-A INPUT -j f2b\n-A INPUT -p tcp").replace(
    "COMMIT", BAN + "COMMIT"
)
UFW = Ufw(rules=(), before=None, before6=None, knows_vrrp=True, default="default policy DROP for what comes in")
FIREWALLD = Firewalld(zones=(), priorities=True, strict6=False, default="zone public with target default")
TABLE = 'table inet filter {\n\tchain input {\n\t\tip saddr 100.65.0.11 accept comment "vipbook"\n\t}\n}\n'


def fake(place: Path, name: str, body: str) -> None:
    path = place / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("manager", "now", "restored"),
    [
        ("ufw", SAVED, False),
        ("ufw", SAVED.replace("[1:2]", "[99:100]").replace("by", "at another time by"), False),
        ("ufw", SAVED.replace("DROP", "ACCEPT"), True),
        ("ufw", SAVED.replace("-p tcp", "-p udp"), True),
        ("ufw", "", True),
        # a change of iptables is rules of ours alone: what else differs is of others, and stays
        ("iptables", SAVED, False),
        ("iptables", BANNED, False),
        ("iptables", SAVED.replace("-p tcp", "-p udp"), False),
        ("iptables", SAVED.replace(OURS, OURS.replace("vipbook", "vipbooks") + OURS), False),
        ("iptables", SAVED.replace(OURS, OURS.replace("vipbook", '"vipbook too"') + OURS), False),
        ("iptables", SAVED.replace(OURS, ""), True),
        ("iptables", BANNED.replace(OURS, ""), True),
        ("iptables", SAVED.replace(OURS, OURS * 2), True),
        ("iptables", SAVED.replace(".12/32", ".99/32"), True),
        ("iptables", SAVED.replace(OURS, OURS + OURS.replace(" -j ACCEPT", "")), True),
        ("iptables", "", True),
    ],
)
def test_it_is_put_back_when_it_differs_in_what_counts(
    tmp_path: Path,
    manager: str,
    now: str,
    restored: bool,  # noqa: FBT001
) -> None:
    guard = guard_of({"iptables": iptables(), "ufw": UFW}[manager], "/var/lib/vipbook/undo-x")
    assert [command.title for command in guard.keeping] == ["sudo iptables-save", "sudo ip6tables-save"]
    (tmp_path / "running.v4").write_text(SAVED)
    (tmp_path / "now").write_text(now)
    fake(tmp_path, "iptables-save", f"cat {tmp_path}/now")
    fake(tmp_path, "iptables-restore", f"cat > {tmp_path}/restored")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    for line in guard.undo:
        done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environment, check=False)
        assert done.returncode == 0
    assert (tmp_path / "restored").exists() is restored
    assert not restored or (tmp_path / "restored").read_text() == SAVED


def test_a_firewall_that_cannot_be_asked_is_put_back(tmp_path: Path) -> None:
    (tmp_path / "running.v4").write_text(BARE)
    fake(tmp_path, "iptables-save", "echo '*filter'; exit 4")
    fake(tmp_path, "iptables-restore", f"touch {tmp_path}/restored")
    line = guard_of(iptables(), "/x").undo[0]
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    assert subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environment, check=False).returncode == 0
    assert (tmp_path / "restored").exists()


@pytest.mark.parametrize(
    ("now", "restored"),
    [
        (TABLE, False),
        (TABLE.replace("chain", "set s {\n\t\telements = { 192.0.2.1 timeout 1h }\n\t}\n\tchain"), False),
        (TABLE.replace("accept", "drop"), True),
        (TABLE.replace("vipbook", "others"), True),
        (TABLE.replace("\t}", '\t\tip saddr 100.65.0.99 accept comment "vipbook"\n\t}'), True),
        ("", True),
    ],
)
def test_native_tables_of_ours_alone(tmp_path: Path, now: str, restored: bool) -> None:  # noqa: FBT001
    guard = guard_of(nftables(nft_chain(), REJECT), "/var/lib/vipbook/undo-x")
    (keeping,), (line,) = guard.keeping, guard.undo
    assert "list table inet filter" in (keeping.fragment or "")
    (tmp_path / "running.nft").write_text(TABLE)
    (tmp_path / "now").write_text(now)
    fake(tmp_path, "nft", f"case $1 in -s) cat {tmp_path}/now ;; -f) cat > {tmp_path}/restored ;; esac")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / "restored").exists() is restored
    if restored:
        wanted = "add table inet filter\ndelete table inet filter\n"
        assert (tmp_path / "restored").read_text() == wanted + TABLE


DELETED, INSERTED = (f"-{verb} {OURS.removeprefix('-A ')}" for verb in "DI")
OTHER = OURS.replace(".12/32", ".13/32")


@pytest.mark.parametrize(
    ("kept", "now", "loaded"),
    [
        pytest.param(SAVED, BANNED, DELETED + INSERTED, id="others-filled-it-since"),
        pytest.param(SAVED, BARE, INSERTED, id="ours-was-not-loaded"),
        pytest.param(BARE, BANNED, DELETED, id="there-was-none"),
        pytest.param(SAVED, SAVED.replace(OURS, OURS * 2), DELETED * 2 + INSERTED, id="twice"),
        pytest.param(
            SAVED.replace(OURS, OURS + OTHER), BARE, INSERTED.replace(".12/", ".13/") + INSERTED, id="in-their-order"
        ),
        pytest.param(SAVED.replace(OURS, OURS.replace("vipbook", "vipbooks")), BARE, "", id="a-name-like-it"),
    ],
)
def test_after_a_boot_rules_of_ours_alone_are_what_they_were(tmp_path: Path, kept: str, now: str, loaded: str) -> None:
    """What was kept is of the boot before: fail2ban, containers and others have filled the firewall since."""
    (tmp_path / "running.v4").write_text(kept)
    (tmp_path / "now").write_text(now)
    fake(tmp_path, "iptables-save", f"cat {tmp_path}/now")
    fake(tmp_path, "iptables-restore", f'echo "$*" > {tmp_path}/restored; cat >> {tmp_path}/restored')
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "booted": "yes"}
    line = guard_of(iptables(), "/x").undo[0]
    subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "restored").read_text() == f"-w -n\n*filter\n{loaded}COMMIT\n"


def test_after_a_boot_a_firewall_that_cannot_be_asked_is_not_filled(tmp_path: Path) -> None:
    (tmp_path / "running.v4").write_text(SAVED)
    fake(tmp_path, "iptables-save", "exit 4")
    fake(tmp_path, "iptables-restore", f"cat > {tmp_path}/restored; exit 2")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "booted": "yes"}
    line = guard_of(iptables(), "/x").undo[0]
    assert subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environment, check=False).returncode != 0
    assert not (tmp_path / "restored").exists() or (tmp_path / "restored").read_text() == ""


def test_after_a_boot_ufws_files_are_the_truth(tmp_path: Path) -> None:
    (tmp_path / "running.v4").write_text(SAVED)
    fake(tmp_path, "iptables-save", "echo '*filter'")
    fake(tmp_path, "iptables-restore", f"touch {tmp_path}/restored")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "booted": "yes"}
    for line in guard_of(UFW, "/x").undo:
        subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environment, check=True)
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("firewall", [FIREWALLD, Firewall(manager="none")], ids=["firewalld", "none"])
def test_others_keep_themselves(firewall: Firewall) -> None:
    guard = guard_of(firewall, "/x")
    assert (guard.keeping, guard.undo) == ((), ())


def test_a_rollback_days_later_leaves_what_others_changed(tmp_path: Path) -> None:
    (tmp_path / "running.v4").write_text(SAVED)
    fake(tmp_path, "iptables-save", "echo '*filter'")
    fake(tmp_path, "iptables-restore", f"touch {tmp_path}/restored")
    fake(tmp_path, "nft", f"touch {tmp_path}/restored")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    for firewall in (iptables(), nftables(nft_chain(), REJECT)):
        for line in guard_of(firewall, "/x").undo:
            argv, rollback = ["/bin/sh", "-c", line], {**environment, "backup": "backups/x"}
            assert subprocess.run(argv, cwd=tmp_path, env=rollback, check=False).returncode == 0
    assert not (tmp_path / "restored").exists()
