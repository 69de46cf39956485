"""Questions that need root and take no arguments: small scripts, published in templates/helpers/.

Where the administrator installed the script, sudo is asked for it alone, so that a list in /etc/sudoers.d can name a
file that its user can't change, without words that its user chooses. Where it is not installed the user is root by
other rights, and the same text goes to root's shell. Light to import: a file is read when its question is made.
"""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

from tasks.model.answer import Command

INSTALLED = "/usr/local/libexec/vipbook"
OTHER_VERSION = 121
"""Exit status where the installed script is of another version; no shell and no program here uses it."""
_TEXTS = Path(__file__).resolve().parents[2] / "templates" / "helpers"
_VERSION_LINE = 2

# The installed script is everybody's to read, so its version is no matter for sudo. As text it goes to root's shell on
# a pipe: in arguments all of it would be logged at every call, and a here-document is a file in /tmp for some shells.
# In braces, because a shell reads its script by the line, and what runs in it would read the rest.
_RUN = f"""
vipbook_helper() {{
    vipbook_path={INSTALLED}/$1
    if [ ! -e "$vipbook_path" ]; then
        printf '{{\\n%s\\n}} </dev/null; exit\\n' "$3" | sudo -n sh -s
    elif [ "$(sed -n {_VERSION_LINE}p "$vipbook_path")" = "$2" ]; then
        sudo -n "$vipbook_path"
    else
        echo "$vipbook_path is of another version; install templates/helpers/$1 of this vipbook" >&2
        return {OTHER_VERSION}
    fi
}}
"""


def helper(key: str, name: str, *, argv: tuple[str, ...] = (), exact: bool = False) -> Command:
    """The question that templates/helpers/`name` answers. `argv` is what reports call it, its path else."""
    fragment = f"{helper_function(name)}\n{function_name(name)}"
    return Command(key=key, argv=argv or (f"{INSTALLED}/{name}",), sudo=True, fragment=fragment, exact=exact)


def helper_function(name: str) -> str:
    """Shell that makes it a function, for fragments that ask more than once."""
    text = helper_text(name)
    version = text.splitlines()[_VERSION_LINE - 1]
    words = shlex.join(("vipbook_helper", name, version, text))
    return f"{_RUN}{function_name(name)}() {{\n{words}\n}}"


def function_name(name: str) -> str:
    """The function's name."""
    return f"vipbook_{name.replace('-', '_')}"


@cache
def helper_text(name: str) -> str:
    """The script. Its second line is `# vipbook helper NAME N`: N grows when what it prints or takes changes."""
    return (_TEXTS / name).read_text(encoding="utf-8")
