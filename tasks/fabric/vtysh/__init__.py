"""FRR's own shell, on Cumulus Linux 3 to 5 and on plain Linux alike."""

from __future__ import annotations

import shlex

from tasks.fabric.system import LeafSystem
from tasks.fabric.vtysh.together import together
from tasks.model.answer import Command

_HELPER = "frr-show"


def _command(key: str, words: str) -> Command:
    """`cumulus` is not in group frrvty, so vtysh needs sudo; -c never starts a pager."""
    fragment = f"vipbook_vtysh {shlex.quote(words)}"
    return Command(key=key, argv=("vtysh", "-c", words), sudo=True, helper=_HELPER, fragment=fragment)


SYSTEM = LeafSystem(
    program="vtysh",
    ask=lambda show, values: show.passed_on(_command, values),
    helper=_HELPER,
    prepare=lambda commands: together([each.argv[-1] for each in commands if each.helper == _HELPER]),
)
