"""The change of one server as Nornir knows a task: what changed, the difference, whether it failed, and dry runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nornir.core.task import Result, Task

from tasks.model.errors import StepError
from tasks.model.mask import masked
from tasks.model.plan import Outcome, ServerOutcome

_DIFFERENT = {Outcome.PLANNED, Outcome.APPLIED, Outcome.NOT_ROLLED_BACK}
"""It differs from before, or would; where a change could not be taken back, that is unknown."""
_FAILED = {Outcome.REFUSED, Outcome.UNKNOWN, Outcome.ROLLED_BACK, Outcome.NOT_ROLLED_BACK}


def change_server(
    task: Task, *, planned: Mapping[str, ServerOutcome], carry_out: Callable[[ServerOutcome], ServerOutcome]
) -> Result:
    """Nornir task: Result.result is the ServerOutcome, and `diff` unified diffs with passwords masked.

    In a dry run that is what is planned, `changed` and `diff` what they would be, and nothing is touched.
    """
    each = planned[task.host.name]
    outcome = each if task.is_dry_run() else carry_out(each)
    changed = outcome.outcome in _DIFFERENT
    failed = outcome.outcome in _FAILED
    reason = outcome.reason or outcome.plan.refusal or outcome.outcome
    return Result(
        host=task.host,
        result=outcome,
        changed=changed,
        diff="\n".join(masked(step.diff) for step in outcome.plan.all_steps if step.diff) if changed else "",
        failed=failed,
        exception=StepError(outcome.host, "", reason) if failed else None,
    )
