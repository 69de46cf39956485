"""Refused logins: asked for less and less often, and the reason that helps stays."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import paramiko
import pytest

from runbooks.inventory.logins import Logins
from runbooks.session import open_session
from runbooks.verify import verify
from tasks.model.answer import Answers, NoAnswer, Reply
from tests.unit.runbooks.inventories import write_inventory, write_key

AT = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = "it refused the login of user 'me'"
SHUT = "H1:22 sent no SSH banner"
ANSWERED = Answers(host="H1", by_key={}, clock_offset_s=0.0)


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def no(reason: str, *, refused: bool = False) -> NoAnswer:
    return NoAnswer(host="H1", reason=reason, at=AT, refused=refused)


@pytest.mark.parametrize(
    ("replies", "reason", "pause_s"),
    [
        pytest.param([ANSWERED], None, 0, id="answered"),
        pytest.param([no("no route")], "no route", 0, id="no answer is no refusal"),
        pytest.param([no(REFUSED, refused=True)], REFUSED, 10, id="refused"),
        pytest.param([no(REFUSED, refused=True)] * 2, REFUSED, 20, id="refused again"),
        pytest.param([no(REFUSED, refused=True)] * 9, REFUSED, 60, id="never less than once a minute"),
        pytest.param([no(REFUSED, refused=True), no(SHUT)], f"{REFUSED}; since then: {SHUT}", 20, id="shut out"),
        pytest.param(
            [no(REFUSED, refused=True), no(SHUT), no(SHUT)], f"{REFUSED}; since then: {SHUT}", 40, id="still shut out"
        ),
        pytest.param([no(REFUSED, refused=True), ANSWERED], None, 0, id="let in"),
        pytest.param([no(REFUSED, refused=True), ANSWERED, no(SHUT)], SHUT, 0, id="let in, and lost"),
        pytest.param(
            [no(REFUSED, refused=True), ANSWERED, no(REFUSED, refused=True)], REFUSED, 10, id="let in, refused"
        ),
    ],
)
def test_what_a_host_said_decides_when_it_is_asked_again(
    replies: list[Reply], reason: str | None, pause_s: float
) -> None:
    clock = Clock()
    logins = Logins(clock=clock)
    said: Reply = ANSWERED
    for each in replies:
        clock.now += 100
        assert logins.pausing(["H1", "H2"]) == {}
        said = logins.learned("H1", each)
    assert (said.reason if isinstance(said, NoAnswer) else None) == reason
    clock.now += max(0.0, pause_s - 0.1)
    assert set(logins.pausing(["H1", "H2"])) == ({"H1"} if pause_s else set())
    clock.now += 0.2
    assert logins.pausing(["H1"]) == {}


class Refusing(paramiko.ServerInterface):
    """Lets nobody in."""

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return int(paramiko.common.AUTH_FAILED)


@pytest.fixture
def refusing() -> Iterator[tuple[int, list[float]]]:
    """Port of an SSH server that refuses every login, and when each connection came."""
    key, came = paramiko.ECDSAKey.generate(), []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                came.append(time.monotonic())
                transport = paramiko.Transport(connection)
                transport.add_server_key(key)
                try:
                    transport.start_server(server=Refusing())
                except (paramiko.SSHException, EOFError):
                    transport.close()

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        Path(KNOWN).write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        yield port, came
        listener.shutdown(socket.SHUT_RDWR)


KNOWN = "known"


def test_a_wait_asks_a_server_that_refuses_once_in_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    port, came = request.getfixturevalue("refusing")
    extras = f"key_file: {write_key(tmp_path / 'id')}, alt_host_keys: true, alt_key_file: {tmp_path / KNOWN}"
    groups = f"all: {{username: me, connection_options: {{netmiko: {{extras: {{{extras}}}}}}}}}\n"
    inventory = write_inventory(tmp_path / "inventory", groups=groups)
    hosts = inventory / "hosts.yaml"
    # H1 alone is there; the others' port is closed.
    hosts.write_text(hosts.read_text().replace(hosts.read_text().split("port: ")[1].split(",")[0], str(port), 1))
    session = open_session(inventory, [])
    report = verify(session, wait_s=3.0)
    session.close()
    assert len(came) == 1
    reasons = {each.message for vip in report.vips for each in vip.checks if each.target == "H1"}
    assert "it refused the login of user 'me'; check key_file and username in the inventory" in reasons
    assert "H1" not in report.hosts.answered
