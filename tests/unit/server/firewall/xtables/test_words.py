"""Words of a line, as iptables-restore parts them (add_param_to_argv in xshared.c)."""

from __future__ import annotations

import pytest

from tasks.observe.readings import Garbled
from tasks.server.firewall.xtables.words import split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  ", []),
        ("-A INPUT\t-j  DROP ", ["-A", "INPUT", "-j", "DROP"]),
        ("--comment it's-ssh", ["--comment", "it's-ssh"]),
        ("--comment 'a b'", ["--comment", "'a", "b'"]),
        ('--comment "it\'s ssh"', ["--comment", "it's ssh"]),
        (r'--comment "it\'s \"ssh\" \\"', ["--comment", 'it\'s "ssh" \\']),
        (r"--comment a\ b", ["--comment", "a\\", "b"]),
        ('--comment "" -j', ["--comment", "", "-j"]),
        ('a"b c"d', ["ab c", "d"]),
        ("#no comment", ["#no", "comment"]),
        ("$HOME `x` ;", ["$HOME", "`x`", ";"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize("line", ['"', '--comment "open', r'"\"'])
def test_an_open_quotation_is_refused(line: str) -> None:
    with pytest.raises(Garbled, match="no closing quotation"):
        split(line)
