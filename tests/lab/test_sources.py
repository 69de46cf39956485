"""Where vtysh may not be used the same round trip asks what the leaf has instead, and says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric

pytestmark = pytest.mark.lab

# As NCLU words it on Cumulus Linux up to 5.8: the same questions, the same JSON, and no sudo needed.
NCLU = '#!/bin/sh\n[ "$1" = show ] || exit 1\nexec vtysh -c "$*"\n'
WITHOUT_VTYSH = "cumulus ALL=(root) NOPASSWD: /usr/sbin/bridge, /sbin/bridge, /usr/sbin/lldpctl"


@pytest.fixture
def refused(healthy: Fabric) -> Iterator[Fabric]:
    """L2's user may not run vtysh as root, and its group may not talk to FRR either."""
    healthy.shell("L2", "sh", "-c", "mkdir -p /root/sudoers && mv /etc/sudoers.d/* /root/sudoers/")
    healthy.shell(
        "L2", "sh", "-c", f"echo '{WITHOUT_VTYSH}' > /etc/sudoers.d/vipbook; chmod 0440 /etc/sudoers.d/vipbook"
    )
    yield healthy
    undo = "rm -f /etc/sudoers.d/vipbook /usr/local/bin/net /usr/bin/net; mv /root/sudoers/* /etc/sudoers.d/"
    healthy.shell("L2", "sh", "-c", undo)
    healthy.shell("L2", "sh", "-c", "gpasswd -d cumulus frrvty >/dev/null 2>&1; true")


def test_without_any_way_to_ask_frr_all_of_it_is_unknown(refused: Fabric) -> None:
    ran = refused.vipbook("verify", "--json")
    assert ran.code == 3, ran.problems()
    for check in ("evpn-mac", "evpn-arp", "bgp-type2", "duplicate", "evpn-session"):
        assert ran.checks()[f"{check}/L2"]["status"] == "unknown"
        assert "sudo" in ran.checks()[f"{check}/L2"]["message"]
    assert ran.checks()["neighbor/L2"]["status"] == "pass"


def test_nclu_answers_in_the_place_of_vtysh(refused: Fabric) -> None:
    refused.shell("L2", "usermod", "-aG", "frrvty", "cumulus")
    refused.shell("L2", "sh", "-c", 'printf %s "$1" > /usr/bin/net && chmod 755 /usr/bin/net', "sh", NCLU)
    ran = refused.vipbook("verify", "--json")
    assert ran.code == 0, ran.problems()
    for check in ("evpn-mac", "evpn-arp", "bgp-type2", "duplicate", "evpn-session"):
        commands = {each["command"] for each in ran.checks()[f"{check}/L2"]["evidence"]}
        assert all(command.startswith("net show ") for command in commands), commands
        commands = {each["command"] for each in ran.checks()[f"{check}/L1"]["evidence"]}
        assert all(command.startswith("sudo vtysh ") for command in commands), commands
