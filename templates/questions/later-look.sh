# A backup hears an advert each interval. Wait for the next one, so that the counter proves that adverts arrive now;
# every look is a line in keepalived's log, so not too often. Every row is "number state adverts", and a row of a backup
# (state 1) that stands unchanged is still waiting.

vipbook_rows() {
    printf '%s' "$1" | tr -d ' \n\t' | grep -oE '"(state|advert_rcvd)":[0-9]+' |
        awk -F: '/state/ { state = $2 } /advert_rcvd/ { print NR, state, $2 }'
}
vipbook_before=$(vipbook_rows "$vipbook_first")
vipbook_turn=0
while :; do
    vipbook_later=$(vipbook_keepalived_json)
    vipbook_result=$?
    vipbook_waiting=$(vipbook_rows "$vipbook_later" | grep ' 1 ' | grep -Fx "$vipbook_before")
    [ -n "$vipbook_waiting" ] && [ "$vipbook_turn" -lt @TURNS@ ] || break
    vipbook_turn=$((vipbook_turn + 1))
    sleep 0.25
done
vipbook_later_at=$(date +%s.%N)
printf '%s\n' "$vipbook_later"
(exit "$vipbook_result")
