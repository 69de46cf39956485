"""The way back as a shell really runs it, in a directory of its own, and as the real nft takes it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tasks.change.files import beside, diff_of, keep, kept, lines, put_back, write_like, write_new
from tasks.change.firewall import plan_firewall
from tasks.change.undo import Undo, way_back
from tasks.model.cluster import Opening
from tasks.model.plan import Step
from tasks.model.server import Firewall
from tasks.observe.firewall import parse_nft

TAG = "20260101T000000-abc123"


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh"], input=script, cwd=cwd, text=True, capture_output=True, check=False)


def undo_in(place: Path, *undo: tuple[str, ...]) -> tuple[Undo, str]:
    """An armed way back whose directory stands under `place`, and its script."""
    armed = way_back(TAG, [Step(topic="x", summary="x", undo=lines) for lines in undo], 120)
    (place / f"undo-{TAG}").mkdir()
    return armed, armed.script().replace("/var/lib/vipbook", str(place))


@pytest.mark.parametrize(
    ("path", "fresh", "name"),
    [
        (
            "/etc/keepalived/keepalived.conf",
            "/etc/keepalived/.keepalived.conf.vipbook",
            "etc%keepalived%keepalived.conf",
        ),
        ("/etc/nftables.conf", "/etc/.nftables.conf.vipbook", "etc%nftables.conf"),
    ],
)
def test_names(path: str, fresh: str, name: str) -> None:
    assert (beside(path), kept(path)) == (fresh, name)
    assert keep(path, "/var/lib/x").title == f"sudo cp -aL {path} /var/lib/x/{name}"


def test_new_text_goes_to_standard_input_and_stands_beside_until_it_is_valid() -> None:
    for command in (*write_new("/etc/x.conf", "geheim"), *write_like("/etc/x.conf", "geheim")):
        assert "geheim" not in command.title
        assert "geheim" not in repr(command)
        assert "/etc/.x.conf.vipbook" in command.title


@pytest.mark.parametrize("name", ["x.conf", "with blank.conf", "quote'd.conf"])
@pytest.mark.parametrize("old", ["old\n", "", None])
def test_put_back_makes_the_file_what_it_was(tmp_path: Path, name: str, old: str | None) -> None:
    target = tmp_path / name
    if old is not None:
        target.write_text(old)
        target.chmod(0o604)
    _, script = undo_in(tmp_path, (put_back(str(target)),))
    if old is not None:
        shutil.copy2(target, tmp_path / f"undo-{TAG}" / kept(str(target)))
    target.write_text("new\n")
    target.chmod(0o640)
    Path(beside(str(target))).write_text("half written")
    done = shell(script, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not Path(beside(str(target))).exists()
    if old is None:
        assert not target.exists()
    else:
        assert target.read_text() == old
        assert target.stat().st_mode & 0o777 == 0o604


def test_the_way_back_takes_the_last_step_first_and_each_steps_lines_in_order(tmp_path: Path) -> None:
    armed, script = undo_in(tmp_path, ("echo 1a", "echo 1b"), (), ("echo 2a", "echo 2b"))
    assert armed.lines == ("echo 2a", "echo 2b", "echo 1a", "echo 1b")
    assert shell(script, tmp_path).stdout.split() == ["2a", "2b", "1a", "1b"]


@pytest.mark.parametrize("line", ["false", "exit 7", "cd /nowhere", "no-such-program"])
def test_it_goes_on_behind_a_line_that_fails_and_says_so(tmp_path: Path, line: str) -> None:
    _, script = undo_in(tmp_path, ("echo last",), (line,), ("echo first",))
    done = shell(script, tmp_path)
    assert done.stdout.split() == ["first", "last"]
    assert done.returncode == 1


def test_it_runs_once(tmp_path: Path) -> None:
    _, script = undo_in(tmp_path, ("echo done",))
    assert shell(script, tmp_path).returncode == 0
    again = shell(script, tmp_path)
    assert (again.returncode, again.stdout) == (1, "")


def test_without_its_directory_it_touches_nothing(tmp_path: Path) -> None:
    script = Undo(tag=TAG, lines=(f"touch {tmp_path}/touched",), after_s=1).script()
    done = shell(script.replace("/var/lib/vipbook", str(tmp_path / "gone")), tmp_path)
    assert done.returncode == 1
    assert not (tmp_path / "touched").exists()


HANGS = 'echo began; sh -c "sleep 60; echo overtaken > late" & wait\n'


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell with a step that hangs in a child of a child."""
    with subprocess.Popen(
        ["/bin/sh", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(HANGS)
        process.stdin.close()
        assert process.stdout.readline() == "began\n"
        yield process
        process.kill()


def told(place: Path, pid: int) -> None:
    """What the change writes down of its shell."""
    tell = next(each for each in Undo(tag=TAG, lines=(), after_s=1).prepare() if each.key == "undo shell")
    assert tell.fragment is not None
    assert tell.fragment.endswith('"$$"')
    line = tell.fragment.replace("sudo -n ", "").replace("/var/lib/vipbook", str(place)).replace("$$", str(pid))
    assert shell(line, place).returncode == 0


def children(pid: int) -> list[int]:
    found = []
    for each in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{pid}\n" in each.read_text():
                found.append(int(each.parent.name))
    return found


def waited(process: subprocess.Popen[str], timeout: float = 5.0) -> int | None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(timeout)
    return None


def test_a_step_that_hangs_is_ended_before_anything_is_put_back(tmp_path: Path, hanging: subprocess.Popen[str]) -> None:
    _, script = undo_in(tmp_path, ("echo undone",))
    told(tmp_path, hanging.pid)
    below = children(hanging.pid)
    deepest = [pid for each in below for pid in children(each)] or below
    assert deepest
    # Somebody has to reap it, as sshd does.
    reaper = threading.Thread(target=waited, args=(hanging, 10.0))
    reaper.start()
    done = shell(script, tmp_path)
    reaper.join()
    assert (done.returncode, done.stdout) == (0, "undone\n")
    assert hanging.returncode == -signal.SIGKILL
    assert not any(_runs(pid) for pid in (*below, *deepest))


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_another_process_of_that_number_is_left_alone(tmp_path: Path, hanging: subprocess.Popen[str]) -> None:
    _, script = undo_in(tmp_path, ("echo undone",))
    told(tmp_path, hanging.pid)
    (tmp_path / f"undo-{TAG}" / "shell").write_text(f"{hanging.pid} 1\n")
    assert shell(script, tmp_path).stdout == "undone\n"
    assert waited(hanging, 0.2) is None
    assert _runs(hanging.pid)


def test_a_rollback_days_later_ends_nothing(tmp_path: Path, hanging: subprocess.Popen[str]) -> None:
    _, script = undo_in(tmp_path, ("echo undone",))
    told(tmp_path, hanging.pid)
    given = f"set -- undo-{TAG}\n{script}"
    assert shell(given, tmp_path).stdout == "undone\n"
    assert waited(hanging, 0.2) is None


def test_the_clock_is_systemds_and_nothing_secret_is_in_an_argument() -> None:
    undo = Undo(tag=TAG, lines=("echo hunter22",), after_s=77)
    assert undo.directory == f"/var/lib/vipbook/undo-{TAG}"
    arm = undo.arm()
    assert arm.argv[0] == "systemd-run"
    assert "--on-active=77" in arm.argv
    assert f"--unit=vipbook-undo-{TAG}" in arm.argv
    assert arm.argv[-2:] == ("/bin/sh", f"{undo.directory}/undo.sh")
    commands = (*undo.prepare(), arm, *undo.run_now(), *undo.disarm(), *undo.clean())
    assert all(command.sudo for command in commands)
    assert not any("hunter22" in command.title for command in commands)
    assert [command.feed for command in commands if command.feed] == [undo.script().encode()]


def test_disarming_fails_when_the_server_has_already_gone_back() -> None:
    undo = Undo(tag=TAG, lines=(), after_s=1)
    keys = [command.key for command in undo.disarm()]
    assert keys.index("stop timer") < keys.index("still there") < keys.index("not undone") < keys.index("clean")
    assert undo.disarm()[2].argv == ("test", "!", "-e", f"{undo.directory}/ran")


def test_lines_quote() -> None:
    assert lines(("echo", "a b"), ("echo", "$HOME")) == ("echo 'a b'", "echo '$HOME'")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, "a\n", "--- /dev/null\n+++ /x\n@@ -0,0 +1 @@\n+a"),
        ("a\n", "b\n", "--- /x\n+++ /x\n@@ -1 +1 @@\n-a\n+b"),
        ("a\n", "a\n", ""),
        ("auth_pass one\n", "auth_pass two\n", "/x: auth_pass changes (both shown as ***)"),
        ("auth_pass one\n", "auth_pass two\nb\n", "--- /x\n+++ /x\n@@ -1 +1,2 @@\n auth_pass ***\n+b"),
    ],
)
def test_diff(before: str | None, after: str, said: str) -> None:
    assert diff_of("/x", before, after) == said


RULESET = """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        ip saddr 100.65.0.11 ip protocol vrrp accept
        ip saddr 100.65.0.110 ip protocol vrrp accept comment "vipbook"
        ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook not"
        ip saddr 100.65.0.11 ip protocol icmp accept comment "vipbook"
        reject with icmpx admin-prohibited
    }
}
table ip extra { chain early { type filter hook input priority -10; policy accept; tcp dport 22 accept; drop; }; }
"""
Inside = Callable[..., str]


@pytest.fixture
def inside() -> Iterator[Inside]:
    """Runs a program in a network namespace of its own, which is gone afterwards."""
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("nft")):
        pytest.skip("needs root, ip and nft")
    name = f"vbtest{uuid.uuid4().hex[:8]}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")

    def run(*argv: str, feed: str = "") -> str:
        command = ["ip", "netns", "exec", name, *argv]
        done = subprocess.run(command, input=feed, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        yield run
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def read_nft(inside: Inside) -> Firewall:
    chains = parse_nft(inside("nft", "-j", "list", "ruleset"))
    return Firewall(manager="nftables", chains=chains, persistent=None, saved=(), snippet=None)


def test_real_nft_opens_every_chain_and_the_way_back_finds_the_handles(inside: Inside) -> None:
    inside("nft", "-f", "-", feed=RULESET)
    before = inside("nft", "list", "ruleset")
    peers = tuple(Opening(address=IPv4Address(f"100.65.0.{last}")) for last in (11, 110))
    # The rules of ours that stand behind the reject, or open nothing, are of no matter here.
    steps = plan_firewall(read_nft(inside), peers)
    assert len(steps) == 2
    for step in steps:
        for command in step.commands:
            if command.argv[1].startswith("insert"):
                inside(*command.argv)
    opened = inside("nft", "list", "ruleset")
    assert opened.count('ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook"') == 2
    chains = {chain.name: chain for chain in read_nft(inside).chains}
    assert [rule.source for rule in chains["early"].rules[:2]] == ["100.65.0.110", "100.65.0.11"]
    missing = [line for step in steps for line in step.undo if line.startswith("nft -a list chain")]
    inside("/bin/sh", "-e", feed="\n".join(missing) + "\n")
    assert inside("nft", "list", "ruleset") == before


def test_real_nft_takes_our_file_as_it_is_written(inside: Inside, tmp_path: Path) -> None:
    inside("nft", "-f", "-", feed=RULESET.replace("vipbook", "other"))
    read = read_nft(inside)
    conf = Firewall(manager="nftables", chains=read.chains, persistent="\n", saved=(), snippet=None)
    peer = Opening(address=IPv4Address("100.65.0.12"))
    feeds = [c.feed for step in plan_firewall(conf, (peer,)) for c in step.commands if c.feed and b"insert" in c.feed]
    (tmp_path / "vipbook.nft").write_bytes(feeds[0])
    inside("nft", "-f", str(tmp_path / "vipbook.nft"))
    assert plan_firewall(read_nft(inside), (peer,)) == ()
