# All questions to one vtysh, when the first is needed; vipbook_of_all prints the answer to one of them, and fails where
# there is none. It separates no answer from the next, stops at the first question that fails, and has no command that
# prints a mark. So an answer in JSON is from a line that begins with `{` to one that begins with `}`, an answer in words
# is what stands behind it, and where that does not come out even there is no answer at all. Of all lines each is kept
# once: a string that grows by the line takes quadratic time in mawk.

vipbook_tried=
vipbook_all=
# shellcheck disable=SC2016 # of awk
vipbook_apart='
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
'
# shellcheck disable=SC2016 # of awk
vipbook_one='
/^\001/ { on = !found && $0 == "\001" ENVIRON["VIPBOOK_ASKED"]; found = found || on; next }
on
END { exit !found }
'
vipbook_of_all() {
    if [ -z "$vipbook_tried" ]; then
        vipbook_tried=yes
        vipbook_all=$(
            { @ASK@ 2>/dev/null; echo "vipbook-status $?"; } | head -c @MOST@ | VIPBOOK_ASKED=@ASKED@ awk "$vipbook_apart"
        )
    fi
    [ -n "$vipbook_all" ] || return 1
    printf '%s\n' "$vipbook_all" | VIPBOOK_ASKED=$1 awk "$vipbook_one"
}
