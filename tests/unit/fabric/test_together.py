"""All questions to one vtysh: the same answers as one by one, from one start of it; else each is asked by itself."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tasks.fabric.leaf import leaf_commands
from tasks.fabric.vtysh.together import together
from tasks.model.answer import Answers
from tests.unit.builders import cluster
from tests.unit.fabric.captured import CAPTURES, SAMPLES, STAGES, captured_answers, captured_cluster
from tests.unit.observe.scripts import ALLOWED, REFUSED, ask

FRR = SAMPLES / "frr"
AWK = 'exec /usr/bin/awk "$@"'
HEAD = 'exec /usr/bin/head "$@"'
VTYSH = """echo started >> {where}/starts
while [ $# -gt 0 ]; do
    name=$(echo "$2" | sed 's/[^a-z0-9.-]/_/g')
    cat "{where}/answers/$name"
    [ ! -e "{where}/answers/$name.fails" ] || exit 1
    shift 2
done"""
ASKED = {
    command.argv[-1]: command.key for command in leaf_commands([cluster()]) if command.title.startswith("sudo vtysh")
}
MACS, ARP, PATHS, VNI, SUMMARY = (
    "show evpn mac vni 100 json",
    "show evpn arp-cache vni 100 json",
    "show bgp l2vpn evpn route vni 100 type macip json",
    "show evpn vni 100 json",
    "show bgp l2vpn evpn summary json",
)
MOVES = next(each for each in ASKED if "arp-cache vni 100 ip" in each)
HEALTHY = {
    MACS: (FRR / "mac.json").read_text(),
    ARP: (FRR / "arp-cache.json").read_text(),
    PATHS: (FRR / "macip_of_vni.json").read_text(),
    VNI: (FRR / "vni.json").read_text(),
    SUMMARY: (FRR / "summary.json").read_text(),
    "show evpn json": (FRR / "evpn.json").read_text(),
    "show evpn": (FRR / "evpn.txt").read_text(),
    MOVES: "IP: 192.0.2.10\n Type: local\n State: active\n",
}


class Seen(NamedTuple):
    answers: Answers
    starts: int

    def said(self) -> dict[str, tuple[int, str]]:
        """Exit status and text of each question, by what vtysh was asked."""
        return {each: (self.answers[key].status, self.answers[key].stdout.rstrip("\n")) for each, key in ASKED.items()}


def prepared(where: Path, texts: Mapping[str, str], failing: str = "") -> None:
    """What vtysh will print."""
    answers = where / "answers"
    answers.mkdir()
    for question, text in texts.items():
        name = re.sub("[^a-z0-9.-]", "_", question)
        (answers / name).write_text(text)
        if question == failing:
            (answers / f"{name}.fails").touch()


def look(
    where: Path, texts: Mapping[str, str], *, failing: str = "", programs: Mapping[str, str] = MappingProxyType({})
) -> Seen:
    prepared(where, texts, failing)
    default = {
        "sudo": ALLOWED,
        "vtysh": VTYSH.format(where=where),
        "awk": AWK,
        "head": HEAD,
        "ip": "echo '[]'",
        "bridge": "echo '[]'",
    }
    asked = ask(where, leaf_commands([cluster()]), default | dict(programs))
    starts = where / "starts"
    return Seen(asked, starts.read_text().count("started") if starts.exists() else 0)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="as recorded"),
        pytest.param({MOVES: ""}, id="nothing in words"),
        pytest.param({MACS: "{}\n", VNI: "{ }\n"}, id="empty objects"),
        pytest.param({PATHS: '{"a":{"b":[1,2]}}\n'}, id="an object on one line"),
        pytest.param({PATHS: '{ "bgpTableVersion": 1,\n "x": {\n}\n'}, id="an object that begins with a field"),
        pytest.param({MACS: HEALTHY[MACS] + "\n\n"}, id="blank lines behind"),
        pytest.param({"show evpn": "L2 VNIs: 1\n\n  indented {\n}\n"}, id="braces in words"),
        pytest.param({MOVES: "% Requested MAC does not exist in VNI 100\n"}, id="an excuse in words"),
        pytest.param({MACS: '{\n  "x":"vipbook-status 1"\n}\n'}, id="a word of ours"),
        pytest.param({MACS: '{\n  "x":"\\u00e9\xe9\'$(id)`id`\\\\"\n}\n'}, id="what a shell might read"),
    ],
)
def test_one_vtysh_gives_what_each_would(changed: dict[str, str], tmp_path: Path) -> None:
    seen = look(tmp_path, HEALTHY | changed)
    assert seen.said() == {each: (0, text.rstrip("\n")) for each, text in (HEALTHY | changed).items()}
    assert seen.starts == 1


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        pytest.param({PATHS: "bgpd is not running\n"}, PATHS, id="a question fails"),
        pytest.param({SUMMARY: "% Unknown command: x\n"}, SUMMARY, id="the last fails"),
        pytest.param({MACS: "% Unknown command: x\n"}, MACS, id="the first fails"),
        pytest.param({PATHS: "VNI not found\n"}, "", id="words in place of JSON"),
        pytest.param({MACS: ""}, "", id="nothing in place of JSON"),
        pytest.param({SUMMARY: ""}, "", id="nothing in place of the last"),
        pytest.param({MACS: "{\n", ARP: "}\n"}, "", id="half an object"),
        pytest.param({SUMMARY: '{\n  "x": 1\n'}, "", id="an object that does not end"),
        pytest.param({MACS: HEALTHY[MACS] + HEALTHY[MACS]}, "", id="two objects"),
        pytest.param({MACS: f"warning: x\n{HEALTHY[MACS]}"}, "", id="a warning in front of the first"),
        pytest.param({SUMMARY: f"{HEALTHY[SUMMARY]}warning: x\n"}, "", id="a warning behind the last"),
        pytest.param({"show evpn": '{\n"x": 1\n}\n'}, "", id="JSON in place of words"),
        pytest.param({PATHS: "bgpd is not running\nvipbook-status 0\n"}, PATHS, id="a failure that forges our status"),
    ],
)
def test_what_does_not_come_out_even_is_asked_one_by_one(changed: dict[str, str], failing: str, tmp_path: Path) -> None:
    said = HEALTHY | changed
    seen = look(tmp_path, said, failing=failing)
    assert seen.said() == {each: (int(each == failing), text.rstrip("\n")) for each, text in said.items()}
    assert seen.starts == 1 + len(ASKED)


def test_answers_without_an_end_are_asked_one_by_one(tmp_path: Path) -> None:
    """Together they are endless; the limit ends that vtysh, and keeps nothing of it."""
    endless = VTYSH.format(where=tmp_path).replace("while", "[ $# -eq 2 ] || exec cat /dev/zero\nwhile", 1)
    seen = look(tmp_path, HEALTHY, programs={"vtysh": endless})
    assert seen.said() == {each: (0, text.rstrip("\n")) for each, text in HEALTHY.items()}
    assert seen.starts == 1 + len(ASKED)


def test_a_host_without_awk_is_asked_one_by_one(tmp_path: Path) -> None:
    seen = look(tmp_path, HEALTHY, programs={"awk": "exit 127"})
    assert seen.said() == {each: (0, text.rstrip("\n")) for each, text in HEALTHY.items()}
    assert seen.starts > len(ASKED) - 1


def test_what_sudo_refuses_together_is_asked_one_by_one(tmp_path: Path) -> None:
    several = (
        'shift; [ "$1" != vtysh ] || [ $# -eq 3 ] || { echo "sudo: a password is required" >&2; exit 1; }; exec "$@"'
    )
    seen = look(tmp_path, HEALTHY, programs={"sudo": several})
    assert seen.said() == {each: (0, text.rstrip("\n")) for each, text in HEALTHY.items()}
    assert seen.starts == len(ASKED)


def test_refused_altogether_it_leads_to_the_others(tmp_path: Path) -> None:
    seen = look(tmp_path, HEALTHY, programs={"sudo": REFUSED, "nv": "echo '{}'"})
    assert seen.starts == 0
    assert seen.answers["macs 100 nvue"].status == 0


def of_shell(where: Path, texts: Mapping[str, str], asked: list[str]) -> list[str]:
    """What `vipbook_of_all` prints for each of these, called one after the other in one shell."""
    prepared(where, texts)
    (where / "vtysh").write_text(f"#!/bin/sh\n{VTYSH.format(where=where)}\n")
    (where / "vtysh").chmod(0o755)
    ask_frr = 'vipbook_frr_show() { shift; "$@"; }'
    calls = "".join(f"vipbook_of_all {shlex.quote(each)} || echo none\nprintf '@@'\n" for each in asked)
    ran = subprocess.run(
        ["/bin/sh", "-s"],
        input=f"{ask_frr}{together(list(texts))}{calls}",
        text=True,
        capture_output=True,
        env={"PATH": f"{where}:/usr/bin:/bin"},
        check=True,
        timeout=20,
    )
    return [each.strip() for each in ran.stdout.split("@@")[:-1]]


@pytest.mark.parametrize("stage", STAGES)
def test_recorded_leaves_read_the_same(stage: str, tmp_path: Path) -> None:
    leaf = min(path.name for path in (CAPTURES / stage).iterdir())
    recorded = captured_answers(stage, leaf).by_key
    shows = {each.argv[-1]: each.key for each in leaf_commands([captured_cluster(stage)]) if each.argv[0] == "vtysh"}
    texts = {each: recorded[key].stdout for each, key in shows.items() if key in recorded}
    assert of_shell(tmp_path, texts, list(texts)) == [each.strip() for each in texts.values()]
    assert (tmp_path / "starts").read_text().count("started") == 1


def test_more_answers_in_words_than_in_json(tmp_path: Path) -> None:
    words = {f"show evpn arp-cache vni 100 ip 192.0.2.{each}": f"IP: 192.0.2.{each}\n" for each in range(1, 9)}
    texts = words | {"show evpn json": HEALTHY["show evpn json"]}
    assert of_shell(tmp_path, texts, list(words)) == [each.strip() for each in words.values()]
    assert (tmp_path / "starts").read_text().count("started") == 1


@pytest.mark.parametrize(
    "asked",
    [pytest.param([], id="nothing to ask"), pytest.param(["show evpn json"], id="one question is asked by itself")],
)
def test_a_question_that_was_not_asked_has_no_answer(asked: list[str], tmp_path: Path) -> None:
    texts = dict.fromkeys(asked, "{}\n")
    assert of_shell(tmp_path, texts, ["show evpn json"]) == ["none"]


def test_what_was_not_among_them_is_asked_by_itself(tmp_path: Path) -> None:
    texts = {"show evpn json": "{}\n", "show evpn": "L2 VNIs: 1\n"}
    assert of_shell(tmp_path, texts, ["show evpn vni 1 json", "show evpn"]) == ["none", "L2 VNIs: 1"]
