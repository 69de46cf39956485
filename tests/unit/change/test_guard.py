"""What ran in the firewall comes back whole, if the exact way back did not bring it back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.change.guard import guard_of
from tasks.model.server import Firewall
from tests.unit.builders import REJECT, iptables, nft_chain, nftables

SAVED = "# by iptables-save\n*filter\n:INPUT DROP [1:2]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n"


def fake(place: Path, name: str, body: str) -> None:
    path = place / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("now", "restored"),
    [
        (SAVED, False),
        (SAVED.replace("[1:2]", "[99:100]").replace("by", "at another time by"), False),
        (SAVED.replace("DROP", "ACCEPT"), True),
        (SAVED.replace("-p tcp", "-p udp"), True),
        ("", True),
    ],
)
def test_it_is_put_back_when_it_differs_in_more_than_counters(tmp_path: Path, now: str, restored: bool) -> None:  # noqa: FBT001
    guard = guard_of(iptables(), "/var/lib/vipbook/undo-x")
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


@pytest.mark.parametrize(("now", "restored"), [("table inet filter {}\n", False), ("table inet filter { x }\n", True)])
def test_native_tables_of_ours_alone(tmp_path: Path, now: str, restored: bool) -> None:  # noqa: FBT001
    guard = guard_of(nftables(nft_chain(), REJECT), "/var/lib/vipbook/undo-x")
    (keeping,), (line,) = guard.keeping, guard.undo
    assert "list table inet filter" in (keeping.fragment or "")
    (tmp_path / "running.nft").write_text("table inet filter {}\n")
    (tmp_path / "now").write_text(now)
    fake(tmp_path, "nft", f"case $1 in -s) cat {tmp_path}/now ;; -f) cat > {tmp_path}/restored ;; esac")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / "restored").exists() is restored
    if restored:
        wanted = "add table inet filter\ndelete table inet filter\ntable inet filter {}\n"
        assert (tmp_path / "restored").read_text() == wanted


@pytest.mark.parametrize("manager", ["firewalld", "none"])
def test_others_keep_themselves(manager: str) -> None:
    guard = guard_of(Firewall(manager=manager, chains=(), persistent=None, saved=(), snippet=None), "/x")
    assert (guard.keeping, guard.undo) == ((), ())


def test_a_rollback_days_later_leaves_what_others_changed(tmp_path: Path) -> None:
    (tmp_path / "running.v4").write_text(SAVED)
    fake(tmp_path, "iptables-save", "echo '*filter'")
    fake(tmp_path, "iptables-restore", f"touch {tmp_path}/restored")
    fake(tmp_path, "nft", f"touch {tmp_path}/restored")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    for firewall in (iptables(), nftables(nft_chain(), REJECT)):
        for line in guard_of(firewall, "/x").undo:
            words = ["/bin/sh", "-c", line, "undo.sh", "backups/x"]
            assert subprocess.run(words, cwd=tmp_path, env=environment, check=False).returncode == 0
    assert not (tmp_path / "restored").exists()
