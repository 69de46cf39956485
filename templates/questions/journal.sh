# The journal has microseconds; a file is read where the journal, being kept in memory alone, tells of nothing.

vipbook_journal=$(sudo -n @ARGV@)
vipbook_result=$?
printf '%s\n' "$vipbook_journal"
(exit "$vipbook_result")
