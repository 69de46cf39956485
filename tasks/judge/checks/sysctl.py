"""The check on the kernel's setting that a virtual MAC needs: whose MAC an ARP request names beside the VIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.judge.checks import Target, registered
from tasks.judge.subject import Check, Subject
from tasks.model.cluster import Server
from tasks.model.server import ConfigFile
from tasks.model.verdict import Finding
from tasks.render.sysctl import STRICT, SYSCTL_FILE, arp_announce, recorded, sysctl_text

_OTHERS_WRITE = 0o022


def in_force(running: Mapping[str, int], interface: str) -> int | None:
    """What the kernel goes by: the greater of `all` and the interface's own. None: there is no such interface."""
    return max(running["all"], running[interface]) if interface in running else None


def is_saved(file: ConfigFile, interfaces: Sequence[str]) -> bool:
    """Is the file what is to be loaded at a boot for these interfaces, and root's alone to change?"""
    before = recorded(file.text)
    text = sysctl_text({name: before.get(name) for name in interfaces})
    ours = (file.owner, file.group) == ("root", "root") and file.mode is not None and not file.mode & _OTHERS_WRITE
    return file.text == text and ours


@registered(
    "sysctl",
    Target.SERVER,
    order=170,
    alone=True,
    reads="/proc/sys/net/ipv4/conf/*/arp_announce, /etc/sysctl.d/90-vipbook.conf",
    passes="the greater of arp_announce of all and of the interface beneath each virtual MAC is 2, and the file "
    "says so for the next boot: ARP requests never name the VIP with that interface's own MAC",
    fails="it is not, or only until the next boot (skipped where no cluster of the server uses a virtual MAC)",
)
def judge_sysctl(subject: Subject, server: Server) -> Finding:
    """An ARP request never names the VIP with the MAC of the interface beneath its macvlan.

    What holds only until the next boot fails too, as in a firewall: after it the binding would flap, and nobody would
    look here.
    """
    interfaces = subject.desired[server.name].vmac_bases
    facts = subject.servers[server.name]
    beneath = ", ".join(interfaces) or "the interface beneath a virtual MAC"
    expected = f"arp_announce {STRICT} on {beneath}, now and after a boot"
    check = Check(name="sysctl", target=server.name, expected=expected)
    check, running = check.reads(facts.arp_announce)
    check, file = check.reads(facts.sysctl_file)
    if not interfaces:
        return check.skips("no cluster of this server uses a virtual MAC")
    wrong = [name for name in interfaces if in_force(running, name) != STRICT]
    if wrong:
        actual = "\n".join(f"{name}: {_told(running, name)}" for name in wrong)
        return check.fails(f"ARP requests may name the VIP with the MAC of {', '.join(wrong)}", actual)
    if not is_saved(file, interfaces):
        actual = "no file" if file.text is None else "another file"
        return check.fails(f"right now, but lost at a boot: {SYSCTL_FILE} does not say so", actual)
    return check.passes(f"ARP requests by {beneath} name its own address", f"arp_announce {STRICT}")


def _told(running: Mapping[str, int], interface: str) -> str:
    if interface not in running:
        return "no such interface"
    return f"{arp_announce(interface)} = {running[interface]}, {arp_announce('all')} = {running['all']}"
