"""The question for the files that nftables.conf includes: which ones there are, only the server can tell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

# Each file once, however deep nft would follow (16), and a mark for what can't be read or told. A file that everybody
# may read is read without sudo: its list of commands can't name every place. All in a subshell, which `set -f` and IFS
# do not leave.
_FRAGMENT = r"""
(
    LC_ALL=C
    set -f
    IFS='
'
    vipbook_read() {
        if [ -r "$1" ]; then cat "$1"; else sudo -n cat "$1"; fi 2>/dev/null
    }
    vipbook_wanted() {
        printf '%s\n' "$1" | grep -o 'include[[:space:]]*"[^"]*"' | sed 's/^[^"]*"//; s/"$//'
    }
    # Puts what one include means into vipbook_files; fails when nobody can tell.
    vipbook_find() {
        vipbook_files=
        vipbook_where=${1%/*}
        vipbook_what=${1##*/}
        case $vipbook_where in *[*?[]*) return 1 ;; esac
        case $vipbook_what in
        *[*?[]*) ;;
        *) vipbook_files=$1; return 0 ;;
        esac
        if [ -r "$vipbook_where" ] && [ -x "$vipbook_where" ]; then
            vipbook_names=$(ls -1 "$vipbook_where") || return 1
        elif [ ! -e "$vipbook_where" ] && [ -x "${vipbook_where%/*}/" ]; then
            # Where there is no such directory nothing matches, which nft takes for no error.
            return 0
        else
            vipbook_names=$(sudo -n ls -1 "$vipbook_where" 2>/dev/null) || return 1
        fi
        for vipbook_name in $vipbook_names; do
            case $vipbook_name in $vipbook_what) vipbook_files="$vipbook_files
$vipbook_where/$vipbook_name" ;; esac
        done
    }
    vipbook_seen="
@OURS@
"
    vipbook_todo=
    for vipbook_file in @CONFS@; do
        [ -e "$vipbook_file" ] || continue
        vipbook_todo="$vipbook_todo
$(vipbook_wanted "$(vipbook_read "$vipbook_file")")"
    done
    vipbook_turn=0
    while [ -n "$vipbook_todo" ] && [ "$vipbook_turn" -lt 16 ]; do
        vipbook_turn=$((vipbook_turn + 1))
        vipbook_next=
        for vipbook_path in $vipbook_todo; do
            case $vipbook_path in /*) ;; *) vipbook_path=/etc/$vipbook_path ;; esac
            vipbook_find "$vipbook_path" || { printf '== unread %s\n' "$vipbook_path"; continue; }
            for vipbook_file in $vipbook_files; do
                case $vipbook_seen in *"
$vipbook_file
"*) continue ;; esac
                vipbook_seen="$vipbook_seen$vipbook_file
"
                if vipbook_text=$(vipbook_read "$vipbook_file"); then
                    printf '== include %s\n%s\n' "$vipbook_file" "$vipbook_text"
                    vipbook_next="$vipbook_next
$(vipbook_wanted "$vipbook_text")"
                else
                    printf '== unread %s\n' "$vipbook_file"
                fi
            done
        done
        vipbook_todo=$vipbook_next
    done
    for vipbook_path in $vipbook_todo; do
        printf '== unread %s\n' "$vipbook_path"
    done
    true
)
"""


def includes_fragment(confs: Sequence[str], ours: str) -> str:
    """Shell that shows what these files include, but for our own file. They may be missing."""
    return _FRAGMENT.replace("@CONFS@", shlex.join(confs)).replace("@OURS@", ours)
