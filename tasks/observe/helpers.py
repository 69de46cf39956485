"""What needs root of a host that is only read: small scripts, published in templates/helpers/.

Where the administrator installed such a script, sudo is asked for it alone: a list in /etc/sudoers.d names a file that
its user can't change, and no words that its user chooses. Where it is not installed the user is root by other rights,
and the same is done by those. Light to import: a script is read when its question is made.
"""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

from tasks.model.answer import Command
from tasks.observe.shell import NOT_ASKED, shell

INSTALLED = "/usr/local/libexec/vipbook"
OTHER_VERSION = 121
"""Exit status where the installed script is of another version; no shell and no program here uses it."""
_TEXTS = Path(__file__).resolve().parents[2] / "templates" / "helpers"
_VERSION_LINE = 2


def helper(key: str, name: str, *, argv: tuple[str, ...] = (), when: str = "", exact: bool = False) -> Command:
    """The question that templates/helpers/`name` answers.

    `argv` is what reports call it, its path else. `when` is a shell condition, without which there is nothing to ask.
    """
    ask = function_name(name)
    if when:
        ask = f"if {when}; then {ask}; else (exit {NOT_ASKED}); fi"
    fragment = f"{helper_function(name)}{ask}"
    return Command(
        key=key, argv=argv or (f"{INSTALLED}/{name}",), sudo=True, fragment=fragment, helper=name, exact=exact
    )


def helper_function(name: str) -> str:
    """Shell that makes it a function, for fragments that ask more than once."""
    return _function("helper", name)


def fed_function(name: str) -> str:
    """Shell that makes a script with one line of input a function: of that line, and of the command it stands for.

    The command runs where the script is not installed.
    """
    return _function("fed-helper", name)


def function_name(name: str) -> str:
    """The function's name."""
    return f"vipbook_{name.replace('-', '_')}"


@cache
def helper_text(name: str) -> str:
    """The script. Its second line is `# vipbook helper NAME N`: N grows when what it prints or takes changes."""
    return (_TEXTS / name).read_text(encoding="utf-8")


def _function(shape: str, name: str) -> str:
    text = helper_text(name)
    version = shlex.quote(text.splitlines()[_VERSION_LINE - 1])
    function = shell(shape, NAME=name, VERSION=version, TEXT=shlex.quote(text))
    return shell("installed") + function.replace("FUNCTION", function_name(name), 1)
