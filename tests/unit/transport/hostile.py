"""SSH servers on loopback that play what a broken or hostile host may do; each begins a thread a connection."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from tests.unit.builders import CLUSTERS_YAML

KEY = paramiko.ECDSAKey.generate()
PIECE = 1 << 15
Play = Callable[[paramiko.Channel, "Asked"], None]
Raw = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Asked:
    """A script that came: its nonce, and the keys of its commands in order."""

    nonce: str
    keys: tuple[str, ...]

    def clock(self, word: str | None = None) -> bytes:
        return f"\n{self.nonce} clock {time.time():.6f}\n".encode() if word is None else self.line("clock", word)

    def line(self, key: str, word: str) -> bytes:
        return f"\n{self.nonce} {key} {word}\n".encode()

    def section(self, key: str, text: bytes, status: int = 0) -> bytes:
        return text + self.line(key, str(status))


def asked(script: str) -> Asked:
    (nonce,) = set(re.findall(r"vipbook-[0-9a-f]{16}", script))
    words = re.findall(rf"^printf '\\n{nonce} %s %s\\n' (.+) \"\$vipbook_status\"$", script, re.MULTILINE)
    return Asked(nonce=nonce, keys=tuple(shlex.split(word)[0] for word in words))


class _Server(paramiko.ServerInterface):
    def __init__(self, host: Host) -> None:
        self.host = host

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        time.sleep(self.host.login_s)
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        time.sleep(self.host.exec_s)
        threading.Thread(target=self.host.serve, args=(channel, command), daemon=True).start()
        return True


@dataclass
class Host:
    """One server. `play` answers a script; `raw` gets the socket in place of SSH; `after` the socket behind a login."""

    play: Play | None = None
    raw: Raw | None = None
    after: Raw | None = None
    login_s: float = 0.0
    exec_s: float = 0.0
    commands: list[bytes] = field(default_factory=list)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def __post_init__(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connected, _ = self.listener.accept()
                threading.Thread(target=self._connected, args=(connected,), daemon=True).start()

    def _connected(self, connected: socket.socket) -> None:
        # Whatever the client does to the connection is the client's business.
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            if self.raw is not None:
                self.raw(connected)
                return
            transport = paramiko.Transport(connected)
            transport.add_server_key(KEY)
            transport.start_server(server=_Server(self))
            while transport.is_active():
                if self.after is not None and transport.is_authenticated():
                    self.after(connected)
                time.sleep(0.02)

    def serve(self, channel: paramiko.Channel, command: bytes) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.commands.append(command)
            script = b"" if b"-c" in command else b"".join(iter(lambda: channel.recv(PIECE), b""))
            if self.play is not None:
                self.play(channel, asked(script.decode()) if script else Asked(nonce="", keys=()))

    def close(self) -> None:
        self.listener.close()


def end(channel: paramiko.Channel) -> None:
    channel.send_exit_status(0)
    channel.shutdown_write()
    channel.close()


def answers(*parts: bytes | Iterator[bytes], to: str = "stdout") -> Play:
    """Every section holds these bytes; the clock is right."""

    def play(channel: paramiko.Channel, script: Asked) -> None:
        send = channel.sendall if to == "stdout" else channel.sendall_stderr
        channel.sendall(script.clock())
        for key in script.keys:
            for part in parts:
                for piece in [part] if isinstance(part, bytes) else part:
                    send(piece)
            channel.sendall(script.line(key, "0"))
            channel.sendall_stderr(script.line(key, "-"))
        end(channel)

    return play


def healthy(channel: paramiko.Channel, script: Asked) -> None:
    answers(b"")(channel, script)


def giant_clock(channel: paramiko.Channel, script: Asked) -> None:
    channel.sendall(f"\n{script.nonce} clock ".encode())
    for _ in range(30 * (1 << 20) // PIECE):
        channel.sendall(b"9" * PIECE)
    channel.sendall(b"\n")
    end(channel)


def flood(to: str = "stdout", sign: bytes = b"x") -> Play:
    def play(channel: paramiko.Channel, script: Asked) -> None:
        channel.sendall(script.clock())
        while True:
            (channel.sendall if to == "stdout" else channel.sendall_stderr)(sign * (PIECE // len(sign)))

    return play


def drip(channel: paramiko.Channel, script: Asked) -> None:
    channel.sendall(script.clock())
    while True:
        channel.sendall(b"x")
        time.sleep(0.2)


def hang(channel: paramiko.Channel, script: Asked) -> None:
    channel.sendall(script.clock())
    threading.Event().wait(120)


def half_closed(channel: paramiko.Channel, script: Asked) -> None:
    """All answers come, and the end never does."""
    channel.sendall(script.clock())
    for key in script.keys:
        channel.sendall(script.section(key, b"fine\n"))
    threading.Event().wait(120)


def clock_word(word: str) -> Play:
    def play(channel: paramiko.Channel, script: Asked) -> None:
        channel.sendall(script.clock(word))
        end(channel)

    return play


def endless_banner(connected: socket.socket) -> None:
    while True:
        connected.sendall(b"x" * PIECE)


def endless_lines(connected: socket.socket) -> None:
    while True:
        connected.sendall(b"no ssh yet\r\n" * 100)


def silent(connected: socket.socket) -> None:
    threading.Event().wait(120)


def noise(connected: socket.socket) -> None:
    """What can't be decrypted: the length of the packet that it begins is anything up to 4 GiB."""
    while True:
        connected.sendall(os.urandom(PIECE))


def inventory(directory: Path, hosts: dict[str, Host], *, clusters: str = CLUSTERS_YAML) -> Path:
    """A whole inventory in which these are the hosts, their keys pinned."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}: {{hostname: 127.0.0.1, port: {host.port}, groups: [all]}}\n" for name, host in hosts.items()]
    (directory / "hosts.yaml").write_text("".join(lines))
    known = directory / "known_hosts"
    known.write_text(
        "".join(f"[127.0.0.1]:{each.port} {KEY.get_name()} {KEY.get_base64()}\n" for each in hosts.values())
    )
    extras = f"{{system_host_keys: false, alt_host_keys: true, alt_key_file: {known}, allow_agent: false}}"
    (directory / "groups.yaml").write_text(
        "all:\n  username: nobody\n  password: x\n  platform: linux\n"
        f"  connection_options: {{netmiko: {{extras: {extras}}}}}\n"
    )
    (directory / "defaults.yaml").write_text("{}\n")
    (directory / "clusters.yaml").write_text(clusters)
    return directory
