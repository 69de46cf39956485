# systemd before 247 knows no --timestamp, and prints the local time in whole seconds.

systemctl show --timestamp=us+utc @WORDS@ 2>/dev/null || TZ=UTC systemctl show @WORDS@
