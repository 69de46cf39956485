"""What a parser costs grows as its input does: lines of Python and steps of patterns, counted and not timed."""

# ruff: noqa: ANN401 - documents of any shape
from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any

import pytest

import tasks.report
from tasks.change.files import diff_of
from tasks.model.mask import masked, plain
from tasks.model.script import ClockError, split_output
from tasks.model.text import visible
from tasks.observe.readings import Garbled
from tasks.report.escape import cell, fenced, markdown
from tasks.server.firewall.backends.nftables.read.file import chains_made
from tasks.server.keepalived.conf import read_conf
from tasks.server.keepalived.declared import declared_instances
from tests.unit.observe.regex_steps import Counted, example
from tests.unit.observe.test_any_text import PACKAGES, PARSERS, SAMPLE_TEXTS, modules_of

SMALL = 10
LINEAR = 1.5
"""Four times the input may cost so much more than four times the work; its square would be four."""
BASE = 1000
_SAMPLE = 1500
"""Characters of what is right: all of it would tell nothing more."""
"""Work that does not depend on the input."""


def modules() -> list[ModuleType]:
    names = ["tasks.model.mask", "tasks.model.script", "tasks.model.text", "tasks.judge.snapshot.server"]
    return [
        *map(importlib.import_module, names),
        *modules_of(*PACKAGES, tasks.report),
    ]


FUNCTIONS = {f"re.{each}" for each in ("search", "match", "fullmatch", "sub", "findall")}


def patterns() -> Iterator[Any]:
    """Every pattern of these modules, also those written within a function; and whether it looks everywhere."""
    for module in modules():
        source = inspect.getsource(module)
        for name, found in vars(module).items():
            if isinstance(found, re.Pattern):
                searches = re.search(rf"\b{name}\.(search|sub|finditer|findall|split)\b", source) is not None
                yield pytest.param(found, searches, id=f"{module.__name__}.{name}")
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not isinstance(node.args[:1] and node.args[0], ast.Constant):
                continue
            function = ast.unparse(node.func)
            if function in FUNCTIONS:
                found = re.compile(ast.literal_eval(node.args[0]), re.MULTILINE * ("MULTILINE" in ast.unparse(node)))
                yield pytest.param(found, "match" not in function, id=f"{module.__name__}:{node.lineno}")


def cost(pattern: re.Pattern[str], text: str, *, searches: bool) -> int:
    counted = Counted(pattern, text)
    if searches:
        counted.everywhere()
    else:
        counted.once(0)
    return counted.steps


def pumped(pattern: re.Pattern[str], count: int) -> Iterator[str]:
    """Texts that match up to some place, go on there for long, and end otherwise; and matches begun in a row."""
    parts = example(pattern)
    for at in range(len(parts) + 1):
        head = "".join(parts[:at])
        pumps = {*parts[max(0, at - 1) : at + 1], " ", "a", head, f"{head} "} - {""}
        for pump in sorted(pumps):
            for tail in ("\n!", "".join(parts[at:]) + "\x00"):
                yield head + pump * count + tail


@pytest.mark.parametrize(("pattern", "searches"), list(patterns()))
def test_no_pattern_takes_the_square(pattern: re.Pattern[str], searches: bool) -> None:  # noqa: FBT001
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        for small, large in zip(pumped(pattern, SMALL), pumped(pattern, 4 * SMALL), strict=True):
            less, more = (cost(pattern, each, searches=searches) for each in (small, large))
            assert more <= 4 * LINEAR * less + 500, (less, more, small)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s*No (?:.*BGP neighbors? found)[^\n]*\s*\Z",
        r"\[([^\]]*)\]",
        r"^\((?P<instance>[^)]+)\):? +(?P<event>.+)$",
        r"(a+)+b",
    ],
)
def test_the_counting_finds_what_takes_the_square(pattern: str) -> None:
    """Patterns that were here, and the one of every book."""
    with pytest.raises(AssertionError):
        test_no_pattern_takes_the_square(re.compile(pattern), True)  # noqa: FBT003


def lines_of(run: Callable[[], object]) -> int:
    """Lines of Python that ran, in the library as well."""
    count = 0

    def trace(_: FrameType, event: str, __: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with contextlib.suppress(Garbled, ClockError):
            run()
    finally:
        sys.settrace(before)
    return count


def grown(sample: str, times: int) -> Iterator[tuple[str, str]]:
    """A name and a text, for each way in which a host can send more of it."""
    whole, sample = sample, sample[:_SAMPLE]
    for sign in ' ["\\\na':
        yield f"{sign!r} again and again", sign * (10 * times)
        yield f"{sign!r} behind what is right", sample + sign * (10 * times)
    yield "all of it", sample * times
    rows = sample.splitlines(keepends=True)
    for index in range(min(len(rows), 3)):
        yield f"line {index}", "".join([*rows[:index], rows[index] * times, *rows[index + 1 :]])
        yield (
            f"a long line {index}",
            "".join([*rows[:index], rows[index].rstrip("\n") * times, "\n", *rows[index + 1 :]]),
        )
    with contextlib.suppress(ValueError):
        for number, document in enumerate(more(json.loads(whole), times)):
            yield f"part {number} of the document", json.dumps(document)


def more(value: Any, times: int) -> Iterator[Any]:
    """The document with each list and each object of it so much larger, one after the other."""
    if isinstance(value, list):
        yield value * times
        for index, each in enumerate(value[:1]):
            for grown_part in more(each, times):
                yield [*value[:index], grown_part, *value[index + 1 :]]
    elif isinstance(value, dict) and value:
        yield value | {renamed(list(value)[-1], number): list(value.values())[-1] for number in range(times)}
        for key in list(value)[:2]:
            for grown_part in more(value[key], times):
                yield value | {key: grown_part}


def renamed(key: str, number: int) -> str:
    """Another key of the same kind."""
    if re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", key):
        return ":".join(re.findall("..", f"02{number:010x}"))
    if re.fullmatch(r"[0-9.]+", key):
        return f"10.9.{number // 250}.{number % 250 + 1}"
    return f"{key}{number}"


NONCE = "vipbook-0123456789abcdef"
MORE: dict[str, tuple[Callable[[str], object], str]] = {
    "split_output": (lambda text: split_output(text, text, NONCE), f"\n{NONCE} clock 1\nx\n{NONCE} key 0\n"),
    "masked": (masked, '$PASS=x\nauth_pass "hunter22" }\n"auth_data":"x"\n'),
    "plain": (plain, "a\x1b[31m\u0301\u202e\n"),
    "visible": (visible, "a\x1b[31m\u0301\u202e\n"),
    "cell": (cell, "=a\n"),
    "markdown": (markdown, "a|b\n"),
    "fenced": (fenced, "```\nx\n"),
    "chains_made": (chains_made, "table inet a {\nchain b { }\n}\ndelete table inet a\nflush ruleset\n"),
}
CASES = [
    pytest.param(PARSERS[name], text, id=f"{name} {number}")
    for name, texts in SAMPLE_TEXTS.items()
    for number, text in enumerate(texts)
]
CASES += [pytest.param(run, text, id=name) for name, (run, text) in MORE.items()]


@pytest.mark.parametrize(("run", "sample"), CASES)
def test_no_parser_takes_the_square(run: Callable[[str], object], sample: str) -> None:
    for (name, small), (_, large) in zip(grown(sample, SMALL), grown(sample, 4 * SMALL), strict=True):
        less, more_ = (lines_of(lambda text=text: run(text)) for text in (small, large))  # type: ignore[misc]
        assert more_ <= 4 * LINEAR * less + BASE, (name, less, more_)


def test_a_difference_of_long_files_takes_no_square() -> None:
    """184 kB of braces against what is rendered took 15 s."""
    rendered = "vrrp_instance VI_web {\n    state BACKUP\n}\n" * 40
    less, more_ = (
        lines_of(lambda count=count: diff_of("/x", "}\n}\n a\n" * count, rendered)) for count in (10_000, 40_000)
    )  # type: ignore[misc]
    assert more_ <= 4 * LINEAR * less


def test_instances_beside_settings_take_no_square() -> None:
    """Each instance looked through all of global_defs for what it does not say itself."""
    few, many = (
        read_conf("/x", {"/x": "global_defs {\n" + "a b\n" * count + "}\n" + "vrrp_instance a {\n}\n" * count}, {})
        for count in (100, 400)
    )
    less, more_ = lines_of(lambda: declared_instances(few)), lines_of(lambda: declared_instances(many))
    assert more_ <= 4 * LINEAR * less


@pytest.mark.parametrize("depth", [8, 12, 16])
def test_files_that_include_each_other_twice_take_no_power(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.server.firewall.backends.nftables.read.file.ANSWER_MOST", 2000)
    files = {f"/etc/{number}": f'include "/etc/{number + 1}"\n' * 10 for number in range(depth)} | {f"/etc/{depth}": ""}
    assert lines_of(lambda: chains_made('include "/etc/0"\n', files)) < 20_000
