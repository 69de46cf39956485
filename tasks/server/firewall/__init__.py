"""The firewall of a server: who is in charge, what it does with VRRP, and the rules that open it."""
