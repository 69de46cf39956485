"""What iptables prints and iptables-restore takes: more than one firewall fills its tables."""
