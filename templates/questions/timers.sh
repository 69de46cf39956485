# The interface is the one that the kernel would send by, now. $1 is the address, $2 `ipv4` or `ipv6`.

vipbook_timers() {
    vipbook_device=$(ip route get "$1" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
    [ -n "$vipbook_device" ] || { echo 'no route tells an interface' >&2; return 1; }
    printf 'interface %s\n' "$vipbook_device"
    for vipbook_name in base_reachable_time_ms delay_first_probe_time ucast_solicit retrans_time_ms; do
        printf '%s ' "$vipbook_name"
        cat "/proc/sys/net/$2/neigh/$vipbook_device/$vipbook_name" || return 1
    done
}
