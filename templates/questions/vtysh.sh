# vtysh is refused when sudo says so or when it is not there; what it says itself ("bgpd is not running") is FRR's
# answer, and no other program would know better. nv starts a pager on a terminal only, and never in a substitution.

vipbook_vtysh() {
    if vipbook_of_all "$1"; then
        vipbook_refused=
        return 0
    fi
    { vipbook_said=$(vipbook_frr_show "$1" vtysh -c "$1" 2>&1 >&3); vipbook_result=$?; } 3>&1
    [ -z "$vipbook_said" ] || printf '%s\n' "$vipbook_said" >&2
    vipbook_refused=
    case $vipbook_result:$vipbook_said in
    0:*) ;;
    127:* | *'a password is required'* | *'a terminal is required'* | *'no tty present'* | *'must have a tty'* | \
    *'is not in the sudoers'* | *'is not allowed to'* | *'may not run'* | *': command not found'*)
        vipbook_refused=yes ;;
    esac
    return "$vipbook_result"
}
vipbook_instead() {
    [ -n "$vipbook_refused" ] && command -v "$1" >/dev/null 2>&1 || return 120
    vipbook_text=$(NVUE_PAGINATE=off "$@")
    vipbook_result=$?
    printf '%s\n' "$vipbook_text"
    [ "$vipbook_result" -ne 0 ] || vipbook_refused=
    return "$vipbook_result"
}
