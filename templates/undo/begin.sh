# Refuses while an earlier change is neither confirmed nor undone: two undos would restore each other's files. Tidies up
# after those that ended, where a power cut or a full disk kept them from it, and after one that was never armed.

# Is $1 what a rollback needs: the script, each file of the list as it was, and the checksum of what the change left?
whole() {
    [ -e "$1/files" ] && [ -s "$1/undo.sh" ] && sh -n "$1/undo.sh" 2>/dev/null || return 1
    [ "$(sed -n -E 's,^([0-9a-f]{64}|none) (/.*)$,\2,p' "$1/left" 2>/dev/null)" = "$(cat "$1/files")" ] || return 1
    while read -r path; do
        kept=$1/$(printf %s "${path#/}" | tr / %)
        [ -f "$kept" ] || [ -e "$kept.none" ] || return 1
    done < "$1/files"
}

for each in "$run"/undo-*; do
    [ -d "$each" ] || continue
    if [ -e "$each/armed" ] || [ -e "$each/undoing" ]; then
        say "an earlier change on this server is not undone yet: $(cat "$each/status" 2>/dev/null || echo "${each##*/}")"
        say "it is tried again until it is: journalctl -u vipbook-${each##*/}"
        exit 1
    fi
    rm -rf -- "$each"
done
for each in "$boot_links"/vipbook-undo-*.service "$passing_units"/vipbook-undo-*.service; do
    [ -e "$each" ] || [ -L "$each" ] || continue
    say "an earlier change on this server is not undone yet; to undo it: systemctl start ${each##*/}; to keep it: rm $each"
    exit 1
done
rm -f -- "$lasting_units"/vipbook-undo-*.service
for each in "$root"/undo-*; do
    [ -d "$each" ] || continue
    [ ! -e "$each/files" ] || while read -r path; do
        remove_copies "$path" "${each##*/undo-}"
    done < "$each/files"
    # The last that a change does is to write down what it left. What is no backup holds what was kept for nothing.
    if [ -e "$each/left" ] && whole "$each"; then
        install -d -m 0700 "$root/backups" && mv -T "$each" "$root/backups/${each##*/undo-}" ||
            say "no backup was made; what was kept is in $each"
    else
        remove_kept "$each"
    fi
done
exit 0
