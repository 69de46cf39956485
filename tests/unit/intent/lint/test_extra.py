"""Lines that are passed through stay inside their vrrp_instance, and can't hide what they do."""

from __future__ import annotations

import json

import pytest

from tests.unit.intent.lint.test_keepalived import keys, load, said_of


def extra(*lines: str) -> str:
    return keys(f"extra: {json.dumps(lines)}")


@pytest.mark.parametrize(
    ("lines", "path", "piece"),
    [
        (["priority 200"], "extra.0", "priority is vipbook's own to write; use the key that it has for it"),
        (["no_accept", "notify_master /bin/x"], "extra.1", "notify_master is vipbook's own"),
        (["vrrp_strict"], "extra.0", "drops every packet to the VIP"),
        (["strict_mode on"], "extra.0", "drops every packet to the VIP"),
        (["use_vmac_addr"], "extra.0", "move between two MACs"),
        (["use_ipvlan"], "extra.0", "that vipbook does not know"),
        (["dont_track_primary"], "extra.0", "would stay master"),
        (["down_timer_adverts 2"], "extra.0", "three adverts"),
        (["include /etc/x"], "extra.0", "can't be shown in a plan"),
        (["includer /etc/x"], "extra.0", "can't be shown in a plan"),
        (["virtual_routes {", "include /etc/x", "}"], "extra.1", "can't be shown in a plan"),
        (["virtual_routes {", "includew /etc/x", "}"], "extra.1", "can't be shown in a plan"),
        # programs, at the instance's level and where keepalived reads a keyword all the same
        (
            ['notify_deleted "/usr/local/bin/x -y" root'],
            "extra.0",
            "runs a program, whose path and user are to be checked; use notify.deleted",
        ),
        (["notify_master_rx_lower_pri /bin/x"], "extra.0", "use notify.master_rx_lower_pri"),
        (["notify_of_a_later_release /bin/x"], "extra.0", "use notify or track.scripts"),
        (["virtual_routes {", "notify_master /bin/x", "}"], "extra.1", "runs a program"),
        (["track_file {", "x", "}"], "extra.0", "it reads a file that a vrrp_track_file has to declare"),
        (["auth_hmac {", "key 1 hunter22", "}"], "extra.0", "its keys would be shown in every plan"),
        # blocks that keepalived does not have: their brace closes the instance, and what follows is at the top level
        (
            ["accept {", "}", "}"],
            "extra.0",
            "accept {: has no block here, and } would close the instance; accepted: virtual_routes",
        ),
        (["a {", "b {"], "extra.0", "a {: has no block here"),
        (["virtual_routes {", "b {", "}", "}"], "extra.1", "b {: has no block here"),
        (["vrrp_script x {", "script /bin/x", "}"], "extra.0", "vrrp_script {: has no block here"),
        (["virtual_routes", "no_accept"], "extra.0", "virtual_routes: a block; end the line with {"),
        (["debug 1 \\"], "extra.0", "\\ may hide"),
        ([""], "extra.0", "give one line"),
        (["  "], "extra.0", "give one line"),
        (["no_accept\nx"], "extra.0", "control characters"),
        (["virtual_routes {"], "extra", "a block left open; close it"),
        (["}"], "extra.0", "closes a block that it did not open"),
        (["track_bfd {", "}", "}"], "extra.2", "closes a block that it did not open"),
        # what closes the instance without looking so
        (["} # {", "global_defs { # }", "router_id evil"], "extra.0", "# may hide what a line does"),
        (["virtual_routes { # }"], "extra.0", "# may hide"),
        (["accept ! }"], "extra.0", "! may hide"),
        (["}{"], "extra.0", "a brace in the middle of a line"),
        (["a { b }"], "extra.0", "a brace in the middle of a line"),
        (["accept }"], "extra.0", "a brace in the middle of a line"),
        (["a.b"], "extra.0", "a.b: not a keyword"),
        (["a { b"], "extra.0", "a brace in the middle of a line"),
        (["{"], "extra.0", "{: not a keyword"),
        (["virtual_rules {", "{", "}", "}"], "extra.1", "{: not a keyword"),
        # what sets again what vipbook sets
        (['"priority" 250'], "extra.0", "give it without quotes and signs"),
        (["'priority' 250"], "extra.0", "give it without quotes and signs"),
        (["@^zzz priority 250"], "extra.0", "@ may hide"),
        (["$X=priority"], "extra.0", "$ may hide"),
        (["~SEQ(x,1,2) priority"], "extra.0", "~ may hide"),
        (["virtual_rules {", '"b" c', "}"], "extra.1", "give it without quotes and signs"),
    ],
)
def test_what_is_refused(lines: list[str], path: str, piece: str) -> None:
    (said,) = said_of(extra(*lines))
    assert said.startswith(f"{path}: "), said
    assert piece in said


OWN = """
state interface version virtual_router_id priority advert_int use_vmac vmac_xmit_base nopreempt preempt preempt_delay
unicast_src_ip unicast_peer mcast_src_ip authentication skip_check_adv_addr garp_master_delay garp_master_repeat
garp_master_refresh garp_lower_prio_delay garp_lower_prio_repeat track_interface track_script track_process
virtual_ipaddress virtual_ipaddress_excluded notify notify_master notify_backup notify_fault notify_stop
"""


@pytest.mark.parametrize("keyword", OWN.split())
def test_what_vipbook_writes_itself_is_refused(keyword: str) -> None:
    assert said_of(extra(keyword)) == [
        f"extra.0: {keyword} is vipbook's own to write; use the key that it has for it",
    ]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["no_accept"],
        ["  unicast_ttl 2  "],
        ["virtual_routes {", "10.0.0.0/8 dev enp0s8", "fd00:9::/64 dev enp0s8", "}"],
        ["virtual_routes {", "priority 5", "}"],
        ["notify_priority_changes true"],
        ["smtp_alert"],
        ["garp_extra_if eth1"],
        ["Xy_9 Z"],
        ["virtual_routes { ", "  X_y-9 Z", " } "],
        ["track_bfd {", "bfd1 weight 5", "}", "virtual_rules {", "from 192.0.2.0/24 table 1", "}"],
    ],
)
def test_what_is_let_through(lines: list[str]) -> None:
    (made,) = load(extra(*lines)).clusters
    assert made.extra == tuple(lines)
    assert not made.programs
