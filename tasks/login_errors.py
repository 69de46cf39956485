"""Why there is no SSH session, as one line that an operator can act on.

Never the parameters, which may hold a password. What the inventory has wrong for many hosts is the same line for all of
them, so that a report can say it once.
"""

from __future__ import annotations

import paramiko
from paramiko.hostkeys import InvalidHostKey
from paramiko.ssh_exception import NoValidConnectionsError


def why_no_session(error: Exception, hostname: str | None, port: int | None, username: str | None) -> str:
    """What paramiko, or the socket beneath it, raised: in words."""
    place = f"{hostname}:{port or 22}"
    if isinstance(error, paramiko.AuthenticationException):
        return _login(error, username)
    if isinstance(error, paramiko.SSHException):
        return _session(error, place)
    if isinstance(error, NoValidConnectionsError):
        found = dict.fromkeys(getattr(each, "strerror", None) or str(each) for each in error.errors.values())
        return f"no connection to {place}: {', '.join(found)}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; check the paths in the inventory"
    if isinstance(error, TimeoutError):
        return f"no connection to {place} in time"
    if isinstance(error, OSError):
        return f"no connection to {place}: {error.strerror or error}"
    if isinstance(error, InvalidHostKey):
        return "a line of the known_hosts file that the inventory names has no key in base64; write it again"
    return _other(error, place)


def timed_out(error: Exception) -> bool:
    """Did the server never answer the login? paramiko has no class of its own for that."""
    return "timeout" in str(error).lower()


def _login(error: paramiko.AuthenticationException, username: str | None) -> str:
    if isinstance(error, paramiko.BadAuthenticationType):
        accepted = ", ".join(error.allowed_types)
        return f"it refused the login of user {username!r}, and accepts {accepted} alone; check key_file and password"
    if timed_out(error):
        return f"it did not answer the login of user {username!r} in time"
    return f"it refused the login of user {username!r}; check key_file and username in the inventory"


def _session(error: paramiko.SSHException, place: str) -> str:
    if isinstance(error, paramiko.BadHostKeyException):
        return "its host key is not the pinned one; find out why before you change known_hosts"
    if "not found in known_hosts" in str(error):
        return "its host key is not pinned; add it to the known_hosts file that the inventory names"
    if "protocol banner" in str(error):
        return (
            f"{place} sent no SSH banner: no SSH server listens there, or it shuts this machine out for a while "
            "(MaxStartups, PerSourcePenalties)"
        )
    return _other(error, place)


def _other(error: Exception, place: str) -> str:
    return f"no session with {place}: {' '.join(str(error).split())}"
