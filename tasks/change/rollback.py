"""The steps that put back what the last change replaced, and the way back from that."""

from __future__ import annotations

import re
import shlex

from tasks.change.files import diff_of, put_back, sudo
from tasks.change.undo import BACKUPS
from tasks.model.plan import Step
from tasks.model.reading import Read
from tasks.model.server import Firewall, ServerFacts, Service
from tasks.observe.backups import Backups
from tasks.observe.questions import CONFIG_PATH
from tasks.render.sysctl import arp_announce, recorded

UNIT = "keepalived.service"
_LISTS = re.compile(r"^vrrp_instance (\S+) \{\n.*?^ +virtual_ipaddress \{\n(.*?)^ +\}", re.MULTILINE | re.DOTALL)


def plan_rollback(backups: Backups, facts: ServerFacts) -> Step:
    """Run the way back of the last change once more; its own way back makes what stands here now."""
    directory = f"{BACKUPS}/{backups.last}"
    config = facts.config.value.text if isinstance(facts.config, Read) else None
    kept = config if CONFIG_PATH not in backups.files else backups.config
    undo = [f"rmdir {shlex.quote(directory)}/ran 2>/dev/null || true"]
    undo += [put_back(path) for path in backups.files]
    undo += _runtime(facts)
    undo += _service(facts.service.value) if isinstance(facts.service, Read) else []
    return Step(
        topic="rollback",
        summary=f"back to what stood here before {backups.last}: {', '.join(backups.files) or 'no file'}",
        diff=diff_of(CONFIG_PATH, config, kept),
        commands=(sudo("roll back", "/bin/sh", f"{directory}/undo.sh", f"backups/{backups.last}"),),
        keeps=backups.files,
        undo=tuple(undo),
    )


def _runtime(facts: ServerFacts) -> list[str]:
    """firewalld's rules of ours, and settings of the kernel; other firewalls are kept whole beside this."""
    lines: list[tuple[str, ...]] = []
    firewall = facts.firewall.value if isinstance(facts.firewall, Read) else None
    if isinstance(firewall, Firewall) and firewall.manager == "firewalld":
        lines += [
            (
                "firewall-cmd",
                *(("--permanent",) if rule.saved else ()),
                f"--zone={rule.zone}",
                f"--add-rich-rule={rule.text}",
            )
            for rule in firewall.managed
            if rule.ours
        ]
    file = facts.sysctl_file.value.text if isinstance(facts.sysctl_file, Read) else None
    running = facts.arp_announce.value if isinstance(facts.arp_announce, Read) else {}
    for name in recorded(file):
        if name in running:
            lines.append(("sysctl", "-q", "-w", f"{arp_announce(name)}={running[name]}"))
    found = [shlex.join(line) for line in lines]
    return [*found, "ufw reload"] if firewall is not None and firewall.manager == "ufw" else found


def _permanent(*, saved: bool) -> tuple[str, ...]:
    return ("--permanent",) if saved else ()


def _service(service: Service) -> list[str]:
    lines = [("systemctl", "enable" if service.enabled == "enabled" else "disable", UNIT)]
    if service.active != "active":
        return [shlex.join(line) for line in (*lines, ("systemctl", "stop", UNIT))]
    return [
        shlex.join(lines[0]),
        f"systemctl is-active --quiet {UNIT} && systemctl reload {UNIT} || systemctl start {UNIT}",
    ]


def lists_of(text: str | None) -> dict[str, frozenset[str]]:
    """The VIPs in the adverts of each instance of a keepalived.conf that vipbook rendered."""
    return {name: frozenset(map(str.strip, body.splitlines())) for name, body in _LISTS.findall(text or "")}
