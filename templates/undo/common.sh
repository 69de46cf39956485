# Of all scripts here; `Undo._header` sets the variables.

say() {
    printf '%s\n' "$*" >&2
}

# Removes the copies next to the file $1 that were made for the undo $2.
remove_copies() {
    rm -f -- "${1%/*}/.${1##*/}.vipbook-$2.link"
    real=$1
    [ ! -L "$1" ] || real=$(readlink -f "$1")
    rm -f -- "${real%/*}/.${real##*/}.vipbook-$2"
}

# Removes the directory $1 of an undo that is over.
remove_kept() {
    rm -rf -- "$1" || say "$1 could not be removed; it holds what was kept, a password too"
}

# Once systemd has read the link, which it does when it boots and whenever a service is enabled, it keeps the unit by its
# name until it reads again.
known() {
    systemctl show --property=Wants multi-user.target 2>/dev/null | grep -qF "$unit.service"
}
