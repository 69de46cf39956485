# Restores what was here before a change by vipbook, unless the change was confirmed. Running it again is safe.
# It needs no space and writes nothing outside /run but what it restores: each file was copied next to its target before
# the change, and one rename restores it. Here-documents are avoided: some shells keep them in /tmp.
# `vipbook rollback` runs it on a backup, whose directory below $root it gets as its first argument.

same() {
    cmp -s "$1" "$2" && [ "$(stat -c %U:%G:%a "$1")" = "$(stat -c %U:%G:%a "$2")" ]
}

# Makes $1 again what was kept of it, whatever was or was not replaced so far.
restore() {
    kept=$directory/$(printf %s "${1#/}" | tr / %)
    fresh=${1%/*}/.${1##*/}.vipbook
    rm -f "$fresh" || return 1
    # A program that writes its file again puts it in the place of a link: the link comes back first.
    if [ -L "$kept.link" ]; then
        if [ ! -L "$1" ]; then
            [ -L "$fresh-$tag.link" ] || cp -a "$kept.link" "$fresh-$tag.link" || return 1
            mv -T "$fresh-$tag.link" "$1" || return 1
            sync "${1%/*}" || return 1
        fi
        rm -f "$fresh-$tag.link" || return 1
    fi
    real=$1
    [ ! -L "$1" ] || real=$(readlink -f "$1") || return 1
    fresh=${real%/*}/.${real##*/}.vipbook
    rm -f "$fresh" || return 1
    source=$fresh-$tag
    [ -f "$source" ] || source=$kept
    if [ -f "$source" ]; then
        if [ -e "$real" ] && [ ! -f "$real" ]; then
            say "$real is not a regular file any more; it stays as it is"
            return 1
        fi
        if ! same "$source" "$real"; then
            # Without the copy next to it (a rollback, or someone removed it) there has to be space for another one.
            [ "$source" != "$kept" ] || { cp -a "$kept" "$fresh" && sync "$fresh" && source=$fresh; } || return 1
            mv -T "$source" "$real" || return 1
        fi
        rm -f "$fresh-$tag" || return 1
        sync "$real" "${real%/*}"
    elif [ ! -e "$kept.none" ]; then
        say "there is no copy of $1 in $directory"
        return 1
    elif [ -f "$1" ] && [ ! -L "$1" ]; then
        # There was no file. A link that is there now is another user's.
        rm -f "$1" && sync "${1%/*}"
    fi
}

# A step that hangs must not take effect after the undo, and whatever waited for it may be gone. Stopped first, so that
# none of them starts another one while the others are looked for; then all at once.
end_change() {
    [ -e "$state/shell" ] || return 0
    read -r shell since < "$state/shell"
    [ "$(cut -d ' ' -f 22 "/proc/$shell/stat" 2>/dev/null)" = "$since" ] || return 0
    found=$shell before=
    while [ "$found" != "$before" ]; do
        kill -STOP $found
        before=$found
        found=$(sed -n 's/^PPid:[^0-9]*//p; s/^Pid:[^0-9]*//p' /proc/[0-9]*/status 2>/dev/null | paste -d ' ' - - |
            awk -v shell="$shell" '{ parent[$1] = $2 } END { for (each in parent) {
                at = each; while (at in parent && at != shell) at = parent[at]; if (at == shell) print each
            } }' | sort -n)
    done
    kill -KILL $found
    tries=0
    for each in $found; do
        while kill -0 "$each" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -lt 50 ] || { say "process $each of the change can't be ended"; return 1; }
            sleep 0.1
        done
    done
}

# One line of the undo, by its number, what it does, and with a bound: one that hangs must not keep the others from
# running. What is done is not repeated by the next attempt (a rule would be there twice, and what others changed since
# would be lost), but after a line that failed the rest of the same step is: it may reload the file that is not restored
# yet. The lines that compare with what ran before are not of one step.
attempt() {
    [ "${1%.*}" = "$step" ] && [ "$step" != last ] || broken=
    step=${1%.*}
    [ -n "$backup" ] || [ ! -e "$state/done.$1" ] || return 0
    if said=$(timeout -k 5 60 /bin/sh "$directory/undo.sh" "$backup" "$1" 2>&1 9>&-); then
        # The name was made before the change, so this needs no space in /run; a boot took it away.
        [ -n "$backup$broken" ] || mv -T "$state/spare.$1" "$state/done.$1" 2>/dev/null || mkdir "$state/done.$1"
    else
        broken=yes
        missed "$2" "$said"
    fi
}

# For whoever reads the journal, and for vipbook, which reads the status.
missed() {
    missing="$missing$1: $(printf %s "$2" | tail -n 3 | tr '\n' ' ')
"
    say "could not $1: $2"
}

# The confirmation and every other run wait for the same lock, which is gone with the process that holds it; a rename
# decides. $evidence outlives a boot, which empties /run.
claim() {
    if [ ! -d "$state" ]; then
        [ -e "$evidence" ] || [ -L "$evidence" ] || { say "no change is armed here; nothing is restored"; exit 0; }
        install -d -m 0700 "$run" "$state" || exit 1
    fi
    exec 9< "$state"
    flock -w 30 9 || { say "another run or the confirmation holds $state"; exit 1; }
    [ ! -e "$state/confirmed" ] || { say "the change was confirmed; nothing is restored"; exit 0; }
    [ ! -e "$state/armed" ] || mv -T "$state/armed" "$state/undoing" || exit 1
    if [ ! -e "$state/undoing" ]; then
        [ -e "$evidence" ] || [ -L "$evidence" ] || { say "no change is armed here any more; nothing is restored"; exit 0; }
        touch "$state/undoing" || exit 1
    fi
    # Which process makes the change is written down in /run: after a boot it is gone, and so are the rules' handles.
    booted=
    [ -e "$state/shell" ] || booted=yes
    export booted
}

# On the disk first: the next boot must not take back what people do from now on.
take_units_away() {
    rm -f -- $units && sync $unit_directories
}

failed() {
    # Best effort: the journal has it too.
    { printf '%s' "$missing" > "$state/status.new"; } 2>/dev/null && mv -T "$state/status.new" "$state/status"
    exit 1
}

backup=${1:-} directory=$root/${1:-undo-$tag} step='' broken='' missing=''
export backup
if [ $# -gt 1 ]; then
    cd "$directory" || exit 1
    line "$2"
    exit
fi
[ -n "$backup" ] || claim
[ -d "$directory" ] || missed "read $directory" "it is not there"
attempts
[ -z "$missing" ] || failed
[ -z "$backup" ] || exit 0
# What was undone is no backup, should it be left there.
rm -f "$directory/left" && sync "$directory"
said=$(take_units_away 2>&1) || { missed "take $unit.service away" "$said"; failed; }
mv -T "$state/undoing" "$state/undone" && rm -rf -- "$state/status" "$state"/done.* "$state"/spare.*
# What was kept holds a password; when all is restored, it is of no use.
remove_kept "$directory"
# Later, so that a service that is running is not forgotten.
! known || systemd-run --on-active=1 systemctl daemon-reload || true
