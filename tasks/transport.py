"""The only way to a device: one SSH session a host, one round trip a script.

Netmiko opens the session (its parameters come from the inventory, as for every Nornir product), but instead of a
login shell behind a terminal, whose prompt would have to be guessed and waited for, the script runs in a plain exec
channel: output is exact, stdout and stderr stay apart, and nothing waits. Host keys are always checked.
"""

from __future__ import annotations

import secrets
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import paramiko
from netmiko.linux.linux_ssh import LinuxSSH
from nornir.core.configuration import Config
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.task import Result, Task
from nornir_netmiko.connections import Netmiko

from tasks.model.answer import Answers, Command, NoAnswer, Reply
from tasks.model.errors import NoAnswerError
from tasks.model.script import answers_of, split_output, write_script
from tasks.model.text import from_bytes, readable

CONNECTION = "vipbook"
"""The connection's name in Nornir; its parameters are those of `netmiko` in the inventory."""
ANEW = "vipbook-anew"
"""A second connection beside it, which proves that one can still log in."""
_SHELL = "/bin/sh -s"
_CHUNK = 1 << 16
_OPEN_S = 10.0
_MAX_OUTPUT = 1 << 26
"""64 MiB: more than any table asked for here, less than what hurts the machine that asks."""


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


class ExecSession(LinuxSSH):
    """A Netmiko SSH session without a terminal."""

    def _open(self) -> None:
        self._modify_connection_params()
        self.remote_conn_pre = self._build_ssh_client()
        try:
            self.remote_conn_pre.connect(**self._connect_params_dict())
        except BaseException:
            self.paramiko_cleanup()
            raise

    def disconnect(self) -> None:
        """Close the session; there is no shell to leave."""
        self.paramiko_cleanup()

    def open_channel(self, timeout_s: float) -> paramiko.Channel:
        """A channel of its own inside the session."""
        transport = self.remote_conn_pre.get_transport() if self.remote_conn_pre else None
        if transport is None:
            msg = "the session is closed"
            raise EOFError(msg)
        return transport.open_session(timeout=timeout_s)

    def run(self, script: str, timeout_s: float, sent: Sent = nobody) -> tuple[str, str]:
        """stdout and stderr of `/bin/sh -s` fed with `script`; TimeoutError when it has not ended by then.

        Both may hold surrogates for bytes that are no UTF-8.
        """
        deadline = time.monotonic() + timeout_s
        channel = self.open_channel(timeout_s)
        try:
            channel.settimeout(timeout_s)
            channel.exec_command(_SHELL)
            channel.sendall(script.encode())
            channel.shutdown_write()
            sent()
            output = _drain(channel, channel.recv, deadline)
            errors = _drain(channel, channel.recv_stderr, deadline)
        finally:
            channel.close()
        return from_bytes(output), from_bytes(errors)


def _drain(channel: paramiko.Channel, receive: Callable[[int], bytes], deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while size < _MAX_OUTPUT:
        channel.settimeout(max(0.0, deadline - time.monotonic()))
        chunk = receive(_CHUNK)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
    msg = f"more than {_MAX_OUTPUT >> 20} MiB of output"
    raise OSError(msg)


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
            **parameters,
        )


class Stream:
    """A command that runs beside everything else; its output gathers until it is stopped.

    The command must write often: it ends when nobody reads it any more, also when this machine is gone.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        """Begin to gather what the channel sends."""
        self._channel = channel
        self._chunks: list[bytes] = []
        self._reader = threading.Thread(target=self._read, name="vipbook-stream", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while chunk := self._channel.recv(_CHUNK):
            self._chunks.append(chunk)

    def text(self) -> str:
        """Everything that has come so far."""
        return b"".join(self._chunks).decode(errors="replace")

    def stop(self, timeout_s: float = 5.0) -> str:
        """Close its output, which ends it, and give all that it said."""
        self._channel.close()
        self._reader.join(timeout_s)
        return self.text()


def open_stream(task: Task, *, command: Command) -> Result:
    """Nornir task: Result.result is a Stream of the command's stdout, or a NoAnswer."""
    line = command.fragment or " ".join(["exec", *(["sudo -n"] if command.sudo else []), shlex.join(command.argv)])
    try:
        channel = _session(task).open_channel(_OPEN_S)
        channel.exec_command(f"/bin/sh -c {shlex.quote(f'export LC_ALL=C; {line}')}")
    except NoAnswerError as error:
        return Result(host=task.host, result=NoAnswer(host=task.host.name, reason=error.reason, at=datetime.now(UTC)))
    except (OSError, EOFError, paramiko.SSHException) as error:
        return Result(host=task.host, result=NoAnswer(host=task.host.name, reason=f"{error}", at=datetime.now(UTC)))
    return Result(host=task.host, result=Stream(channel))


def register() -> None:
    """Make the connection known to Nornir; the register is global to the process."""
    for name in (CONNECTION, ANEW):
        if name not in ConnectionPluginRegister.available:
            ConnectionPluginRegister.register(name, ExecConnection)


def ask(task: Task, *, scripts: Mapping[str, Script], sent: Sent = nobody) -> Result:
    """Nornir task: Result.result is a Reply. A host that can't be asked is a NoAnswer, never an exception.

    `sent` is called once a host: when its script is on its way, or when it will never be.
    """
    host = task.host.name
    try:
        reply: Reply = converse(task, scripts[host], sent)
    except NoAnswerError as error:
        sent()
        reply = NoAnswer(host=host, reason=error.reason, at=datetime.now(UTC))
    return Result(host=task.host, result=reply)


def converse(task: Task, script: Script, sent: Sent = nobody) -> Answers:
    """One round trip over the host's session, opened when there is none; NoAnswerError when it fails."""
    nonce = f"vipbook-{secrets.token_hex(8)}"
    text = write_script(script.commands, nonce, stop_on_failure=script.stop_on_failure)
    connection = ANEW if script.anew else CONNECTION
    session = _session(task, connection)
    began = datetime.now(UTC)
    try:
        stdout, stderr = session.run(text, script.timeout_s, sent)
    except (OSError, EOFError, paramiko.SSHException) as error:
        task.host.close_connection(connection)
        reason = f"no answer within {script.timeout_s:g} s" if isinstance(error, TimeoutError) else f"session: {error}"
        raise NoAnswerError(task.host.name, "", reason) from error
    clock, sections = split_output(stdout, stderr, nonce)
    if clock is None:
        detail = readable(stderr or stdout).strip().splitlines()
        said = f": {detail[-1]}" if detail else ""
        raise NoAnswerError(task.host.name, "", f"the login shell did not run /bin/sh{said}")
    return Answers(
        host=task.host.name,
        by_key=answers_of(task.host.name, script.commands, sections, datetime.now(UTC)),
        clock_offset_s=clock - began.timestamp(),
    )


def _session(task: Task, connection: str = CONNECTION) -> ExecSession:
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
                extras=wanted.extras,
            )
        except Exception as error:
            host.connections.pop(connection, None)
            raise NoAnswerError(host.name, "", _why(error, wanted.hostname, wanted.port, wanted.username)) from error
    session: ExecSession = host.connections[connection].connection
    return session


def _alive(session: ExecSession) -> bool:
    transport = session.remote_conn_pre.get_transport() if session.remote_conn_pre else None
    return transport is not None and transport.is_active()


def _why(error: Exception, hostname: str | None, port: int | None, username: str | None) -> str:
    """One line an operator can act on; never the parameters, which may hold a password."""
    place = f"{hostname}:{port or 22}"
    if isinstance(error, paramiko.BadHostKeyException):
        return f"host key of {place} is not the pinned one; find out why before you change known_hosts"
    if isinstance(error, paramiko.AuthenticationException):
        return f"{place} refused the login of user {username!r}; check key_file and username in the inventory"
    if isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error):
        return f"host key of {place} is not pinned; add it to the known_hosts file that the inventory names"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; check the paths in the inventory"
    if isinstance(error, TimeoutError):
        return f"no connection to {place} in time"
    if isinstance(error, OSError):
        return f"no connection to {place}: {error.strerror or error}"
    return f"no session with {place}: {' '.join(str(error).split())}"
