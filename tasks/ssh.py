"""SSH with bounds that the library has not: of what a host sends, and of how long it may take, whatever it does.

paramiko waits for some replies without an end, takes a single packet of any size, and leaves a banner to go on.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import paramiko
from netmiko.linux.linux_ssh import LinuxSSH

from tasks.model.bounds import STREAM_MOST, Meter, TooMuchError

CHUNK = 1 << 16
OPEN_S = 10.0
LOGIN_S = 20.0
"""For all of a login: a directory service may take some seconds, and each kind of login may be tried."""
_SHELL = "/bin/sh -s"


class MeteredSocket:
    """A connected socket, as paramiko uses one, that counts what it receives."""

    def __init__(self, sock: Any, meter: Meter) -> None:  # noqa: ANN401 - a socket, or paramiko's ProxyCommand
        """`meter` may be changed: each round trip has its own."""
        self._sock = sock
        self.meter = meter

    def recv(self, size: int) -> bytes:
        """Never more than a piece at once: a packet may claim to have 4 GiB."""
        data: bytes = self._sock.recv(min(size, CHUNK))
        self.meter.receive(len(data))
        return data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return getattr(self._sock, name)


@contextmanager
def bounded(close: Callable[[], None], deadline: float) -> Generator[None]:
    """Call `close` when the monotonic clock is there, which ends every wait inside; TimeoutError then."""
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), close)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException) as error:
        if time.monotonic() >= deadline:
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if time.monotonic() >= deadline:
        raise TimeoutError


def _receive(channel: paramiko.Channel, deadline: float) -> tuple[bytes, bytes]:
    """stdout and stderr to their ends, as they come: one that is left unread fills the window, and the host waits."""
    ends = [(channel.recv, bytearray()), (channel.recv_stderr, bytearray())]
    going = list(ends)
    channel.settimeout(0.0)
    ready = select.poll()
    ready.register(channel.fileno(), select.POLLIN)
    while going:
        came = False
        for each in tuple(going):
            try:
                chunk = each[0](CHUNK)
            except TimeoutError:
                continue
            came = True
            each[1].extend(chunk)
            if not chunk:
                going.remove(each)
        if time.monotonic() >= deadline:
            raise TimeoutError
        if going and not came:
            ready.poll(max(0.0, deadline - time.monotonic()) * 1000)
    return bytes(ends[0][1]), bytes(ends[1][1])


class ExecSession(LinuxSSH):
    """A Netmiko SSH session without a terminal. `meter` counts what the host sends, from its first byte on."""

    def __init__(self, *, meter: Meter, **parameters: Any) -> None:  # noqa: ANN401 - Netmiko's
        """Open it."""
        self._meter = meter
        self._socket: MeteredSocket | None = None
        self._streams = False
        super().__init__(**parameters)

    def _open(self) -> None:
        self._modify_connection_params()
        client = self.remote_conn_pre = self._build_ssh_client()
        try:
            with bounded(client.close, time.monotonic() + LOGIN_S):
                client.connect(**self._connect_params_dict(), transport_factory=self._transport)
        except BaseException as error:
            self.paramiko_cleanup()
            if self._meter.reason is not None:
                raise TooMuchError(self._meter.reason) from error
            raise

    def _transport(self, sock: Any, **parameters: Any) -> paramiko.Transport:  # noqa: ANN401 - paramiko's
        self._socket = MeteredSocket(sock, self._meter)
        return paramiko.Transport(self._socket, **parameters)  # type: ignore[arg-type]  # it acts as one

    def disconnect(self) -> None:
        """Close the session; there is no shell to leave."""
        self.paramiko_cleanup()

    def count_with(self, meter: Meter) -> None:
        """From now on this one counts; what a stream of this session sends is on top of all others."""
        self._meter = meter
        meter.allow(STREAM_MOST if self._streams else 0)
        if self._socket is not None:
            self._socket.meter = meter

    def open_channel(self, timeout_s: float) -> paramiko.Channel:
        """A channel of its own inside the session."""
        transport = self.remote_conn_pre.get_transport() if self.remote_conn_pre else None
        if transport is None:
            msg = "the session is closed"
            raise EOFError(msg)
        return transport.open_session(timeout=timeout_s)

    def run(self, script: str, deadline: float, sent: Callable[[], None]) -> tuple[bytes, bytes]:
        """stdout and stderr of `/bin/sh -s` fed with `script`; TimeoutError when it has not ended by then."""
        with bounded(self.hang_up, deadline):
            left = deadline - time.monotonic()
            channel = self.open_channel(left)
            try:
                channel.settimeout(left)
                channel.exec_command(_SHELL)
                channel.sendall(script.encode())
                channel.shutdown_write()
                sent()
                output, errors = _receive(channel, deadline)
            finally:
                channel.close()
        if self._meter.reason is not None:
            raise TooMuchError(self._meter.reason)
        if not output and not errors and not channel.get_transport().is_active():
            msg = "the session broke before the host said anything"
            raise EOFError(msg)
        return output, errors

    def start(self, command: str) -> paramiko.Channel:
        """A channel in which the command runs on; TimeoutError when the host does not let it begin."""
        self._streams = True
        self._meter.allow(STREAM_MOST)
        with bounded(self.hang_up, time.monotonic() + OPEN_S):
            channel = self.open_channel(OPEN_S)
            channel.exec_command(command)
        return channel

    def hang_up(self) -> None:
        """End the session at once, without a word to the host, which need not listen."""
        if self.remote_conn_pre is not None:
            self.remote_conn_pre.close()
