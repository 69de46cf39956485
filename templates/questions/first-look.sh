# What keepalived says of its instances, and when it said so.

vipbook_first=$(vipbook_keepalived_json) && vipbook_first_at=$(date +%s.%N) && printf '%s\n' "$vipbook_first"
