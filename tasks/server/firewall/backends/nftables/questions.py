"""Native nftables."""

from __future__ import annotations

from tasks.model.answer import Command
from tasks.observe.helpers import helper
from tasks.server.firewall.backend import Questions
from tasks.server.firewall.backends.nftables.model import SNIPPET

FILES = ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf")
RULESET, INCLUDES = "ruleset", "nftables includes"


def _commands() -> tuple[Command, ...]:
    there = " || ".join(f"[ -e {path} ]" for path in FILES)
    return (
        Command(key=RULESET, argv=("nft", "-j", "list", "ruleset"), sudo=True),
        helper(INCLUDES, "nftables-includes", argv=("grep", "include", *FILES), when=there),
    )


QUESTIONS = Questions(units=("nftables.service",), files=(*FILES, SNIPPET), commands=_commands)
