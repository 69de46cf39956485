"""The published lists of sudo against the user they are given to: what is not a question of vipbook's stays refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric
from tests.lab.published import INSTALLED, only, write

pytestmark = pytest.mark.lab
LISTS = {
    "H1": ("server-verify",),
    "H3": ("server-verify",),
    "H4": ("server-verify",),
    "H2": ("server-verify", "server-change"),
    "L1": ("leaf",),
    "I1": ("probe",),
}
USERS = {node: "automation" if node.startswith("H") else "cumulus" for node in LISTS}
MARK = "/var/tmp/vipbook-marked"
"""What runs as root through one of the attacks makes this file."""
SECRET = "/root/secret"
WORD = "only-root-knows"


def test_a_whole_drill_with_nothing_but_the_lists(healthy: Fabric) -> None:
    nodes = dict.fromkeys(("H1", "H2"), ("server-verify", "server-change")) | dict.fromkeys(("I1", "C1"), ("probe",))
    with only(healthy, nodes | dict.fromkeys(("L1", "L2", "L3"), ("leaf",))):
        ran = healthy.vipbook("drill", "web", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert ran.report["drill"]["outages"][0]["sent"] > 0


@pytest.fixture(scope="module")
def listed(whole: Fabric, both: object) -> Iterator[Fabric]:
    with only(whole, LISTS):
        for node in LISTS:
            whole.shell(node, "rm", "-f", MARK)
            write(whole, node, SECRET, f"{WORD}\n", "0600")
            # A site that keeps its users' environment: the lists hold against that as well.
            write(whole, node, "/etc/sudoers.d/00-site", "Defaults !env_reset, setenv\n", "0440")
            write(whole, node, "/var/tmp/evil/attack", EVIL, "0755")
            user(whole, node, PREPARE)
        yield whole
        for node in LISTS:
            whole.shell(node, "rm", "-rf", SECRET, MARK, "/var/tmp/evil")


EVIL = f'[ "$(/usr/bin/id -u)" != 0 ] || /usr/bin/touch {MARK}\n'
"""Sourced by a shell, or run in a program's place."""
PREPARE = f"""
mkdir -p ~/bin ~/.local
for name in cat date dd env firewall-cmd flock grep keepalived ls mkdir mktemp mv ping python3 readlink rm sed sleep \\
    stat systemctl tr vtysh bridge
do
    printf '#!/bin/sh\\n. /var/tmp/evil/attack\\nexec /usr/bin/%s "$@"\\n' "$name" > ~/bin/$name
done
chmod 755 ~/bin/*
for version in 3.9 3.11 3.12 3.13; do
    mkdir -p ~/.local/lib/python$version/site-packages
    printf 'import os\\nif os.getuid() == 0: open("{MARK}", "w")\\n' |
        tee ~/bin/sitecustomize.py > ~/.local/lib/python$version/site-packages/usercustomize.py
done
"""


def user(fabric: Fabric, node: str, script: str) -> str:
    """What the user of that node gets to see, and the exit status in the last line."""
    line = f"cd; {{ {script}\n}} 2>&1; echo $?"
    return fabric.shell(node, "su", USERS[node], "-s", "/bin/sh", "-c", line)


def status(said: str) -> int:
    return int(said.rsplit(maxsplit=1)[-1])


def unharmed(fabric: Fabric, node: str, said: str) -> None:
    assert WORD not in said
    look = f"ls -d {MARK} 2>/dev/null; cat {SECRET}; systemctl is-active keepalived"
    state = "active" if node.startswith("H") else "inactive"
    assert fabric.shell(node, "sh", "-c", look, check=False) == f"{WORD}\n{state}\n"


NAMESPACE = f"""
unshare -Urm sh -c "mount -t tmpfs none /tmp; ln -s {SECRET} /tmp/keepalived.json; exec sleep 20" &
sleep 0.5
pid=$(pgrep -u $(id -u) sleep)
sudo -n cat /proc/$pid/root/tmp/keepalived.json
sudo -n rm -f /proc/$pid/root/tmp/keepalived.json
kill $pid
sudo -n cat /proc/self/root/tmp/keepalived.json
"""
REFUSED = [
    ("H1", "user-namespace", NAMESPACE),
    *(
        ("H1", f"signal-{signal}", f"sudo -n systemctl kill --kill-who=main --signal={signal} keepalived.service")
        for signal in (9, 15, 36)
    ),
    ("H1", "argument", f"sudo -n {INSTALLED}/keepalived-json {SECRET}"),
    ("H1", "empty-argument", f"sudo -n {INSTALLED}/firewall-files ''"),
    ("H1", "two-files", f"sudo -n cat /etc/keepalived/keepalived.conf {SECRET}"),
    ("H1", "spaces-in-one-argument", f"sudo -n cat '/etc/keepalived/keepalived.conf {SECRET}'"),
    ("H1", "dots", "sudo -n cat /etc/keepalived/../shadow"),
    ("H1", "dots-behind-a-pattern", "sudo -n ls -1 /etc/nftables.d/.."),
    ("H1", "line-break", "sudo -n cat '/etc/nftables.conf\n/etc/shadow'"),
    ("H1", "wildcard", "sudo -n cat '/etc/shado*'"),
    ("H1", "grep-reads-more", f"sudo -n grep -qs '^filter$' /proc/net/ip_tables_names {SECRET}"),
    ("H1", "module-loader", "sudo -n iptables -w -S --modprobe=/var/tmp/evil/attack"),
    # These would hold the lock of iptables while their caller reads nothing.
    ("H1", "iptables", "sudo -n iptables -w -S"),
    ("H1", "iptables-legacy", "sudo -n iptables-legacy -w -S INPUT"),
    ("H1", "iptables-argument", f"echo iptables | sudo -n {INSTALLED}/firewall-rules -F"),
    ("H1", "nft-file", f"sudo -n nft -j list ruleset -f {SECRET}"),
    ("H1", "helper-of-another-path", f"cp {INSTALLED}/firewall-files ~/bin/; sudo -n ~/bin/firewall-files"),
    ("H1", "helper-through-a-link", f"ln -sf {INSTALLED} ~/libexec; sudo -n ~/libexec/../bin/cat {SECRET}"),
    ("H1", "shell", f"sudo -n sh -c 'cat {SECRET}'"),
    ("H1", "edit", f"sudo -n sudoedit {SECRET}; sudo -n -e {SECRET}"),
    ("H1", "other-directory", f"sudo -n -D /root {INSTALLED}/firewall-files"),
    ("H1", "other-root", f"sudo -n -R /var/tmp/evil {INSTALLED}/firewall-files"),
    ("H1", "replace-helper", f"echo 'cat {SECRET}' > {INSTALLED}/firewall-files"),
    ("H4", "ufw-for-real", "sudo -n ufw allow proto vrrp from 192.0.2.1"),
    ("H4", "ufw-smuggled", "sudo -n ufw --dry-run allow proto vrrp from '192.0.2.1 comment x'"),
    ("L1", "vtysh", "sudo -n vtysh -c 'show running-config'"),
    ("L1", "vtysh-twice", "sudo -n vtysh -c 'show evpn' -c 'configure terminal'"),
    ("L1", "vtysh-history", f"sudo -n vtysh -H {SECRET} -c 'show evpn'"),
    ("L1", "helper-argument", f"echo 'show evpn' | sudo -n {INSTALLED}/frr-show 'show running-config'"),
    ("L1", "bridge-batch", f"sudo -n bridge -batch {SECRET}"),
    ("L1", "bridge-change", "sudo -n bridge fdb add 02:00:00:00:00:01 dev swp1 master"),
    ("L1", "lldp-more", f"sudo -n lldpctl -f json -u {SECRET}"),
    ("I1", "ping", "sudo -n ping -f -c 1 127.0.0.1"),
    ("I1", "helper-argument", f"echo 1 127.0.0.1 | sudo -n {INSTALLED}/probe-ping -f"),
    *(
        ("L1", f"frr-{name}", f"printf '%s\\n' '{words}' | sudo -n {INSTALLED}/frr-show")
        for name, words in {
            "configure": "configure terminal",
            "everything": "show running-config",
            "all-routes": "show bgp l2vpn evpn route json",
            "second-line": "show evpn json\nconfigure terminal",
            "pipe": "show evpn json | include x",
            "option": f"show evpn json -H {SECRET}",
            "shell": "show evpn vni $(id) json",
            "quote": "show evpn vni 1;id json",
            "wildcard": "show evpn vni * json",
            "tab": "show\tevpn",
            "nothing": "",
            "long": "show evpn " + "vni 1 " * 2000,
        }.items()
    ),
    *(
        ("L1", f"bridge-{name}", f"printf '%s\\n' '{words}' | sudo -n {INSTALLED}/bridge-fdb")
        for name, words in {
            "option": "-batch",
            "option-behind-json": "-j -batch",
            "words": "vlan100 state",
            "shell": "$(id)",
            "path": "../vlan100",
            "nothing": "",
        }.items()
    ),
    *(
        ("H1", f"rules-{name}", f"printf '%s\\n' '{words}' | sudo -n {INSTALLED}/firewall-rules")
        for name, words in {
            "restore": "iptables-restore",
            "option": "-F",
            "option-behind": "iptables -F",
            "path": "/var/tmp/evil/attack",
            "shell": "$(id)",
            "nothing": "",
        }.items()
    ),
    *(
        ("I1", f"probe-{name}", f"printf '%s\\n' '{words}' | sudo -n {INSTALLED}/probe-ping")
        for name, words in {
            "endless": "360001 127.0.0.1",
            "for-days": "99999999 127.0.0.1",
            "none": "0 127.0.0.1",
            "flood": "1 -f",
            "option-behind": "1 127.0.0.1 -f",
            "name": "1 localhost",
            "hexadecimal-name": "1 cafe",
            "hexadecimal-domain": "1 bad.cafe",
            "name-like-an-address": "1 bad:cafe",
            "short-number": "1 127.1",
            "interface": "1 ff02::1%eth1",
            "shell": "1 $(id)",
            "nothing": "",
        }.items()
    ),
]


@pytest.mark.parametrize(("node", "script"), [pytest.param(a, c, id=f"{a}-{b}") for a, b, c in REFUSED])
def test_what_is_no_question_is_refused(listed: Fabric, node: str, script: str) -> None:
    said = user(listed, node, script)
    assert status(said) != 0, said
    unharmed(listed, node, said)


LISTING = "nft -j list ruleset"
ALLOWED = {
    "H1": (*(f"{INSTALLED}/{name}" for name in ("keepalived-json", "firewall-files", "firewall-rules")), LISTING),
    "H2": (f"{INSTALLED}/nftables-includes",),
    "H3": (f"{INSTALLED}/firewalld",),
    "H4": ("ufw --dry-run allow proto vrrp from 192.0.2.1",),
    "L1": (f"{INSTALLED}/frr-show", f"{INSTALLED}/bridge-fdb", "lldpctl -f json"),
    "I1": (f"{INSTALLED}/probe-ping",),
}
FEEDS = {
    "frr-show": "show evpn json",
    "bridge-fdb": "-j vlan100",
    "probe-ping": "1 127.0.0.1",
    "firewall-rules": "iptables",
}
ENVIRONMENT = (
    "PATH=$HOME/bin:$PATH",
    "HOME=$HOME PYTHONPATH=$HOME/bin PYTHONUSERBASE=$HOME/.local PYTHONSTARTUP=$HOME/bin/sitecustomize.py",
    "ENV=/var/tmp/evil/attack BASH_ENV=/var/tmp/evil/attack SHELLOPTS=xtrace PS4='$(. /var/tmp/evil/attack)'",
    "IFS=/ LD_PRELOAD=$HOME/bin/x.so LD_LIBRARY_PATH=$HOME/bin XTABLES_LIBDIR=$HOME/bin",
    f"VTYSH_PAGER=/var/tmp/evil/attack PAGER=/var/tmp/evil/attack SYSTEMD_PAGER=/var/tmp/evil/attack VTYSH_LOG={MARK}",
    f"VTYSH_HISTFILE={MARK}",
    "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/var/tmp/evil/bus TMPDIR=/var/tmp/evil",
)


@pytest.mark.parametrize(
    ("node", "command"),
    [pytest.param(node, each, id=f"{node}-{each.split()[0]}") for node, some in ALLOWED.items() for each in some],
)
def test_the_environment_changes_nothing(listed: Fabric, node: str, command: str) -> None:
    """Neither kept, nor set with -E or in sudo's own words; also where the site's defaults let everything pass."""
    feed = f"echo '{FEEDS.get(command.rpartition('/')[2], '')}'"
    words = " ".join(ENVIRONMENT)
    runs = [f"{run} -n {command} >/dev/null && echo answered" for run in ("sudo", f"env {words} /usr/bin/sudo")]
    # A release may refuse these two as a whole.
    runs += [f"env {words} /usr/bin/sudo -n -E {command} >/dev/null", f"sudo -n {words} {command} >/dev/null"]
    said = user(listed, node, "\n".join(f"{feed} | {run}" for run in runs))
    assert said.count("answered") == 2, said
    unharmed(listed, node, said)


def test_server_change_is_root_and_says_so(listed: Fabric) -> None:
    assert user(listed, "H2", "sudo -n sh -c 'id -u'") == "0\n0\n"
    text = listed.shell("H2", "cat", "/etc/sudoers.d/server-change")
    assert text.startswith("# THIS IS ROOT.")


@pytest.mark.parametrize("name", ["keepalived-json", "firewall-files"])
def test_an_installed_helper_of_another_version_is_named(listed: Fabric, name: str) -> None:
    path = f"{INSTALLED}/{name}"
    listed.shell("H1", "sed", "-i", "2s/1$/0/", path)
    try:
        ran = listed.vipbook("verify", "web", "--json")
    finally:
        listed.shell("H1", "sed", "-i", "2s/0$/1/", path)
    assert ran.code == 3, ran.problems()
    assert f"{path} is of another version; install templates/helpers/{name}" in ran.out
    assert listed.vipbook("verify", "web", "--json").code == 0
