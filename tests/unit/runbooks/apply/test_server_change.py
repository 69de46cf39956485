"""One server's change against a server that is played: whatever fails, and whenever, the way back is taken."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from runbooks.apply import server_change, undoing
from runbooks.apply.server_change import ServerChange
from runbooks.process.interrupts import InterruptedChange
from tasks.change.order.members import ALONE, Around
from tasks.change.package import INSTALL_S
from tasks.change.plan import plan_server
from tasks.change.undo import CONFIRMED
from tasks.judge.snapshot.before_after import differing, masters_of, worse
from tasks.model.answer import Answers, Command, NoAnswer, Reply
from tasks.model.cluster import Cluster, Desired
from tasks.model.plan import Outcome, ServerPlan
from tasks.model.server import Package, ServerFacts
from tasks.server.facts import server_facts as read_facts
from tasks.transport import Script
from tests.unit.builders import (
    AT,
    GONE,
    IPTABLES,
    OUR_LINE,
    RULES_V4,
    answer,
    cluster,
    config_file,
    desired,
    instance,
    iptables,
    nft_chain,
    nft_json_rule,
    nft_ours,
    nftables,
    read,
    server,
    server_facts,
    service,
    silent_server,
)

DATA = Path(__file__).parents[3] / "data" / "observe" / "keepalived"
GOOD = server_facts("H1")
DRIFTED = server_facts("H1", config=config_file(text="old\n"))
BARE = server_facts("H1", package=Package(manager="apt", version=None), config=config_file(text="old\n"))
INSTALLED = "The following NEW packages will be installed:\n  libnl-3-200 keepalived\n0 upgraded, 2 newly installed\n"


@dataclass
class Played:
    """A session with one server. `react` may answer a command with (status, stdout, stderr), or raise."""

    react: Callable[[Command], tuple[int, str, str] | None] = lambda _: None
    asked: list[Command] = field(default_factory=list)
    desired: Mapping[str, Desired] = field(default_factory=lambda: {"H1": desired("H1")})
    states: dict[str, str] = field(default_factory=lambda: {"H1": "[]", "H2": "[]"})
    asked_all: int = 0
    anew: list[bool] = field(default_factory=list)

    def doubled(self, *hosts: str) -> None:
        """These servers, H1 and H2 if none is named, say that they are master from now on."""
        text = (DATA / "state_v2.json").read_text().replace('"ifp_ifname":"vb"', '"ifp_ifname":"enp0s8"')
        text = text.replace('"vrid":51', '"vrid":11')
        self.states |= dict.fromkeys(hosts or ("H1", "H2"), text)

    def hang_up(self, _: str) -> None:
        """Nothing to close."""

    def interfaces(self, _: str) -> tuple[str, ...]:
        return ("enp0s8",)

    def memberships(self, _: str) -> tuple[Cluster, ...]:
        return (cluster(),)

    def run_scripts(self, scripts: Mapping[str, Script]) -> dict[str, Reply]:
        if set(scripts) != {"H1"}:
            # What keepalived tells on all servers: who is master.
            self.asked_all += 1
            return {
                host: Answers(host=host, by_key={"json": answer(host, "x", self.states[host])}, clock_offset_s=0.0)
                for host in scripts
            }
        ((host, script),) = scripts.items()
        self.anew.append(script.anew)
        by_key = {}
        for command in script.commands:
            self.asked.append(command)
            status, stdout, stderr = self.react(command) or (0, INSTALLED if command.key == "install" else "", "")
            if status < 0:
                return {host: NoAnswer(host=host, reason=stderr, at=AT)}
            by_key[command.key] = answer(host, command.title, stdout, status, stderr)
            if status and script.stop_on_failure:
                break
        return {host: Answers(host=host, by_key=by_key, clock_offset_s=0.0)}

    def titles(self) -> list[str]:
        return [command.title for command in self.asked]

    def undone(self) -> bool:
        return any(command.key == "undo" for command in self.asked)

    def purged(self) -> bool:
        return "sudo apt-get purge -y libnl-3-200 keepalived" in self.titles()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the server's facts are, read by read; the last one again and again."""
    monkeypatch.setattr(server_change, "_PROOF_S", 0.0)
    monkeypatch.setattr(server_change, "_POLL_S", 0.0)
    monkeypatch.setattr(undoing, "_MARGIN_S", -120.0)
    monkeypatch.setattr(undoing, "_POLL_S", 0.0)

    def play(*facts: ServerFacts) -> None:
        def each() -> Iterator[ServerFacts]:
            yield from facts
            while True:
                yield facts[-1]

        coming = each()
        monkeypatch.setattr(
            server_change,
            "server_facts",
            lambda host, reply, interfaces=None: next(coming) if interfaces is not None else read_facts(host, reply),
        )

    return play


def changed(
    played: Played,
    facts: ServerFacts = DRIFTED,
    *,
    say: Callable[[str], None] = lambda _: None,
    around: Around = ALONE,
) -> Any:  # noqa: ANN401
    plan = plan_server(desired("H1"), facts, (cluster(),))
    assert isinstance(plan, ServerPlan)
    return ServerChange(session=played, host="H1", plan=plan, progress=say, around=around).run()  # type: ignore[arg-type]


def fails(key: str, status: int = 1, said: str = "no") -> Callable[[Command], tuple[int, str, str] | None]:
    return lambda command: (status, "", said) if command.key.startswith(key) else None


def interrupts(key: str) -> Callable[[Command], tuple[int, str, str] | None]:
    """Once: the way back is shielded."""
    coming = [KeyboardInterrupt]

    def react(command: Command) -> None:
        if command.key == key and coming:
            raise coming.pop()

    return react


def test_the_way_back_is_armed_before_the_first_change(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD)
    played = Played()
    outcome = changed(played)
    assert outcome.outcome is Outcome.APPLIED
    keys = [command.key for command in played.asked]
    order = ["undo script", "keep /etc/keepalived/keepalived.conf", "arm", "rename /etc/keepalived/keepalived.conf"]
    order += ["reload", "record", "confirm"]
    assert [key for key in keys if key in order] == order
    assert not played.undone()


@pytest.mark.parametrize(
    "key", ["undo root", "undo script", "keep", "arm", "create", "write", "validate", "rename", "reload"]
)
def test_a_step_that_fails_is_taken_back(reads: Callable[..., None], key: str) -> None:
    reads(DRIFTED)
    played = Played(fails(key, said="it says why"))
    outcome = changed(played)
    assert outcome.outcome is Outcome.ROLLED_BACK
    assert "it says why" in outcome.reason
    assert played.undone()
    assert [command.key for command in played.asked][-1] == "clean"


def test_what_does_not_hold_afterwards_is_taken_back(reads: Callable[..., None]) -> None:
    reads(DRIFTED, DRIFTED)
    played = Played()
    outcome = changed(played)
    assert outcome.outcome is Outcome.ROLLED_BACK
    assert "config: keepalived.conf is not what the intent renders" in outcome.reason
    assert played.undone()


def test_a_server_that_went_back_by_itself_was_not_changed(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD, DRIFTED)
    assert changed(Played(fails("confirm"))).outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize(
    "after",
    [
        GOOD,
        silent_server("H1"),
        replace(DRIFTED, service=server_facts("H1", service=service(active="failed")).service),
        replace(DRIFTED, firewall=server_facts("H1", firewall=iptables(saved="")).firewall),
    ],
    ids=["still new", "silent", "service", "firewall"],
)
def test_what_is_not_as_before_is_said(reads: Callable[..., None], after: ServerFacts) -> None:
    reads(DRIFTED, after)
    outcome = changed(Played(fails("reload")))
    assert outcome.outcome is Outcome.NOT_ROLLED_BACK
    assert "not as before: " in outcome.reason


def test_a_server_that_falls_silent_goes_back_by_itself_and_that_is_said(reads: Callable[..., None]) -> None:
    reads(DRIFTED)
    gone = False

    def react(command: Command) -> tuple[int, str, str] | None:
        nonlocal gone
        gone = gone or command.key == "reload"
        return (-1, "", "no connection") if gone else None

    outcome = changed(Played(react))
    assert outcome.outcome is Outcome.NOT_ROLLED_BACK
    assert "the server goes back by itself within 120 s" in outcome.reason
    assert "/var/lib/vipbook/undo-" in outcome.reason


def test_what_is_not_restored_yet_is_said_and_left_to_the_server(reads: Callable[..., None]) -> None:
    reads(DRIFTED)
    said = "restore /etc/keepalived/keepalived.conf: mv: cannot move: Read-only file system"
    played = Played(lambda c: {"reload": (1, "", "no"), "undone": (1, "", f"{said}\n")}.get(c.key))
    outcome = changed(played)
    assert outcome.outcome is Outcome.NOT_ROLLED_BACK
    assert f"not undone: {said}; it tries again every 10 s: journalctl -u vipbook-undo-" in outcome.reason
    # What it needs for that is not cleaned away.
    assert "clean" not in [command.key for command in played.asked]


def test_an_answer_to_the_confirmation_that_got_lost_undoes_nothing(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD)
    lost = {"confirm": (-1, "", "no answer within 60 s"), "undone": (CONFIRMED, "", "the change was confirmed")}
    outcome = changed(Played(lambda c: lost.get(c.key)))
    assert outcome.outcome is Outcome.APPLIED
    assert "the server had the confirmation before: nothing was undone" in outcome.reason


def test_what_could_not_be_tidied_up_is_a_note_on_a_change_that_is_made(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD)
    notes: list[str] = []
    played = Played(lambda c: (0, "", "no backup was made") if c.key == "confirm" else None)
    assert changed(played, say=notes.append).outcome is Outcome.APPLIED
    assert notes[-1] == "note: H1: it is confirmed, but: no backup was made"


def test_what_could_not_be_tidied_up_is_a_note_on_a_change_that_was_undone(reads: Callable[..., None]) -> None:
    reads(DRIFTED, DRIFTED)
    notes: list[str] = []
    said = {"reload": (1, "", "no"), "clean": (0, "", "it could not be removed\n"), "no other undo": (0, "", "left\n")}
    played = Played(lambda c: said.get(c.key))
    assert changed(played, say=notes.append).outcome is Outcome.ROLLED_BACK
    assert "note: H1: it is undone, but: it could not be removed" in notes


def test_it_is_read_back_and_confirmed_over_a_connection_of_its_own(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD)
    played = Played()
    assert changed(played).outcome is Outcome.APPLIED
    # facts before, the change; then facts and the confirmation
    assert played.anew == [False, False, True, True]


def test_two_masters_that_were_not_there_before_take_it_back(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD, DRIFTED)
    played = Played(lambda c: played.doubled() if c.key == "reload" else None)
    outcome = changed(played)
    assert outcome.outcome is Outcome.ROLLED_BACK
    assert "VI_web has 2 masters" in outcome.reason


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"VI": 1}, {"VI": 1}, None),
        ({"VI": 0}, {"VI": 1}, None),
        ({"VI": 0}, {"VI": 0}, None),
        ({"VI": 2}, {"VI": 2}, None),
        ({"VI": 2}, {"VI": 1}, None),
        ({"VI": 1}, {}, None),
        ({}, {"VI": 1}, None),
        ({"VI": 1}, {"VI": 2}, "VI has 2 masters"),
        ({"VI": 0}, {"VI": 2}, "VI has 2 masters"),
        ({}, {"VI": 2}, "VI has 2 masters"),
        ({"VI": 2}, {"VI": 3}, "VI has 3 masters"),
        ({"VI": 1}, {"VI": 0}, "VI has no master any more"),
    ],
)
def test_what_is_worse_than_before(before: dict[str, int], after: dict[str, int], said: str | None) -> None:
    assert worse(before, after) == said


def test_a_server_that_does_not_tell_leaves_its_instance_out() -> None:
    facts = {"H1": server_facts("H1").instances, "H2": server_facts("H2").instances}
    assert masters_of([cluster()], facts) == {"VI_web": 1}
    assert masters_of([cluster()], facts | {"H2": GONE}) == {}
    other = IPv4Interface("100.65.0.99/24")
    assert masters_of([cluster(label="x", vrid=12, vips=(other,))], facts) == {"VI_web_x": 0}
    # Whatever holds a VIP of it is its master, under any VRID.
    assert masters_of([cluster(label="x", vrid=12)], facts) == {"VI_web_x": 1}


def test_who_runs_it_and_is_in_no_cluster_counts() -> None:
    both = {host: server_facts(host).instances for host in ("H1", "H2")}
    third, backup = server_facts("H1").instances, both["H2"]
    assert masters_of([cluster()], both | {"H3": third}, {"VI_web": ("H3",)}) == {"VI_web": 2}
    assert masters_of([cluster()], both | {"H3": third}, {"VI_db": ("H3",)}) == {"VI_web": 1}
    assert masters_of([cluster()], both | {"H3": backup}, {"VI_web": ("H3",)}) == {"VI_web": 1}
    assert masters_of([cluster()], both | {"H3": GONE}, {"VI_web": ("H3",)}) == {}
    other = read("H3", (instance("H1", "master", vips=(IPv4Interface("100.65.0.99/24"),)),))
    assert masters_of([cluster()], both | {"H3": other}, {"VI_web": ("H3",)}) == {"VI_web": 2}


def test_who_leaves_is_asked_about_what_it_leaves(reads: Callable[..., None]) -> None:
    """It is in no cluster of that name any more: that two are master then would be seen by no other question."""
    reads(DRIFTED, GOOD, DRIFTED)
    played = Played(lambda c: played.doubled("H2", "H3") if c.key == "reload" else None)
    played.states = dict.fromkeys(("H1", "H2", "H3"), "[]")
    left = cluster(name="old", servers=(server("H2"), server("H3")))
    outcome = changed(played, around=Around(left=((left, ("H1",)),)))
    assert outcome.outcome is Outcome.ROLLED_BACK
    assert "VI_old has 2 masters" in outcome.reason


def test_what_a_server_gives_up_may_be_without_a_master_for_a_moment() -> None:
    assert worse({"VI": 1}, {"VI": 0}, {"VI"}) is None
    assert worse({"VI": 1}, {"VI": 0}, {"VI_other"}) == "VI has no master any more"
    assert worse({"VI": 1}, {"VI": 2}, {"VI"}) == "VI has 2 masters"


def test_a_server_that_comes_back_after_its_timer_is_as_before(
    reads: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change cut the connection; the timer ran; the server answers again and its directory is gone."""
    monkeypatch.setattr(undoing, "_MARGIN_S", 60.0)
    reads(DRIFTED)
    silent = 0

    def react(command: Command) -> tuple[int, str, str] | None:
        nonlocal silent
        silent += command.key in {"reload", "undo", "undone"}
        return (-1, "", "no answer within 60 s") if command.key != "install" and 0 < silent < 4 else None

    outcome = changed(Played(react))
    assert outcome.outcome is Outcome.ROLLED_BACK
    assert silent == 4


@pytest.mark.parametrize(
    ("key", "seen"), [("arm", [DRIFTED]), ("reload", [DRIFTED]), ("confirm", [DRIFTED, GOOD, DRIFTED])]
)
def test_an_interrupt_passes_on_after_the_way_back(
    reads: Callable[..., None], key: str, seen: list[ServerFacts]
) -> None:
    reads(*seen)
    played = Played(interrupts(key))
    with pytest.raises(InterruptedChange) as caught:
        changed(played)
    assert played.undone()
    assert caught.value.outcome.outcome is Outcome.ROLLED_BACK


def test_an_interrupt_whose_way_back_fails_says_so(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD)
    with pytest.raises(InterruptedChange) as caught:
        changed(Played(interrupts("reload")))
    assert caught.value.outcome.outcome is Outcome.NOT_ROLLED_BACK
    assert caught.value.outcome.reason == "interrupted; not as before: keepalived.conf"


def test_an_interrupt_while_it_is_confirmed_finds_it_made(reads: Callable[..., None]) -> None:
    """From the confirmation on there is no way back: the request to end waits, and nothing is undone."""
    reads(DRIFTED, GOOD)
    played = Played(lambda command: signal.raise_signal(signal.SIGINT) if command.key == "confirm" else None)
    with pytest.raises(InterruptedChange) as caught:
        changed(played)
    assert caught.value.outcome.outcome is Outcome.APPLIED
    assert not played.undone()


def test_the_server_ends_an_installation_before_nobody_waits_for_it(reads: Callable[..., None]) -> None:
    reads(DRIFTED, GOOD)
    played = Played()
    assert changed(played, BARE).outcome is Outcome.APPLIED
    install = next(command for command in played.asked if command.key == "install")
    assert "    sudo -n timeout -k 10 570 apt-get install -y" in (install.fragment or "")
    assert install.title.startswith("sudo apt-get install")
    assert INSTALL_S + 10 < server_change._PACKAGE_S


def test_packages_that_were_brought_in_are_taken_out_again(reads: Callable[..., None]) -> None:
    reads(DRIFTED)
    played = Played(fails("reload"))
    assert changed(played, BARE).outcome is Outcome.ROLLED_BACK
    assert played.purged()


def test_packages_that_stay_are_told(reads: Callable[..., None]) -> None:
    reads(DRIFTED)
    outcome = changed(Played(lambda c: (1, "", "no") if c.key in {"reload", "purge"} else None), BARE)
    assert outcome.outcome is Outcome.NOT_ROLLED_BACK
    assert "packages left: libnl-3-200, keepalived" in outcome.reason


def test_an_installation_that_fails_half_way_is_taken_back(reads: Callable[..., None]) -> None:
    reads(BARE)
    played = Played(lambda c: (100, INSTALLED, "E: dpkg returned an error code (1)") if c.key == "install" else None)
    outcome = changed(played, BARE)
    assert "dpkg returned an error code" in outcome.reason
    assert played.purged() or outcome.outcome is Outcome.NOT_ROLLED_BACK


def test_an_interrupt_after_the_installation_takes_the_packages_out(reads: Callable[..., None]) -> None:
    reads(DRIFTED)
    played = Played(interrupts("json"))
    with pytest.raises(KeyboardInterrupt):
        changed(played, BARE)
    assert played.purged()


@pytest.mark.parametrize("silent_from", [1, 2])
def test_a_server_that_falls_silent_before_the_change_never_raises(
    reads: Callable[..., None], silent_from: int
) -> None:
    """Between the installation and the first step nothing is armed, and still the packages must go."""
    reads(DRIFTED)
    seen = 0

    def react(command: Command) -> tuple[int, str, str] | None:
        nonlocal seen
        seen += command.key == "json"
        return (-1, "", "no connection") if command.key == "json" and seen == silent_from else None

    played = Played(react)
    assert changed(played, BARE).outcome is Outcome.ROLLED_BACK
    assert played.purged()


OPEN = iptables(IPTABLES, RULES_V4)
SHUT = iptables(IPTABLES.replace(OUR_LINE, ""), RULES_V4)
NFT, NFT_LATER, NFT_ACCEPTS = (
    nftables(nft_chain(), nft_ours("100.65.0.11"), nft_json_rule({"counter": {"packets": count, "bytes": 60}}, verdict))
    for count, verdict in ((1, {"drop": None}), (2, {"drop": None}), (1, {"accept": None}))
)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({}, {}, []),
        ({}, {"config": config_file(modified_at=1.0)}, []),
        ({}, {"service": service(main_pid=1, loaded_at=1.0)}, []),
        ({}, {"config": config_file(mode=0o600)}, ["keepalived.conf"]),
        ({}, {"config": config_file(text=None)}, ["keepalived.conf"]),
        ({}, {"service": service(enabled="disabled")}, ["keepalived.service"]),
        ({}, {"service": service(active="failed")}, ["keepalived.service"]),
        ({"service": service(active="failed")}, {"service": service(active="inactive")}, []),
        ({"service": service(active="failed")}, {}, ["keepalived.service"]),
        ({"service": service(active="failed")}, {"service": service(active="activating")}, ["keepalived.service"]),
        ({"firewall": OPEN}, {"firewall": SHUT}, ["firewall"]),
        ({"firewall": NFT}, {"firewall": NFT_LATER}, []),
        ({"firewall": NFT}, {"firewall": NFT_ACCEPTS}, ["firewall"]),
        ({"config": GONE}, {"config": GONE}, ["keepalived.conf"]),
        ({}, {"firewall": GONE, "config": GONE}, ["keepalived.conf", "firewall"]),
        ({}, {"package": GONE, "instances": GONE}, []),
        ({}, {"sysctl_file": config_file(text="# left\n", mode=0o644)}, ["/etc/sysctl.d/90-vipbook.conf"]),
        ({}, {"arp_announce": {"all": 0, "enp0s8": 2}}, ["arp_announce"]),
        ({}, {"arp_announce": {"all": 0, "enp0s8": 0, "vrrp11": 1}}, []),
        ({"arp_announce": {"all": 0, "vrrp11": 0}}, {"arp_announce": {"all": 0}}, []),
        ({"arp_announce": GONE}, {}, ["arp_announce"]),
        ({}, {"arp_announce": GONE}, ["arp_announce"]),
    ],
)
def test_differing(before: dict[str, Any], after: dict[str, Any], names: list[str]) -> None:
    assert differing(server_facts("H1", **before), server_facts("H1", **after)) == names
