# Waits up to $1 tenths of a second until the change is undone. What is not restored by then is said.
tries=$1
while [ ! -e "$state/confirmed" ] && {
    [ -e "$state/armed" ] || [ -e "$state/undoing" ] || [ -e "$evidence" ] || [ -L "$evidence" ]
}; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
        cat "$state/status" >&2 2>/dev/null || say "the undo has not ended"
        exit 1
    fi
    sleep 0.1
done
[ ! -e "$state/confirmed" ] && [ ! -d "$root/backups/$tag" ] || { say "the change was confirmed"; exit "$confirmed_status"; }
