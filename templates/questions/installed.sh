# Every user can read the installed script, so its version is no matter for sudo.

vipbook_installed() {
    vipbook_path=/usr/local/libexec/vipbook/$1
    [ -e "$vipbook_path" ] || return 1
    [ "$(sed -n 2p "$vipbook_path")" = "$2" ] && return
    echo "$vipbook_path is of another version; install templates/helpers/$1 of this vipbook" >&2
    return 121
}
