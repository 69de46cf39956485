# The end of a change: `keep` and `drop` confirm it, with what was kept as a backup or without; `clean` removes what is
# left when it was undone, or never armed. The paths of all kept files follow.
# One rename decides between the confirmation and the undo, under a lock that is gone with the process that holds it.

confirm() {
    [ -d "$state" ] || { say "no change is armed here any more: it was undone, or the server was booted"; exit 1; }
    exec 9< "$state"
    flock -w 10 9 || { say "the change is being undone"; exit 1; }
    [ -e "$state/armed" ] || { say "the server has undone the change, or begun to"; exit 1; }
    # On the disk first, or a power cut would let the next boot undo what was confirmed.
    rm -f -- "$evidence" && sync "${evidence%/*}" && mv -T "$state/armed" "$state/confirmed" || exit 1
    exec 9<&-
}

mode=$1
shift
# Of what is not kept nothing becomes a backup, should it be left there.
[ "$mode" = keep ] || rm -f "$root/undo-$tag/left"
if [ "$mode" != clean ]; then
    confirm
elif [ -e "$state/armed" ] || [ -e "$state/undoing" ]; then
    say "the change is not undone yet"
    exit 1
fi
# Nothing from here on changes what was decided: what fails is said.
systemctl stop "$unit.timer" 2>/dev/null
rm -f -- $units && sync $unit_directories
! known || systemctl daemon-reload
for path; do
    remove_copies "$path" "$tag"
done
if [ "$mode" = keep ]; then
    install -d -m 0700 "$root/backups" && mv -T "$root/undo-$tag" "$root/backups/$tag" && sync "$root/backups" "$root" ||
        say "no backup was made; what was kept is in $root/undo-$tag"
    ls -1 "$root/backups" | sort | head -n "-$backups_kept" | while read -r old; do
        remove_kept "$root/backups/$old"
    done
else
    remove_kept "$root/undo-$tag"
fi
# The way to say that it was confirmed to an operator whose connection broke meanwhile; a boot removes it.
[ -e "$state/confirmed" ] || rm -rf -- "$state"
exit 0
