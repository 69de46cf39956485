"""What taking an interface down loses, how it is brought back, and how the loss is told."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface

import pytest

from tasks.change.faults.link_down import link_down, lost, refusal, state_commands
from tasks.model.answer import Answers
from tests.unit.builders import answers, server

H1 = server("H1")
ROUTES = """\
default via 100.65.0.1 proto static
10.0.0.0/8 via 100.65.0.1 proto static metric 20 linkdown
100.65.0.0/24 proto kernel scope link src 100.65.0.11
203.0.113.0/24 via 100.65.0.1 table 100 proto static dead linkdown
local 100.65.0.11 table local proto kernel scope host src 100.65.0.11
broadcast 100.65.0.255 table local proto kernel scope link src 100.65.0.11

"""
ROUTES6 = """\
2001:db8::/64 proto kernel metric 256 pref medium
2001:db8:1::/64 via fe80::1 metric 1024 pref medium
default via fe80::1 proto ra metric 1024 expires 1790sec hoplimit 64 pref medium
multicast ff00::/8 table local proto kernel metric 256 pref medium
"""
ADDRESSES6 = "2: enp0s8    inet6 2001:db8::11/64 scope global \\       valid_lft forever preferred_lft forever\n"


def state(routes: str = "", routes6: str = "", addresses6: str = "", path: str = "", neighbors: str = "") -> Answers:
    return answers("H1", routes=routes, routes6=routes6, addresses6=addresses6, path=path, neighbors=neighbors)


def test_what_is_on_the_link_comes_back_before_what_is_behind_it() -> None:
    routes = "10.77.0.0/16 via 172.31.1.1\n172.31.1.1 proto static scope link\n"
    fault = link_down(H1, state(routes, neighbors="100.65.0.1 lladdr 00:00:5e:00:01:64 PERMANENT\n"))
    assert fault.undo == (
        "ip link set dev enp0s8 up",
        "ip neigh replace 100.65.0.1 lladdr 00:00:5e:00:01:64 nud permanent dev enp0s8",
        "ip -4 route replace 172.31.1.1 proto static scope link dev enp0s8",
        "ip -4 route replace 10.77.0.0/16 via 172.31.1.1 dev enp0s8",
    )


def test_what_the_kernel_does_not_bring_back_by_itself_is_brought_back() -> None:
    fault = link_down(H1, state(ROUTES, ROUTES6, ADDRESSES6))
    assert fault.undo == (
        "ip link set dev enp0s8 up",
        "ip -6 addr replace 2001:db8::11/64 dev enp0s8",
        "ip -4 route replace default via 100.65.0.1 proto static dev enp0s8",
        "ip -4 route replace 10.0.0.0/8 via 100.65.0.1 proto static metric 20 dev enp0s8",
        "ip -4 route replace 203.0.113.0/24 via 100.65.0.1 table 100 proto static dev enp0s8",
        "ip -6 route replace 2001:db8:1::/64 via fe80::1 metric 1024 pref medium dev enp0s8",
    )
    assert (fault.summary, fault.undone) == ("enp0s8 down", "enp0s8 up, routes back")
    assert fault.command.title == "sudo ip link set dev enp0s8 down"


VIP6 = "2: enp0s8    inet6 2001:db8::10/64 scope global nodad \\       valid_lft forever preferred_lft forever\n"
ODD6 = """\
2: enp0s8    inet6 2001:db8:9::11/64 scope global deprecated nodad noprefixroute \\ valid_lft forever preferred_lft 0sec
"""


def test_an_address_comes_back_as_it_was() -> None:
    fault = link_down(H1, state(addresses6=ODD6))
    words = "2001:db8:9::11/64 nodad noprefixroute preferred_lft 0"
    assert fault.undo[1:] == (f"ip -6 addr replace {words} dev enp0s8",)
    assert lost(state(addresses6=ODD6), state()) == [words]
    assert lost(state(addresses6=ODD6), state(addresses6=ODD6.replace("deprecated", ""))) == [words]


def test_a_vip_is_keepalived_s_to_move() -> None:
    """By the time of the undo another server bears it: put back here it would stand on both."""
    before, vips = (
        state(addresses6=ADDRESSES6 + VIP6),
        [IPv4Interface("100.65.0.10/24"), IPv6Interface("2001:db8::10/64")],
    )
    assert link_down(H1, before, vips).undo[1:] == ("ip -6 addr replace 2001:db8::11/64 dev enp0s8",)
    assert lost(before, state(addresses6=ADDRESSES6), vips) == []
    assert lost(before, state(), vips) == ["2001:db8::11/64"]
    assert lost(before, state(addresses6=ADDRESSES6)) == ["2001:db8::10/64 nodad"]


def test_a_route_with_a_source_waits_until_the_address_is_no_longer_tentative() -> None:
    routes6 = "2001:db8:1::/64 via fe80::1 src 2001:db8::11 metric 1024 pref medium\n"
    up, address, wait, route = link_down(H1, state(routes6=routes6, addresses6=ADDRESSES6)).undo
    assert address == "ip -6 addr replace 2001:db8::11/64 dev enp0s8"
    assert "ip -6 addr show dev enp0s8 tentative | grep -q inet6" in wait
    assert "$n -lt 50" in wait
    assert route.startswith("ip -6 route replace 2001:db8:1::/64 via fe80::1 src 2001:db8::11 ")
    assert up == "ip link set dev enp0s8 up"


def test_a_server_without_routes_of_its_own() -> None:
    assert link_down(H1, state()).undo == ("ip link set dev enp0s8 up",)


def test_odd_words_are_quoted() -> None:
    fault = link_down(H1, state("default via 100.65.0.1 proto static;reboot\n"))
    assert fault.undo[1] == "ip -4 route replace default via 100.65.0.1 proto 'static;reboot' dev enp0s8"


DEFAULT = "default via 100.65.0.1 proto static"
IN_TABLE = "203.0.113.0/24 via 100.65.0.1 table 100 proto static"
FULL = state(ROUTES, ROUTES6, ADDRESSES6)


@pytest.mark.parametrize(
    ("after", "missing"),
    [
        (FULL, []),
        (state(ROUTES.replace(" dead", "").replace(" linkdown", ""), ROUTES6, ADDRESSES6), []),
        (state(ROUTES + "192.0.2.0/24 via 100.65.0.1\n", ROUTES6, ADDRESSES6), []),
        (state("\n".join(ROUTES.splitlines()[::-1]), ROUTES6, ADDRESSES6), []),
        (state(ROUTES.replace("100.65.0.0/24 proto kernel", "# "), ROUTES6, ADDRESSES6), []),
        (state(ROUTES.partition("\n")[2], ROUTES6, ADDRESSES6), ["default via 100.65.0.1 proto static"]),
        (
            state(ROUTES.replace("metric 20", "metric 30"), ROUTES6, ADDRESSES6),
            ["10.0.0.0/8 via 100.65.0.1 proto static metric 20"],
        ),
        (state(ROUTES.replace("table 100 ", ""), ROUTES6, ADDRESSES6), [IN_TABLE]),
        (state(ROUTES, "", ADDRESSES6), ["2001:db8:1::/64 via fe80::1 metric 1024 pref medium"]),
        (state(ROUTES, ROUTES6), ["2001:db8::11/64"]),
        (
            state("", ROUTES6),
            [DEFAULT, "10.0.0.0/8 via 100.65.0.1 proto static metric 20", IN_TABLE, "2001:db8::11/64"],
        ),
    ],
)
def test_lost(after: Answers, missing: list[str]) -> None:
    assert lost(FULL, after) == missing


@pytest.mark.parametrize(
    ("path", "carried"),
    [
        ("192.0.2.9 40000 100.65.0.11 22\n", True),
        ("192.0.2.9 40000 127.0.1.11 22\n", False),
        ("100.65.0.11 40000 192.0.2.1 22\n", False),
        ("", False),
        ("\n", False),
    ],
)
def test_the_interface_that_carries_the_session(path: str, carried: bool) -> None:  # noqa: FBT001
    assert (refusal(H1, state(path=path)) is not None) is carried


def test_the_questions_are_about_the_servers_interface_and_change_nothing() -> None:
    commands = state_commands(server("H1", interface="bond0.100"))
    assert [command.key for command in commands] == ["routes", "routes6", "addresses6", "neighbors", "path"]
    assert all("bond0.100" in command.argv for command in commands[:4])
    assert not any(command.sudo for command in commands)
