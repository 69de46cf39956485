"""All questions to one vtysh: it is slow to start, because it learns every command of FRR's each time.

templates/questions/together.sh separates its answers. Where it can't, and where all together are longer than what is
taken from one host (the leaf keeps them in memory for a moment), every question is asked by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import chain, zip_longest

from tasks.model.bounds import HOST_MOST
from tasks.observe.shell import shell

_JSON = " json"
_BETWEEN = "show evpn json"
"""Asked once more where there are more answers in words than in JSON: it is short."""
_NEVER = "\nvipbook_of_all() { return 1; }\n"


def together(questions: Sequence[str]) -> str:
    """Shell of `vipbook_of_all`: it prints the answer to one of these questions, and fails where there is none."""
    if len(questions) <= 1:
        return _NEVER
    order = _in_turn(questions)
    asked = "\n".join(order)
    ask = f"vipbook_frr_show {shlex.quote(asked)} vtysh {shlex.join(chain(*(('-c', each) for each in order)))}"
    return shell("together", ASK=ask, ASKED=shlex.quote(asked), MOST=str(HOST_MOST))


def _in_turn(questions: Sequence[str]) -> list[str]:
    """Each answer in words behind one in JSON, and in front of another."""
    unique = dict.fromkeys(questions)
    in_json = [each for each in unique if each.endswith(_JSON)]
    in_words = [each for each in unique if not each.endswith(_JSON)]
    in_json += [_BETWEEN] * (len(in_words) - len(in_json))
    return [each for pair in zip_longest(in_json, in_words) for each in pair if each is not None]
