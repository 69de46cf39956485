"""What can go wrong with the lab.

LabError            the lab failed: exit code 1
└── LabUsageError   the call or the machine is not fit for it, nothing was touched: exit code 2
"""

from __future__ import annotations


class LabError(Exception):
    """One clear line: what failed, and the command that mends it.

    `remedy` is that command (or empty when there is none to give), `exit_code` what a command line should return.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        """Keep both halves, and join them for whoever only prints the error."""
        super().__init__(f"{problem}; mend it with: {remedy}" if remedy else problem)
        self.problem = problem
        self.remedy = remedy


class LabUsageError(LabError):
    """Wrong name, wrong topology, not root, not Linux, a missing package: refused before anything was touched."""

    exit_code = 2
