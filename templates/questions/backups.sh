# The last one alone is read: it is what a rollback goes back to. One that ran already has a directory `ran`.

vipbook_names=$(sudo -n ls -1 @ROOT@ 2>/dev/null | sort)
printf '%s\n' "$vipbook_names"
vipbook_last=$(printf '%s\n' "$vipbook_names" | tail -n 1)
if [ -n "$vipbook_last" ]; then
    printf '\n== files\n'
    sudo -n sh -c @KEPT_FILES@ sh "@ROOT@/$vipbook_last" || exit 1
fi
