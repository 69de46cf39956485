"""ufw: its files, and whether it knows the protocol; what it has loaded is in iptables' tables."""

from __future__ import annotations

from tasks.model.answer import Command
from tasks.observe.shell import NOT_ASKED
from tasks.server.firewall.backend import Questions
from tasks.server.firewall.backends.ufw.model import DEFAULT, DIRECTORY

UNIT = "ufw.service"
KEY = "ufw"
NAMES = ("user.rules", "user6.rules", "before.rules", "before6.rules")
_ARGV = ("ufw", "--dry-run", "allow", "proto", "vrrp", "from", "192.0.2.1")
_FRAGMENT = f"""
if grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf; then
    sudo -n {" ".join(_ARGV)} >/dev/null
else
    (exit {NOT_ASKED})
fi
"""


def _commands() -> tuple[Command, ...]:
    return (Command(key=KEY, argv=_ARGV, sudo=True, fragment=_FRAGMENT),)


QUESTIONS = Questions(
    units=(UNIT,),
    files=(*(f"{DIRECTORY}/{name}" for name in NAMES), DEFAULT),
    commands=_commands,
    by_status=frozenset({KEY}),
)
