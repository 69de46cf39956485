"""What is in every node's root, as data: pure, so that its hash says when the cached root is out of date."""

from __future__ import annotations

import hashlib
import json

from lab.model import Topology

# Raise it when the way of building changes in a manner that the lists below do not show.
VERSION = 4
REPOSITORY = "/srv/vipbook-debs"

# Units that slow a boot or a login, or act on their own: a node must be the same in its tenth minute as in its first.
MASKED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "logrotate.timer",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-logind.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    # A node's sysctls are set from outside, with the rest of its network.
    "systemd-sysctl.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-firstboot.service",
    "systemd-machine-id-commit.service",
)
# Run by each daemon-reload; none of them finds anything in a node.
GENERATORS = (
    *("cryptsetup", "debug", "fstab", "getty", "gpt-auto", "hibernate-resume", "integritysetup", "rc-local", "run"),
    *("system-update", "veritysetup"),
)
# Debian enables these at installation; each node enables what its kind has.
DISABLED = ("frr.service", "netfilter-persistent.service", "nftables.service")

# Manuals and translations are a third of the root and are read by no one. frr keeps its examples: it starts from them.
DPKG_OPTIONS = (
    "force-unsafe-io",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-include=/usr/share/doc/frr/*",
    # Run at each login.
    "path-exclude=/etc/update-motd.d/*",
)

FILES = {
    # A neighbor is known seconds after a boot, not half a minute; its port goes by the name that the topology has.
    "/etc/lldpd.d/vipbook.conf": (
        "configure lldp tx-interval 2\nconfigure lldp portidsubtype ifname\n"
        "configure system interface pattern swp*,enp*,eth*\n"
    ),
    "/etc/apt/sources.list": f"deb [trusted=yes] file:{REPOSITORY} ./\n",
    # No terminal to ask at, and the nodes live for an afternoon: no fsync.
    "/etc/apt/apt.conf.d/90lab": 'Acquire::Languages "none";\nDPkg::Lock::Timeout "60";\n',
    "/etc/ssh/sshd_config.d/lab.conf": (
        "HostKey /etc/ssh/ssh_host_ed25519_key\n"
        "PermitRootLogin no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        # The post-quantum exchange costs 0.1 s a login on a small machine, for a lab that no one else can reach.
        "KexAlgorithms -sntrup*\n"
        "UseDNS no\nX11Forwarding no\nPrintMotd no\nPrintLastLog no\nMaxStartups 100\nMaxSessions 100\n"
    ),
}


def sudoers(user: str) -> str:
    """Password-less sudo, as an automation account has it."""
    return f"{user} ALL=(ALL:ALL) NOPASSWD: ALL\n"


def recipe_key(topology: Topology) -> str:
    """16 hex digits that change exactly when the root has to be built anew."""
    ingredients = [
        VERSION,
        topology.suite,
        topology.packages,
        topology.offline_packages,
        topology.users,
        MASKED,
        GENERATORS,
        DISABLED,
        DPKG_OPTIONS,
        FILES,
    ]
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()[:16]
