# $1 is its line of input, and what follows the command that it stands for.

FUNCTION() {
    vipbook_installed @NAME@ @VERSION@
    case $? in
    0) printf '%s\n' "$1" | sudo -n "$vipbook_path" ;;
    1) shift; sudo -n "$@" ;;
    *) return 121 ;;
    esac
}
