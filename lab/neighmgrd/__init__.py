"""The lab's neighmgrd: what a daemon of this name does on Cumulus Linux, as far as a VIP needs it.

EVPN installs a remote host as `extern_learn NOARP`, and the kernel lets neither ARP nor ND overwrite such an entry.
So when a host that was remote claims its address from behind a local port, someone has to look at that and refresh the
kernel's neighbor; only then does zebra see a local host and BGP advertise it. This is that someone.

It runs on a leaf's own Python, without any package: the standard library is all there is.
"""
