"""The step that keeps a virtual MAC bound to its VIP: one setting of the kernel, now and after a boot."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from tasks.change.files import diff_of, put_back, replace_by_new, sudo, write_new
from tasks.judge.checks.sysctl import in_force, is_saved
from tasks.model.answer import Command
from tasks.model.plan import Step
from tasks.model.server import ConfigFile
from tasks.render.sysctl import STRICT, SYSCTL_FILE, arp_announce, recorded, sysctl_text


def plan_sysctl(interfaces: Sequence[str], file: ConfigFile, running: Mapping[str, int]) -> tuple[Step, ...]:
    """The step, if one is needed. `interfaces` are those beneath a virtual MAC; none: all that is ours goes."""
    values = _values(interfaces, file, running)
    write = not is_saved(file, interfaces) if interfaces else file.text is not None
    if not values and not write:
        return ()
    commands = [_set(name, value) for name, value in values.items()]
    undo = [shlex.join(_set(name, running[name]).argv) for name in values if name in running]
    diffs = [f"-{arp_announce(name)} = {running.get(name)}\n+{arp_announce(name)} = {values[name]}" for name in values]
    if write:
        text = _text(interfaces, file, running)
        commands += _write(text)
        undo.append(put_back(SYSCTL_FILE))
        diffs.append(diff_of(SYSCTL_FILE, file.text, text) or f"{SYSCTL_FILE}: only root may write it")
    return (
        Step(
            topic="sysctl",
            summary=_summary(interfaces, values, write=write),
            diff="\n".join(diffs),
            commands=tuple(commands),
            keeps=(SYSCTL_FILE,) if write else (),
            undo=tuple(undo),
        ),
    )


def notes_on_sysctl(interfaces: Sequence[str], file: ConfigFile) -> tuple[str, ...]:
    """What can't be taken back, because nobody knows any more what it was."""
    lost = [name for name, value in recorded(file.text).items() if value is None and name not in interfaces]
    return tuple(f"{arp_announce(name)} stays as it is: {SYSCTL_FILE} does not tell the value before" for name in lost)


def _values(interfaces: Sequence[str], file: ConfigFile, running: Mapping[str, int]) -> dict[str, int]:
    """What is set now, by interface. Taken back is only what still is as we made it."""
    wrong = [name for name in interfaces if running.get(name) != STRICT and in_force(running, name) != STRICT]
    back = {
        name: value
        for name, value in recorded(file.text).items()
        if name not in interfaces and running.get(name) == STRICT and value not in {None, STRICT}
    }
    return dict.fromkeys(wrong, STRICT) | {name: value for name, value in back.items() if value is not None}


def _text(interfaces: Sequence[str], file: ConfigFile, running: Mapping[str, int]) -> str | None:
    """The new file; the value before is the one that was written down when the interface first came into it."""
    before = recorded(file.text)
    if not interfaces:
        return None
    return sysctl_text({name: before[name] if name in before else running.get(name) for name in interfaces})


def _set(interface: str, value: int) -> Command:
    return sudo(f"sysctl {interface}", "sysctl", "-q", "-w", f"{arp_announce(interface)}={value}")


def _write(text: str | None) -> list[Command]:
    """No program checks the file: sysctl has just taken the same settings from us, in the same spelling."""
    if text is None:
        return [sudo(f"remove {SYSCTL_FILE}", "rm", "-f", SYSCTL_FILE)]
    return [*write_new(SYSCTL_FILE, text, mode="0644"), replace_by_new(SYSCTL_FILE)]


def _summary(interfaces: Sequence[str], values: Mapping[str, int], *, write: bool) -> str:
    if not interfaces:
        return f"{SYSCTL_FILE}: remove, no virtual MAC is left here"
    now = f"arp_announce {STRICT} on {', '.join(interfaces)}"
    return f"{now}, and after a boot" if values and write else now if values else f"{SYSCTL_FILE}: {now} after a boot"
