"""Shell functions that questions are made of. POSIX sh, as dash and busybox know it.

None of them hides anything: what a program writes to stdout and stderr goes on to where it would have gone. Every
value that is put into a fragment goes through `shlex.quote`.
"""

from __future__ import annotations

import shlex

from tasks.model.answer import Command

NOT_ASKED = 120
"""Exit status of a fragment that found no reason to ask, or no program to ask; no shell and no program here uses it."""

# The program's standard error goes through a variable, because it decides what is asked next; fd 3 carries its standard
# output past the substitution. `ip` and `bridge` up to 4.13 (Cumulus Linux 3) know no -j and say so; any other error
# stays as it is.
IPROUTE = """
vipbook_iproute() {
    vipbook_program=$1
    shift
    { vipbook_said=$($vipbook_program -j "$@" 2>&1 >&3); vipbook_result=$?; } 3>&1
    case $vipbook_result:$vipbook_said in
    0:*) ;;
    *'Option "-j" is unknown'* | *"invalid option -- 'j'"*) $vipbook_program "$@"; return ;;
    esac
    [ -z "$vipbook_said" ] || printf '%s\\n' "$vipbook_said" >&2
    return "$vipbook_result"
}
"""

# The interface is the one that the kernel would send by, now.
TIMERS = """
vipbook_timers() {
    vipbook_device=$(ip route get "$1" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
    [ -n "$vipbook_device" ] || { echo 'no route tells an interface' >&2; return 1; }
    printf 'interface %s\\n' "$vipbook_device"
    for vipbook_name in base_reachable_time_ms delay_first_probe_time ucast_solicit retrans_time_ms; do
        printf '%s ' "$vipbook_name"
        cat "/proc/sys/net/$2/neigh/$vipbook_device/$vipbook_name" || return 1
    done
}
"""


def which(*programs: str) -> str:
    """A fragment that names those of the programs that are there."""
    return f'for vipbook_program in {shlex.join(programs)}; do command -v "$vipbook_program"; done\ntrue'


def iproute(key: str, *argv: str, run_as: str = "") -> Command:
    """`ip` or `bridge` with JSON where it knows that, and with text where it does not.

    `run_as` is a function that runs it as root.
    """
    program, *words = argv
    fragment = f"vipbook_iproute {shlex.join((run_as or program, *words))}"
    return Command(key=key, argv=(program, "-j", *words), sudo=bool(run_as), fragment=fragment)
