"""Who is told when the verdict changes, what they are told, and what happens when they can't be."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runbooks import notify as runbook
from runbooks.notify import message, notify, parse_notify
from tasks.model.errors import IntentError
from tests.unit.runbooks.inventories import closed_port, write_inventory
from tests.unit.runbooks.test_cli import ended, run
from tests.unit.store.test_history import BAD, GOOD, UNKNOWN


class Hook(ThreadingHTTPServer):
    """A webhook on this machine that answers as it is told, and then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0PSECRET"

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


class _Answers(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if status == 307:
            self.send_header("Location", self.server.url + "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setattr(runbook, "_BACKOFF_S", 0.01)
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def verdicts(hook: Hook) -> list[tuple[str | None, str]]:
    return [(each["from"], each["to"]) for each in hook.told()]


def test_only_a_change_is_told(hook: Hook) -> None:
    target = [f"webhook:{hook.url}"]
    for shape in (GOOD, GOOD, BAD, BAD, UNKNOWN, GOOD, GOOD):
        assert notify(target, shape) == []
    assert verdicts(hook) == [("pass", "fail"), ("fail", "unknown"), ("unknown", "pass")]


def test_the_first_run_tells_what_is_not_fine(hook: Hook) -> None:
    assert notify([f"webhook:{hook.url}"], BAD) == []
    assert verdicts(hook) == [(None, "fail")]


def test_each_set_of_clusters_has_its_own(hook: Hook) -> None:
    other = {**BAD, "clusters": [{**BAD["clusters"][0], "name": "db"}]}
    target = [f"webhook:{hook.url}"]
    notify(target, GOOD)
    notify(target, other)
    notify(target, GOOD)
    assert verdicts(hook) == [(None, "fail")]


def test_what_is_told() -> None:
    told = message(BAD, "pass")
    assert (told["schema"], told["event"], told["command"]) == (1, "verdict-changed", "verify")
    assert told["reason"].startswith("neighbor L2: L2 still holds")
    assert told["wrong"][0] == told["reason"]
    assert told["vips"] == [{"cluster": "web", "address": "100.65.0.10", "state": "stale-neighbor", "owner": "H1"}]
    assert message(GOOD, "fail")["reason"] == "nothing is wrong"
    assert message({**GOOD, "reason": "because"}, None)["reason"] == "because"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_is_met_with_patience(hook: Hook, status: int) -> None:
    hook.answers = [status, status]
    assert notify([f"webhook:{hook.url}"], BAD) == []
    assert len(hook.got) == 3


@pytest.mark.parametrize(
    ("answers", "said", "tries"),
    [
        ([500] * 9, "it answered 500", 4),
        ([404], "it answered 404", 1),
        ([403], "it answered 403", 1),
        ([307], "it answered 307", 1),
    ],
)
def test_what_was_not_told_is_told_by_the_next_run(hook: Hook, answers: list[int], said: str, tries: int) -> None:
    hook.answers = list(answers)
    target = [f"webhook:{hook.url}"]
    (problem,) = notify(target, BAD)
    assert said in problem
    assert "T0PSECRET" not in problem
    assert len(hook.got) == tries
    hook.answers = []
    assert notify(target, BAD) == []
    assert notify(target, BAD) == []
    assert len(hook.got) == tries + 1


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runbook, "_BACKOFF_S", 0.01)
    (problem,) = notify([f"webhook:http://127.0.0.1:{closed_port()}/x"], BAD)
    assert "NewConnectionError after 4 tries" in problem


def test_a_token_and_a_signature(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPBOOK_WEBHOOK_TOKEN", "t0ken")
    monkeypatch.setenv("VIPBOOK_WEBHOOK_SECRET", "s3cret")
    notify([f"webhook:{hook.url}"], BAD)
    ((headers, body),) = hook.got
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["X-Vipbook-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert b"t0ken" not in body
    assert b"s3cret" not in body


def script(directory: Path, text: str) -> str:
    path = directory / "tell"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"command:{path}"


def test_a_url_from_the_environment(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", hook.url)
    assert notify(["webhook-env:HOOK"], BAD) == []
    assert verdicts(hook) == [(None, "fail")]
    assert notify([f"webhook:{hook.url}"], BAD) == [], "the same place has been told"
    assert len(hook.got) == 1


def test_a_command_is_told_on_standard_input(tmp_path: Path) -> None:
    target = script(tmp_path, f'cat > "{tmp_path}/told"; echo $# > "{tmp_path}/words"')
    assert notify([target], BAD) == []
    assert json.loads((tmp_path / "told").read_text())["to"] == "fail"
    assert (tmp_path / "words").read_text() == "0\n"


@pytest.mark.parametrize(
    ("text", "said"), [("exit 3", "ended with exit status 3"), ("exec sleep 60", "did not end within 0 s")]
)
def test_a_command_that_fails(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runbook, "_COMMAND_S", 0.2)
    (problem,) = notify([script(tmp_path, text)], BAD)
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "accepted: webhook:URL, webhook-env:NAME, command:PATH"),
        ("mail:x", "accepted: webhook:URL, webhook-env:NAME, command:PATH"),
        ("webhook:", "accepted: webhook:URL"),
        ("webhook:ftp://example.invalid/T0P", "not a URL that begins with https:// or http://"),
        ("webhook:https:///T0P", "names a host"),
        ("webhook:https://h:99999999/T0P", "not a URL"),
        ("webhook:https://user:T0P@h/", "no password in the URL; set VIPBOOK_WEBHOOK_TOKEN"),
        ("webhook-env:", "name an environment variable that holds the URL"),
        ("webhook-env:A B", "name an environment variable that holds the URL"),
        ("webhook-env:NOT_SET", "environment variable NOT_SET is not set; set it to the URL"),
        ("webhook-env:WRONG", "not a URL that begins with https://"),
        ("command:tell", "name an executable file by its absolute path"),
        ("command:/nowhere/tell", "name an executable file"),
        ("command:/tmp", "name an executable file"),
    ],
)
def test_what_is_no_target(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG", "T0P")
    with pytest.raises(IntentError) as caught:
        parse_notify(text)
    assert said in str(caught.value)
    assert "T0P" not in str(caught.value)


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    with pytest.raises(IntentError, match="name an executable file"):
        parse_notify(f"command:{tmp_path / 'text'}")


def test_nothing_of_it_changes_how_a_run_ends(tmp_path: Path, hook: Hook) -> None:
    inventory = write_inventory(tmp_path / "inventory")
    hook.answers = [404]
    result = run("verify", "--notify", f"webhook:{hook.url}", "--json", inventory=inventory)
    ended(result, 3, f"warning: webhook:http://127.0.0.1:{hook.server_port}/… was not told: it answered 404")
    assert json.loads(result.stdout)["verdict"] == "unknown"
    ended(run("verify", "--notify", "sms:1", inventory=inventory), 2, "--notify sms:…: accepted:")


def test_without_the_history_nobody_knows_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPBOOK_HISTORY", "off")
    words = ("verify", "--notify", "webhook:http://127.0.0.1/x")
    ended(run(*words, inventory=write_inventory(tmp_path / "i")), 2, "--notify needs the history")
