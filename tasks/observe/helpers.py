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
from tasks.observe.shell import NOT_ASKED

INSTALLED = "/usr/local/libexec/vipbook"
OTHER_VERSION = 121
"""Exit status where the installed script is of another version; no shell and no program here uses it."""
_TEXTS = Path(__file__).resolve().parents[2] / "templates" / "helpers"
_VERSION_LINE = 2

# Every user can read the installed script, so its version is no matter for sudo.
_INSTALLED = f"""
vipbook_installed() {{
    vipbook_path={INSTALLED}/$1
    [ -e "$vipbook_path" ] || return 1
    [ "$(sed -n {_VERSION_LINE}p "$vipbook_path")" = "$2" ] && return
    echo "$vipbook_path is of another version; install templates/helpers/$1 of this vipbook" >&2
    return {OTHER_VERSION}
}}
"""
# As text it goes to root's shell on a pipe: in arguments all of it would be logged at every call, and a here-document
# is a file in /tmp for some shells. In braces, because a shell reads its script by the line, and what runs in it would
# read the rest.
_FUNCTION = """
@FUNCTION@() {
    vipbook_installed @NAME@ @VERSION@
    case $? in
    0) sudo -n "$vipbook_path" ;;
    1) printf '{\\n%s\\n} </dev/null; exit\\n' @TEXT@ | sudo -n sh -s ;;
    *) return @OTHER@ ;;
    esac
}
"""
_FED = """
@FUNCTION@() {
    vipbook_installed @NAME@ @VERSION@
    case $? in
    0) printf '%s\\n' "$1" | sudo -n "$vipbook_path" ;;
    1) shift; sudo -n "$@" ;;
    *) return @OTHER@ ;;
    esac
}
"""


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
    return _function(_FUNCTION, name)


def fed_function(name: str) -> str:
    """Shell that makes a script with one line of input a function: of that line, and of the command it stands for.

    The command runs where the script is not installed.
    """
    return _function(_FED, name)


def function_name(name: str) -> str:
    """The function's name."""
    return f"vipbook_{name.replace('-', '_')}"


@cache
def helper_text(name: str) -> str:
    """The script. Its second line is `# vipbook helper NAME N`: N grows when what it prints or takes changes."""
    return (_TEXTS / name).read_text(encoding="utf-8")


def _function(shape: str, name: str) -> str:
    text = helper_text(name)
    words = {
        "@FUNCTION@": function_name(name),
        "@NAME@": name,
        "@VERSION@": shlex.quote(text.splitlines()[_VERSION_LINE - 1]),
        "@OTHER@": str(OTHER_VERSION),
        "@TEXT@": shlex.quote(text),
    }
    for word, value in words.items():
        shape = shape.replace(word, value)
    return f"{_INSTALLED}{shape}"
