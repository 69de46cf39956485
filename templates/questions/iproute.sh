# `ip` or `bridge` with JSON where it knows that. The program's standard error goes through a variable, because it decides
# what is asked next; fd 3 carries its standard output past the substitution. Both know no -j up to 4.13 (Cumulus Linux
# 3) and say so; any other error stays as it is.

vipbook_iproute() {
    vipbook_program=$1
    shift
    { vipbook_said=$($vipbook_program -j "$@" 2>&1 >&3); vipbook_result=$?; } 3>&1
    case $vipbook_result:$vipbook_said in
    0:*) ;;
    *'Option "-j" is unknown'* | *"invalid option -- 'j'"*) $vipbook_program "$@"; return ;;
    esac
    [ -z "$vipbook_said" ] || printf '%s\n' "$vipbook_said" >&2
    return "$vipbook_result"
}
