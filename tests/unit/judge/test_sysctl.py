"""Who may name the VIP with whose MAC: now, and after a boot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.judge.checks.sysctl import judge_sysctl
from tasks.judge.subject import Subject
from tasks.model.server import ConfigFile
from tasks.render.sysctl import sysctl_text
from tests.unit.builders import GONE, cluster, config_file, desired, subject, with_server

SAVED = sysctl_text({"enp0s8": 0})
BOTH = sysctl_text({"enp0s8": 0, "bond0.100": 0})
NO_FILE = config_file(text=None, owner=None, group=None, mode=None, modified_at=None)


def file(text: str = SAVED, **changed: Any) -> ConfigFile:  # noqa: ANN401
    return config_file(**({"text": text, "mode": 0o644} | changed))


def virtual(*interfaces: str, running: object = None, saved: object = None) -> Subject:
    """H1 with a virtual MAC over these interfaces; what is left out is as it should be."""
    wanted = {"H1": replace(desired("H1"), vmac_bases=interfaces), "H2": desired("H2")}
    values = {
        "arp_announce": {"all": 0} | dict.fromkeys(interfaces, 2) if running is None else running,
        "sysctl_file": file(sysctl_text(dict.fromkeys(interfaces, 0))) if saved is None else saved,
    }
    return with_server(subject(desired=wanted), "H1", **values)


@pytest.mark.parametrize(
    ("judged", "status", "piece"),
    [
        (virtual("enp0s8"), "pass", "name its own address"),
        (virtual("enp0s8", "bond0.100"), "pass", "enp0s8, bond0.100"),
        (virtual("enp0s8", running={"all": 2, "enp0s8": 0}), "pass", ""),
        (virtual("enp0s8", running={"all": 1, "enp0s8": 2}), "pass", ""),
        (virtual("enp0s8", saved=file(sysctl_text({"enp0s8": None}))), "pass", ""),
        (virtual("enp0s8", saved=file(mode=0o600)), "pass", ""),
        (virtual("enp0s8", running={"all": 0, "enp0s8": 0}), "fail", "with the MAC of enp0s8"),
        (virtual("enp0s8", running={"all": 0, "enp0s8": 1}), "fail", "with the MAC of enp0s8"),
        (virtual("enp0s8", running={"all": 1, "enp0s8": 1}), "fail", "with the MAC of enp0s8"),
        # The kernel takes what it does not know for 0 (IN_DEV_ARP_ANNOUNCE in arp_solicit).
        (virtual("enp0s8", running={"all": 3, "enp0s8": 2}), "fail", "with the MAC of enp0s8"),
        (virtual("enp0s8", running={"all": 0, "default": 2}), "fail", "with the MAC of enp0s8"),
        (virtual("enp0s8", "bond0.100", running={"all": 0, "enp0s8": 2, "bond0.100": 0}), "fail", "MAC of bond0.100"),
        (virtual("enp0s8", running={"all": 0, "enp0s8": 0}, saved=NO_FILE), "fail", "with the MAC of enp0s8"),
        (virtual("enp0s8", saved=NO_FILE), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file("")), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file(SAVED.replace("= 2", "= 0"))), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file(SAVED.replace("net/", "#net/"))), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file(SAVED + "net/ipv4/conf/enp0s8/arp_announce = 0\n")), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file(BOTH)), "fail", "lost at a boot"),
        (virtual("enp0s8", "bond0.100", saved=file()), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file(mode=0o666)), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file(mode=0o664)), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=file(owner="bob")), "fail", "lost at a boot"),
        (virtual("enp0s8", saved=GONE), "unknown", GONE.reason),
        (virtual("enp0s8", running=GONE), "unknown", GONE.reason),
        (virtual(), "skip", "no cluster of this server uses a virtual MAC"),
        (virtual(running={"all": 0, "enp0s8": 2}, saved=file()), "skip", "no cluster of this server"),
        (virtual(running=GONE), "unknown", GONE.reason),
    ],
)
def test_the_setting_beneath_a_virtual_mac(judged: Subject, status: str, piece: str) -> None:
    finding = judge_sysctl(judged, cluster().server("H1"))
    assert (finding.check, finding.target, finding.status) == ("sysctl", "H1", status), finding.message
    assert piece in finding.message
    assert finding.cause is None


def test_a_failure_shows_both_values_that_the_kernel_goes_by() -> None:
    finding = judge_sysctl(virtual("enp0s8", running={"all": 1, "enp0s8": 0}), cluster().server("H1"))
    assert finding.actual == ("enp0s8: net/ipv4/conf/enp0s8/arp_announce = 0, net/ipv4/conf/all/arp_announce = 1")
    assert judge_sysctl(virtual("enp0s8", running={"all": 0}), cluster().server("H1")).actual == (
        "enp0s8: no such interface"
    )
