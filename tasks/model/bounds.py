"""How much of anything from outside is taken in: every number in one place, with its reason, and who counts.

A host may be broken or hostile, and all hosts at once. What they cost together is bounded, and yet none loses its
answer because another one floods: each has a share of its own, and only what goes beyond it comes out of one budget.
"""

from __future__ import annotations

import errno
import sys
import threading

MIB = 1 << 20
ANSWER_MOST = 4 * MIB
"""Characters of one command's output: 5,000 paths of EVPN routes as FRR prints them, about 830 each."""
HOST_MOST = 8 * MIB
"""Bytes that one host sends in one round trip, all its answers together."""
LOGIN_MOST = MIB
"""Bytes that one host sends before it lets anybody in: keys, and a banner of its owner's."""
HOST_SHARE = 2 * MIB
"""What each host may cost in memory, whatever the others send."""
SHARED_MOST = 96 * MIB
"""What all hosts together may cost beyond their shares."""
ROW_COST = 300
"""Bytes that a row of a table takes once it is read, in addition to its text."""
STREAM_MOST = 16 * MIB
"""Bytes of one probe's output: more than half an hour of echoes, a hundred a second."""
PROBES_MOST = 1 << 19
"""Numbered probes in one stream: no stream of STREAM_MOST has as many lines."""
JSON_PARTS_MOST = 500_000
"""Values of one JSON text: each takes about 70 bytes while it is read, whatever its text."""
RULES_MOST = 10_000
"""Rules of one list of a firewall: a thousand is much already, and a rule that is inserted moves all behind it."""
PEERS_MOST = 256
"""Rules for VRRP that are followed through the chains one by one: there are 255 VRIDs on a link."""
WORDS_MOST = 2048
"""Characters of a line that is parted as a shell does it, which takes the square of a word's length."""
KEY_MOST = 200
"""Characters of a key that is looked into, such as the prefix of a route."""
SAID_MOST = 4096
"""Characters of one sentence of a report; with what is cut off, nobody could do anything."""
EVIDENCE_KEPT = 2048
"""Characters of evidence that a report always has of an answer."""
EVIDENCE_MOST = 16 * MIB
"""Characters of all evidence of a report as JSON; what is longer than EVIDENCE_KEPT counts."""
TIME_MOST = 253_402_300_799.0
"""Seconds since the epoch at the end of year 9999, the last one that a datetime has."""


class TooMuchError(OSError):
    """More came than is taken. An OSError with a number, because the SSH library ends a session in order on one."""

    def __init__(self, reason: str) -> None:
        """Why, as a part of a sentence."""
        super().__init__(errno.EMSGSIZE, reason)


class Budget:
    """What the hosts of one round may cost together beyond their shares, in bytes; threads share it."""

    def __init__(self, most: int = SHARED_MOST) -> None:
        """All of it is left."""
        self._left = most
        self._lock = threading.Lock()
        self.reading = threading.Lock()
        """Held by the one that takes its output apart: that takes several times the output for a moment."""

    def take(self, size: int) -> bool:
        """Whether that much was left; then it is taken."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give_back(self, size: int) -> None:
        """What was taken is free again."""
        with self._lock:
            self._left += size


class Meter:
    """What one host has cost in one round trip. The first bound that it breaks is kept as `reason`."""

    def __init__(self, budget: Budget) -> None:
        """Nothing came yet."""
        self.budget = budget
        self.reason: str | None = None
        self._most, self._extra = LOGIN_MOST, 0
        self._received = self._cost = self._borrowed = 0

    def allow(self, extra: int = 0) -> None:
        """Answers may come; and so many bytes in addition to what every host may send, for which nobody else pays."""
        self._most, self._extra = HOST_MOST + extra, extra

    def receive(self, size: int) -> None:
        """So many bytes came; TooMuchError when that is too much."""
        self._received += size
        if self._received > self._most:
            when = "before the login" if self._most == LOGIN_MOST else "in one round trip"
            self._refuse(f"it sent more than {self._most // MIB} MiB {when}")
        self.charge(size)

    def charge(self, size: int) -> None:
        """So many bytes of memory; TooMuchError when that is too much."""
        self._cost += size
        beyond = self._cost - HOST_SHARE - self._extra - self._borrowed
        if beyond > 0:
            if not self.budget.take(beyond):
                share, shared = HOST_SHARE // MIB, SHARED_MOST // MIB
                self._refuse(f"its answers need more than its share of {share} MiB, and all hosts have used {shared}")
            self._borrowed += beyond

    def charge_text(self, text: str) -> None:
        """A text that was taken out of what came: what it takes more than its bytes, and the rows that it has."""
        rows = text.count("{") if text[:64].lstrip()[:1] in {"{", "["} else text.count("\n")
        # A single sign beyond Latin-1 makes every character of the text two or four bytes wide.
        self.charge(sys.getsizeof(text) - len(text) + ROW_COST * rows)

    def release(self) -> None:
        """Nothing of it is kept."""
        self.budget.give_back(self._borrowed)
        self._borrowed = 0

    def _refuse(self, reason: str) -> None:
        self.reason = self.reason or reason
        raise TooMuchError(self.reason)
