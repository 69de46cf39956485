"""Why there is no SSH session: one line, with what to do, and the same line for what is wrong with all hosts."""

from __future__ import annotations

import binascii
import errno

import paramiko
import pytest
from paramiko.hostkeys import InvalidHostKey
from paramiko.ssh_exception import NoValidConnectionsError

from tasks.login_errors import timed_out, why_no_session

KEY, OTHER = (paramiko.ECDSAKey.generate() for _ in range(2))
REFUSED = OSError(errno.ECONNREFUSED, "Connection refused")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(
            paramiko.AuthenticationException("Authentication failed."),
            "it refused the login of user 'me'; check key_file and username in the inventory",
            id="refused",
        ),
        pytest.param(
            paramiko.BadAuthenticationType("Bad authentication type", ["password", "hostbased"]),
            "it refused the login of user 'me', and accepts password, hostbased alone; check key_file and password",
            id="another way of login",
        ),
        pytest.param(
            paramiko.AuthenticationException("Authentication timeout."),
            "it did not answer the login of user 'me' in time",
            id="no answer to the login",
        ),
        pytest.param(
            paramiko.BadHostKeyException("h", KEY, OTHER),
            "its host key is not the pinned one; find out why before you change known_hosts",
            id="another host key",
        ),
        pytest.param(
            paramiko.SSHException("Server 'h' not found in known_hosts"),
            "its host key is not pinned; add it to the known_hosts file that the inventory names",
            id="no host key",
        ),
        pytest.param(
            InvalidHostKey("h ssh-rsa x", binascii.Error("padding")),
            "a line of the known_hosts file that the inventory names has no key in base64; write it again",
            id="a broken known_hosts",
        ),
        pytest.param(
            paramiko.SSHException("Error reading SSH protocol banner"),
            "h:2222 sent no SSH banner: no SSH server listens there, or it shuts this machine out for a while "
            "(MaxStartups, PerSourcePenalties)",
            id="shut out",
        ),
        pytest.param(
            NoValidConnectionsError({("::1", 2222): REFUSED, ("127.0.0.1", 2222): REFUSED}),
            "no connection to h:2222: Connection refused",
            id="nothing listens",
        ),
        pytest.param(TimeoutError("timed out"), "no connection to h:2222 in time", id="no route"),
        pytest.param(OSError("no such host"), "no connection to h:2222: no such host", id="no errno"),
        pytest.param(
            FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"),
            "/x: No such file or directory; check the paths in the inventory",
            id="no file",
        ),
        pytest.param(paramiko.SSHException("Invalid\nkey"), "no session with h:2222: Invalid key", id="others"),
        pytest.param(EOFError(), "no session with h:2222: ", id="nothing said"),
    ],
)
def test_the_line(error: Exception, line: str) -> None:
    assert why_no_session(error, "h", 2222, "me") == line


def test_the_default_port_is_named() -> None:
    assert why_no_session(TimeoutError(), "h", None, None) == "no connection to h:22 in time"


@pytest.mark.parametrize(
    ("text", "expected"), [("Authentication timeout.", True), ("Authentication failed.", False), ("", False)]
)
def test_a_login_without_an_answer(text: str, expected: bool) -> None:  # noqa: FBT001
    assert timed_out(paramiko.AuthenticationException(text)) is expected
