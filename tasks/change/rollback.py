"""The steps that put back what the last change replaced, and the way back from that."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tasks.change.files import diff_of, put_back, sudo
from tasks.change.undo import BACKUPS
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.model.reading import Read
from tasks.model.server import ServerFacts, Service
from tasks.render.sysctl import arp_announce, recorded
from tasks.server.backups import NONE, Backups, text_of
from tasks.server.firewall.plan import again

UNIT = "keepalived.service"
# Checksum and path by turns. Between the plan and the rollback somebody thinks, and others may change a file.
_AS_SHOWN = f"""
while [ $# -gt 1 ]; do
    now={NONE}
    if [ -e "$2" ]; then now=$(sha256sum < "$2") && now=${{now%% *}} || exit 1; fi
    if [ "$now" != "$1" ]; then echo "$2 was changed by others meanwhile" >&2; exit 1; fi
    shift 2
done
"""
_STOPPED = Service(active="inactive", enabled="disabled", main_pid=0, loaded_at=None)
"""Where it was stopped it must not be started with what it would not hear the others with."""


def refusal_of(backups: Backups) -> str | None:
    """Whole files come back: why they must not, where that would lose what others wrote into them since."""
    touched = [each.path for each in backups.files if each.touched]
    if not touched:
        return None
    verb = "was" if len(touched) == 1 else "were"
    mend = "undo by hand, or declare the old intent and apply"
    return f"{' and '.join(touched)} {verb} changed by others since that apply; {mend}"


def plan_rollback(backups: Backups, facts: ServerFacts, *, parked: Service | None = None) -> Step:
    """Run the way back of the last change once more; its own way back makes what stands here now.

    `parked`: the service as it was before keepalived was stopped for the time of this run.
    """
    directory = f"{BACKUPS}/{backups.last}"
    paths = tuple(each.path for each in backups.files)
    diffs = [diff_of(each.path, text_of(each.now), text_of(each.before)) for each in backups.files]
    undo = [f"rmdir {shlex.quote(directory)}/ran 2>/dev/null || true"]
    undo += [put_back(path) for path in paths]
    undo += _runtime(facts, paths)
    if isinstance(facts.service, Read):
        undo += _service(facts.service.value if parked is None else _STOPPED)
    enabled = parked is not None and parked.enabled == "enabled"
    return Step(
        topic="rollback",
        summary=f"back to what stood here before {backups.last}: {', '.join(paths) or 'no file'}",
        diff="\n".join(each for each in diffs if each),
        commands=(
            _as_shown(backups),
            # What comes back may say otherwise, and comes after it.
            *((sudo("enable", "systemctl", "enable", UNIT),) if enabled else ()),
            sudo("roll back", "/bin/sh", f"{directory}/undo.sh", f"backups/{backups.last}"),
        ),
        keeps=paths,
        undo=tuple(undo),
    )


def _as_shown(backups: Backups) -> Command:
    """Fails when a file is not any more what the diff was made from."""
    words = [word for each in backups.files for word in (each.checksum, each.path)]
    line = shlex.join(("sudo", "-n", "sh", "-c", _AS_SHOWN, "sh", *words))
    return Command(key="as shown", argv=("sha256sum", *words[1::2]), sudo=True, fragment=line)


def _runtime(facts: ServerFacts, paths: Sequence[str]) -> list[str]:
    """Settings of the kernel, and what a firewall loads by itself; what else runs in one is kept whole beside this."""
    file = facts.sysctl_file.value.text if isinstance(facts.sysctl_file, Read) else None
    running = facts.arp_announce.value if isinstance(facts.arp_announce, Read) else {}
    lines = [
        shlex.join(("sysctl", "-q", "-w", f"{arp_announce(name)}={running[name]}"))
        for name in recorded(file)
        if name in running
    ]
    return lines + (again(facts.firewall.value, paths) if isinstance(facts.firewall, Read) else [])


def _service(service: Service) -> list[str]:
    return [
        shlex.join(("systemctl", "enable" if service.enabled == "enabled" else "disable", UNIT)),
        shlex.join(("systemctl", "reload-or-restart" if service.active == "active" else "stop", UNIT)),
    ]
