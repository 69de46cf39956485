"""Who is told when the verdict changes, what they are told, and what happens when they can't be."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import stat
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runbooks.history import notify as runbook
from runbooks.history.notify import message, notify, parse_notify
from tasks.model.bounds import MIB
from tasks.model.errors import IntentError
from tests.unit.runbooks.cli.test_commands import ended, run
from tests.unit.runbooks.inventories import closed_port, write_inventory
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


def endless_body(connected: socket.socket) -> None:
    connected.sendall(b"HTTP/1.1 500 Sorry\r\n\r\n")
    while True:
        connected.sendall(b"x" * 65536)


def endless_continue(connected: socket.socket) -> None:
    while True:
        connected.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def drip(connected: socket.socket) -> None:
    for sign in b"HTTP/1.1 204 " + b"x" * 1000:
        connected.sendall(bytes([sign]))
        time.sleep(0.05)


def long_line(connected: socket.socket) -> None:
    while True:
        connected.sendall(b"x" * 65536)


def silent(_: socket.socket) -> None:
    threading.Event().wait(60)


def played(play: Callable[[socket.socket], None], connected: socket.socket) -> None:
    with connected, contextlib.suppress(OSError):
        play(connected)


@pytest.mark.parametrize("play", [endless_body, endless_continue, drip, long_line, silent])
def test_a_webhook_has_a_time_limit_and_its_answer_an_end(
    play: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runbook, "_TOTAL_S", 1.5)
    monkeypatch.setattr(runbook, "_BACKOFF_S", 0.01)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connected, _ = listener.accept()
                threading.Thread(target=played, args=(play, connected), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    tracemalloc.start()
    began = time.monotonic()
    (problem,) = notify([f"webhook:http://127.0.0.1:{listener.getsockname()[1]}/x"], BAD)
    took, peak = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    listener.close()
    assert "was not told: " in problem
    assert took < 5
    assert peak < 20 * MIB


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://hooks.example.invalid/x", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:8080/x", True),
        ("http://localhost/x", True),
        ("http://hooks.example.invalid/x", False),
        ("http://192.0.2.1/x", False),
        ("http://localhost.example.invalid/x", False),
        ("http://127.0.0.1.example.invalid/x", False),
        ("HTTP://192.0.2.1/x", False),
    ],
)
def test_no_token_over_plain_http(url: str, fine: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    parse_notify(f"webhook:{url}")
    monkeypatch.setenv("VIPBOOK_WEBHOOK_TOKEN", "t0ken")
    if fine:
        parse_notify(f"webhook:{url}")
        return
    monkeypatch.setenv("HOOK", url)
    for text in (f"webhook:{url}", "webhook-env:HOOK"):
        with pytest.raises(IntentError, match=r"VIPBOOK_WEBHOOK_TOKEN would go over plain http.*use https://"):
            parse_notify(text)


def test_a_token_over_plain_http_is_refused_before_anything_is_contacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIPBOOK_WEBHOOK_TOKEN", "t0ken")
    monkeypatch.setattr("runbooks.session.Session.run_scripts", lambda *_: pytest.fail("contacted"))
    words = ("verify", "--notify", "webhook:http://192.0.2.1/x")
    ended(run(*words, inventory=write_inventory(tmp_path / "i")), 2, "would go over plain http")


@pytest.mark.parametrize("name", ["VIPBOOK_WEBHOOK_TOKEN", "VIPBOOK_WEBHOOK_SECRET"])
@pytest.mark.parametrize("sign", ["\r", "\n", "\r\n", "\t", "\x01", "\x7f", "\x85"])
def test_a_secret_with_a_control_character_is_refused_before_anything_is_contacted(
    name: str, sign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"T0P{sign}SECRET")
    monkeypatch.setattr("runbooks.session.Session.run_scripts", lambda *_: pytest.fail("contacted"))
    words = ("verify", "--notify", "webhook:http://127.0.0.1/x")
    result = run(*words, inventory=write_inventory(tmp_path / "i"))
    ended(result, 2, f"--notify webhook:…: {name} holds a control character")
    assert "T0P" not in result.output


def test_a_header_that_can_not_be_sent_is_a_sentence_without_it(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPBOOK_WEBHOOK_TOKEN", "t0k\ren")
    assert runbook._post(hook.url, b"{}") == "ValueError"


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


def test_a_command_ends_with_all_that_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runbook, "_COMMAND_S", 2.0)
    target = script(tmp_path, f'sleep 60 & echo $! > "{tmp_path}/begun"; yes; wait')
    (problem,) = notify([target], BAD)
    assert "did not end within" in problem
    begun = Path("/proc", (tmp_path / "begun").read_text().strip(), "stat")
    # A signal that is sent is not yet taken on a busy machine.
    deadline = time.monotonic() + 10
    while (alive := begun.exists() and begun.read_text().split()[2] != "Z") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive


def test_what_a_command_leaves_running_does_not_hold_the_run(tmp_path: Path) -> None:
    began = time.monotonic()
    assert notify([script(tmp_path, "sleep 30 & exit 0")], BAD) == []
    assert time.monotonic() - began < 20


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
