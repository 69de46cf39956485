# Behind journal.sh.

case $vipbook_journal in
*__REALTIME_TIMESTAMP*) (exit 120) ;;
*)
    date '+%Y %z'
    sudo -n grep -hs Keepalived /var/log/messages /var/log/syslog | tail -n 2000 ;;
esac
