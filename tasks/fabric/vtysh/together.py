"""All questions to one vtysh: it is slow to start, because it learns every command of FRR's each time.

It tells no answer from the next, stops at the first question that fails, and has no command that prints a mark. So an
answer in JSON is from a line that begins with `{` to one that begins with `}`, an answer in words is what stands behind
it, and where that does not come out even every question is asked by itself. So it is where all together are longer
than what is taken from one host: they are kept in the leaf's memory for a moment.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import chain, zip_longest

from tasks.model.bounds import HOST_MOST

_JSON = " json"
_BETWEEN = "show evpn json"
"""Asked once more where there are more answers in words than in JSON: it is short."""

# Of all lines, each kept once: a string that grows by the line takes quadratic time in mawk.
_SPLIT = r"""
function next_is(question) {
    line[++lines] = "\001" question
    bad = bad || question == ""
    return question ~ / json$/
}
BEGIN { asked = split(ENVIRON["VIPBOOK_ASKED"], question, "\n") }
/^vipbook-status [0-9]+$/ { status = $2; next }
!inside && /^[{]/ {
    if (!next_is(question[++at]) && !next_is(question[++at])) bad = 1
    of_words = 0
    inside = !/[}][ \t\r]*$/
    line[++lines] = $0
    next
}
!inside && !of_words && /[^ \t\r]/ {
    if (!at || next_is(question[++at])) bad = 1
    of_words = 1
}
{ line[++lines] = $0 }
inside && /^[}]/ { inside = 0 }
END {
    if (at == asked - 1 && !next_is(question[asked])) at = asked
    if (bad || inside || status != "0" || at != asked) exit
    for (each = 1; each <= lines; each++) print line[each]
}
"""
_ONE = r"""
/^\001/ { on = !found && $0 == "\001" ENVIRON["VIPBOOK_ASKED"]; found = found || on; next }
on
END { exit !found }
"""

_NEVER = """
vipbook_of_all() {
    return 1
}
"""
_FUNCTIONS = """
vipbook_tried=
vipbook_all=
vipbook_of_all() {
    if [ -z "$vipbook_tried" ]; then
        vipbook_tried=yes
        vipbook_all=$(
            { @ASK@ 2>/dev/null; echo "vipbook-status $?"; } | head -c @MOST@ | VIPBOOK_ASKED=@ASKED@ awk @SPLIT@
        )
    fi
    [ -n "$vipbook_all" ] || return 1
    printf '%s\\n' "$vipbook_all" | VIPBOOK_ASKED=$1 awk @ONE@
}
"""


def together(questions: Sequence[str]) -> str:
    """Shell that makes `vipbook_of_all`: it prints the answer to one of these questions, and fails where there is none.

    All are asked when the first is needed.
    """
    if len(questions) <= 1:
        return _NEVER
    order = _in_turn(questions)
    asked = "\n".join(order)
    words = {
        "@ASK@": f"vipbook_frr_show {shlex.quote(asked)} vtysh {shlex.join(chain(*(('-c', each) for each in order)))}",
        "@ASKED@": shlex.quote(asked),
        "@MOST@": str(HOST_MOST),
        "@SPLIT@": shlex.quote(_SPLIT),
        "@ONE@": shlex.quote(_ONE),
    }
    text = _FUNCTIONS
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _in_turn(questions: Sequence[str]) -> list[str]:
    """Each answer in words behind one in JSON, and in front of another."""
    unique = dict.fromkeys(questions)
    in_json = [each for each in unique if each.endswith(_JSON)]
    in_words = [each for each in unique if not each.endswith(_JSON)]
    in_json += [_BETWEEN] * (len(in_words) - len(in_json))
    return [each for pair in zip_longest(in_json, in_words) for each in pair if each is not None]
