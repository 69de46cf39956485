"""Every form in which keepalived writes a password, shown as ***."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.model.mask import masked, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("auth_pass hunter22", "auth_pass ***"),
        ("        auth_pass hunter22\n", "        auth_pass ***\n"),
        ("auth_pass\thunter22", "auth_pass\t***"),
        ("auth_pass   hunter22   # it", "auth_pass   ***   # it"),
        ('auth_pass "hunter 22"', "auth_pass ***"),
        ('auth_pass "hunter22" }', "auth_pass *** }"),
        ('auth_pass ""', "auth_pass ***"),
        ("authentication { auth_type PASS auth_pass hunter22 }", "authentication { auth_type PASS auth_pass *** }"),
        ("authentication { auth_pass hunter22 auth_type PASS }", "authentication { auth_pass *** auth_type PASS }"),
        ("-    auth_pass hunter22\n+    auth_pass hunter23", "-    auth_pass ***\n+    auth_pass ***"),
        ("# auth_pass hunter22", "# auth_pass ***"),
        ("! auth_pass hunter22", "! auth_pass ***"),
        ("auth_pass hunter22\r\n", "auth_pass ***\r\n"),
        ('{"auth_type":1,"auth_data":"hunter22","state":2}', '{"auth_type":1,"auth_data":"***","state":2}'),
        ('"auth_data" : "hunter22"', '"auth_data" : "***"'),
        ('"auth_data":\n  "hunter22"', '"auth_data":\n  "***"'),
        ('"auth_data":"hun\\"ter22"', '"auth_data":"***"'),
        ('"auth_data":"hunter22\\\\","x":"y"', '"auth_data":"***","x":"y"'),
        ('"auth_data":""', '"auth_data":"***"'),
        ('"auth_pass": "hunter22"', '"auth_pass": "***"'),
        ("auth_hmac_sha256 hunter22", "auth_hmac_sha256 ***"),
        ("auth_hmac hunter22", "auth_hmac ***"),
        ('auth_pass "hunter22" x "y"', 'auth_pass *** x "y"'),
        ('auth_pass "hunter22\nx "y"', 'auth_pass ***\nx "y"'),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$PASS=hunter22\n    auth_pass $PASS\n", "$PASS=***\n    auth_pass ***\n"),
        ("$PASS=hunter22", "$PASS=***"),
        ("\t$PASS\t=\thunter22", "\t$PASS\t=\t***"),
        ("@H1\t$PASS=hunter22", "@H1\t$PASS=***"),
        ("  $PASS = hunter 22  # it\r\n", "  $PASS = ***\r\n"),
        ("-$PASS=hunter22\n+$PASS=hunter23\n", "-$PASS=***\n+$PASS=***\n"),
        ("# $PASS=hunter22\n!$PASS=hunter22\n", "# $PASS=***\n!$PASS=***\n"),
        ("@H1 $PASS=hunter22\n@^H1 $PASS=hunter23", "@H1 $PASS=***\n@^H1 $PASS=***"),
        ("$A=hunter22\n$PASS=$A\nauth_pass ${PASS}", "$A=***\n$PASS=***\nauth_pass ***"),
        ("$PASS=\\\nhunter22\nx\n", "$PASS=***\nx\n"),
        ("$AUTH=\\\r\n  auth_type PASS \\\r\n  auth_pass hunter22\r\nx\n", "$AUTH=***\r\nx\n"),
        ("$PASS=hun\rter22\n", "$PASS=***\n"),
    ],
)
def test_a_definition_that_may_hold_it(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "refused: web: auth_pass changes, and while one server has the new and one the old they do not hear each other",
        "/etc/keepalived/keepalived.conf: auth_pass changes (both shown as ***)",
        "auth_pass differs (shown as ***)",
    ],
)
def test_sentences_of_our_own_stay_whole(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "secret",
    [
        *("changes", "changes,", "changes, and while ones", "changes (x)", "changes (both shown asx)"),
        *("differs", "differs (shown asx)", '"changes (both shown as x)"'),
    ],
)
def test_a_password_that_reads_like_them_does_not_show(secret: str) -> None:
    assert secret.split(maxsplit=1)[0] not in masked(f"    auth_pass {secret}\n")


@pytest.mark.parametrize(
    "text", ["$A=" + " " * 100_000 + "\n", " " * 100_000, "$A=" + "\\\n" * 20_000, "$a" + " " * 50_000, "@" * 50_000]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("secret", ["hunt}22", "hunter22}", "a}b}c"])
def test_a_password_written_by_hand_with_signs_of_syntax(secret: str) -> None:
    """A file that stands there already may hold what the intent would refuse."""
    shown = masked(f"authentication {{\n    auth_pass {secret}\n}}\n")
    assert shown.replace("auth_pass", "").strip(" {}\nauthenico*") == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auth_pass",
        "auth_pass\nvirtual_ipaddress {\n",
        "auth_pass \n    }\n",
        "auth_type PASS",
        "no_auth_passing hunter22",
        "my_auth_pass hunter22",
        '{"state": 2, "auth_type": 1}',
        "vrrp_instance VI_web {\n    priority 100\n}\n",
        "$PASS=\nvrrp_instance VI_web {\n",
        "it costs $PASS=x\n",
        "$PASS\n",
        "$PASS=\r\nx\n",
        "$=x\n",
        "@H1$PASS=x\n",
        "@ $PASS=x\n",
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31m\tb\x00\n", "a\\x1b[31m\tb\\x00\n"),
        ("a\r\x07\x9b\u202eb", "a\\x0d\\x07\\x9b\\u202eb"),
        ('"auth_data":"hunter22', '"auth_data":"***"'),
        ("auth_\x1bpass hunter22\n", "auth_pass ***\n"),
    ],
)
def test_what_a_host_says_drives_no_terminal(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(alphabet="abcXYZ0189-_.:%^&*()+=;,/", min_size=1, max_size=8), st.sampled_from(["%s", '"%s"']))
@settings(max_examples=50)
def test_any_password_that_the_intent_takes(secret: str, form: str) -> None:
    assert masked(f"auth_pass {form % secret}\n") == "auth_pass ***\n"
    assert masked(f'{{"auth_data":"{secret}"}}') == '{"auth_data":"***"}'
