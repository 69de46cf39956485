"""The only way to a device: one SSH session a host, one round trip a script.

Netmiko opens the session (its parameters come from the inventory, as for every Nornir product), but instead of a
login shell behind a terminal, whose prompt would have to be guessed and waited for, the script runs in a plain exec
channel: output is exact, stdout and stderr stay apart, and nothing waits. Host keys are always checked.
"""

from __future__ import annotations

import logging
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import paramiko
from nornir.core.configuration import Config
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.task import Result, Task
from nornir_netmiko.connections import Netmiko

from tasks.login_errors import timed_out, why_no_session
from tasks.model.answer import Answers, Command, NoAnswer
from tasks.model.bounds import MIB, STREAM_MOST, Budget, Meter
from tasks.model.errors import LoginRefusedError, NoAnswerError
from tasks.model.script import ClockError, answers_of, split_output, write_script
from tasks.model.text import from_bytes, readable, shortened
from tasks.ssh import CHUNK, OPEN_S, ExecSession

CONNECTION = "vipbook"
"""The connection's name in Nornir; its parameters are those of `netmiko` in the inventory."""
ANEW = "vipbook-anew"
"""A second connection beside it, which proves that one can still log in."""
_LOGIN_EXTRA_S = 10.0
"""A login that takes longer takes it from the time of the script."""
_METER = "vipbook_meter"
_DETAIL = 4096

Sent = Callable[[], None]


def nobody() -> None:
    """Nobody waits for scripts to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What one host is asked in one round trip. `timeout_s` bounds the whole of it, login apart."""

    commands: tuple[Command, ...]
    timeout_s: float = 30.0
    stop_on_failure: bool = False
    anew: bool = False
    """Over the second connection, which is opened when there is none."""


class ExecConnection(Netmiko):  # type: ignore[misc]  # nornir_netmiko ships no types
    """Nornir's connection plugin for ExecSession."""

    def open(  # noqa: D102, PLR0913, PLR0917 - Nornir's protocol fixes the name and the parameters
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None,
        platform: str | None,  # noqa: ARG002
        extras: dict[str, Any] | None = None,
        configuration: Config | None = None,
    ) -> None:
        parameters: dict[str, Any] = {"timeout": 10, "conn_timeout": 10, "system_host_keys": True, **(extras or {})}
        parameters.pop("device_type", None)
        meter = parameters.pop(_METER, None) or Meter(Budget())
        if configuration is not None and configuration.ssh.config_file:
            parameters.setdefault("ssh_config_file", configuration.ssh.config_file)
        # Whatever the inventory says: a verdict from a machine that nobody authenticated is worth nothing.
        parameters["ssh_strict"] = True
        self.connection = ExecSession(
            host=hostname or "",
            username=username or "",
            password=password,
            port=port or 22,
            device_type="linux",
            meter=meter,
            **parameters,
        )


class Stream:
    """A command that runs beside everything else; its output gathers until it is stopped, or is too much.

    The command must write often: it ends when nobody reads it any more, also when this machine is gone.
    """

    def __init__(self, channel: paramiko.Channel, most: int = STREAM_MOST) -> None:
        """Begin to gather what the channel sends."""
        self._channel = channel
        self._most = most
        self._output = bytearray()
        self.reason: str | None = None
        """Why it ended before it was stopped, when it sent too much."""
        self._reader = threading.Thread(target=self._read, name="vipbook-stream", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while chunk := self._channel.recv(CHUNK):
            if len(self._output) + len(chunk) > self._most:
                self.reason = f"its output is longer than {self._most // MIB} MiB, and was cut there"
                self._channel.close()
                return
            self._output += chunk

    def text(self) -> str:
        """Everything that has come so far."""
        return bytes(self._output).decode(errors="replace")

    def stop(self, timeout_s: float = 5.0) -> str:
        """Close its output, which ends it, and give all that it said."""
        self._channel.close()
        self._reader.join(timeout_s)
        return self.text()


def open_stream(task: Task, *, command: Command) -> Result:
    """Nornir task: Result.result is a Stream of the command's stdout; a NoAnswer where the Result is failed."""
    line = command.fragment or " ".join(["exec", *(["sudo -n"] if command.sudo else []), shlex.join(command.argv)])
    meter = Meter(Budget())
    try:
        session = _session(task, CONNECTION, meter)
        channel = session.start(f"/bin/sh -c {shlex.quote(f'export LC_ALL=C; {line}')}")
    except NoAnswerError as error:
        return _failed(task, error)
    except (OSError, EOFError, paramiko.SSHException) as error:
        task.host.close_connection(CONNECTION)
        return _failed(task, NoAnswerError(task.host.name, "", _ended(error, meter, OPEN_S)))
    return Result(host=task.host, result=Stream(channel), severity_level=logging.DEBUG)


def _failed(task: Task, error: NoAnswerError) -> Result:
    refused = isinstance(error, LoginRefusedError)
    reply = NoAnswer(host=task.host.name, reason=error.reason, at=datetime.now(UTC), refused=refused)
    return Result(host=task.host, result=reply, failed=True, exception=error)


def register() -> None:
    """Make the connection known to Nornir; the register is global to the process."""
    for name in (CONNECTION, ANEW):
        if name not in ConnectionPluginRegister.available:
            ConnectionPluginRegister.register(name, ExecConnection)


def ask(
    task: Task,
    *,
    scripts: Mapping[str, Script],
    sent: Sent = nobody,
    budget: Budget | None = None,
    pausing: Mapping[str, NoAnswer] = MappingProxyType({}),
) -> Result:
    """Nornir task: Result.result is the Answers of the host; a NoAnswer where the Result is failed.

    `sent` is called once a host: when its script is on its way, or when it will never be. `budget` is that of all
    hosts of this round. `pausing`: hosts that are not asked now, each with why. Answers may hold passwords, so a Result
    of a success has the severity of debugging.
    """
    host = task.host.name
    if host in pausing:
        sent()
        return _failed(task, NoAnswerError(host, "", pausing[host].reason))
    try:
        answers = converse(task, scripts[host], sent, budget)
    except NoAnswerError as error:
        sent()
        return _failed(task, error)
    return Result(host=task.host, result=answers, severity_level=logging.DEBUG)


def converse(task: Task, script: Script, sent: Sent = nobody, budget: Budget | None = None) -> Answers:
    """One round trip over the host's session, opened when there is none; NoAnswerError when it fails."""
    nonce = f"vipbook-{secrets.token_hex(8)}"
    text = write_script(script.commands, nonce, stop_on_failure=script.stop_on_failure)
    connection = ANEW if script.anew else CONNECTION
    latest = time.monotonic() + script.timeout_s + _LOGIN_EXTRA_S
    meter = Meter(budget or Budget())
    try:
        session = _session(task, connection, meter)
        began = datetime.now(UTC)
        output = session.run(text, min(latest, time.monotonic() + script.timeout_s), sent)
        with meter.budget.reading:
            return _taken_apart(task.host.name, script, nonce, output, began, meter)
    except (OSError, EOFError, paramiko.SSHException) as error:
        meter.release()
        task.host.close_connection(connection)
        raise NoAnswerError(task.host.name, "", _ended(error, meter, script.timeout_s)) from error
    except NoAnswerError:
        meter.release()
        raise


def _ended(error: Exception, meter: Meter, timeout_s: float) -> str:
    """Why a round trip came to no end."""
    if meter.reason is not None:
        return meter.reason
    return f"no answer within {timeout_s:g} s" if isinstance(error, TimeoutError) else f"session: {_brief(error)}"


def _taken_apart(  # noqa: PLR0913, PLR0917 - each is known here alone
    host: str, script: Script, nonce: str, output: tuple[bytes, bytes], began: datetime, meter: Meter
) -> Answers:
    stdout, stderr = map(from_bytes, output)
    try:
        clock, sections = split_output(stdout, stderr, nonce)
    except ClockError as error:
        raise NoAnswerError(host, "", str(error)) from error
    if clock is None:
        detail = readable(stderr or stdout)[-_DETAIL:].strip().splitlines()
        said = f": {shortened(detail[-1])}" if detail else ""
        raise NoAnswerError(host, "", f"the login shell did not run /bin/sh{said}")
    answers = answers_of(host, script.commands, sections, datetime.now(UTC))
    for each in answers.values():
        meter.charge_text(each.stdout)
        meter.charge_text(each.stderr)
    return Answers(host=host, by_key=answers, clock_offset_s=clock - began.timestamp())


def _brief(error: Exception) -> str:
    """A library's words may quote all that a host sent."""
    return shortened(" ".join(str(error)[:_DETAIL].split()))


def _session(task: Task, connection: str, meter: Meter) -> ExecSession:
    register()
    host = task.host
    if connection in host.connections and not _alive(host.connections[connection].connection):
        host.close_connection(connection)
    if connection not in host.connections:
        wanted = host.get_connection_parameters("netmiko")
        try:
            host.open_connection(
                connection,
                task.nornir.config,
                hostname=wanted.hostname,
                username=wanted.username,
                password=wanted.password,
                port=wanted.port,
                platform=wanted.platform,
                extras={**(wanted.extras or {}), _METER: meter},
            )
        except Exception as error:
            host.connections.pop(connection, None)
            refused = isinstance(error, paramiko.AuthenticationException) and not timed_out(error)
            kind = LoginRefusedError if refused else NoAnswerError
            why = why_no_session(error, wanted.hostname, wanted.port, wanted.username)
            raise kind(host.name, "", shortened(why)) from error
    session: ExecSession = host.connections[connection].connection
    session.count_with(meter)
    return session


def _alive(session: ExecSession) -> bool:
    transport = session.remote_conn_pre.get_transport() if session.remote_conn_pre else None
    return transport is not None and transport.is_active()
