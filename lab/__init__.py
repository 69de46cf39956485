"""A real EVPN fabric in network namespaces, for people who have none at hand.

Real systemd, sshd, apt, FRR, lldpd, keepalived, iptables and nftables on eight nodes of one Linux machine. `lab.api` is
the way in; nothing of the product imports this package but the `lab` sub-command.
"""
