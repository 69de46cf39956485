"""iptables, of either backend in the kernel."""

from __future__ import annotations

from tasks.model.answer import Command
from tasks.observe.helpers import function_name
from tasks.server.firewall.backend import Questions
from tasks.server.firewall.xtables import RULES

# Debian's, and Enterprise Linux's.
FILES = ("/etc/iptables/rules.v4", "/etc/sysconfig/iptables")
FILES6 = ("/etc/iptables/rules.v6", "/etc/sysconfig/ip6tables")
LEGACY = "iptables-legacy"
LEGACY6 = "== ip6\n"
"""Stands between the two families."""
# The tables of the older kernel interface are beside iptables-nft's, and `iptables -S` does not show them.
_FRAGMENT = f"""
vipbook_legacy() {{
    if [ -e "/proc/net/$2" ] && sudo -n grep -qs '^filter$' "/proc/net/$2" && iptables -V | grep -q nf_tables &&
        command -v "$1-legacy" >/dev/null 2>&1
    then
        {function_name(RULES)} "$1-legacy" "$1-legacy" -w -S INPUT
    fi
}}
vipbook_legacy iptables ip_tables_names && printf '== ip6\\n' && vipbook_legacy ip6tables ip6_tables_names
"""


def _commands() -> tuple[Command, ...]:
    argv = (LEGACY, "-w", "-S", "INPUT")
    return (Command(key=LEGACY, argv=argv, sudo=True, helper=RULES, fragment=_FRAGMENT),)


QUESTIONS = Questions(
    units=("netfilter-persistent.service", "iptables.service", "ip6tables.service"),
    files=(*FILES, *FILES6),
    commands=_commands,
)
