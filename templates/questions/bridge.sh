# Called as `bridge` is, with or without -j.

vipbook_bridge() {
    case $1 in
    -j) vipbook_bridge_fdb "-j $5" bridge "$@" ;;
    *) vipbook_bridge_fdb "$4" bridge "$@" ;;
    esac
}
