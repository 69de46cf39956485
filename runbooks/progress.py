"""What an operator reads while a run works: a processor of Nornir, so that no task prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nornir.core.inventory import Host
    from nornir.core.task import AggregatedResult, MultiResult, Task


class Progress:
    """Says what is done, and names each host that fails as soon as that is known, once for one reason."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """`say` takes one line."""
        self._say = say
        self._failed: dict[str, str] = {}

    def task_started(self, task: Task) -> None:
        """A run that has a name of its own is worth a line."""
        if task.name != task.task.__name__:
            self._say(task.name)

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """A reason that was said already is not said again."""
        reason = str(result[0].exception) if result[0].failed and not task.is_dry_run() else ""
        if reason and reason != self._failed.get(host.name):
            self._say(reason)
        self._failed[host.name] = reason

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """Each host had its line."""

    def task_instance_started(self, task: Task, host: Host) -> None:
        """The run had its line."""

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Subtasks have no lines of their own."""

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """As above."""
