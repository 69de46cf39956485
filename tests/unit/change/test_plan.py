"""From what is and what should be to the steps between."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Interface
from typing import Any

import pytest

from tasks.change.package import installed_by
from tasks.change.plan import plan_server
from tasks.change.undo import way_back
from tasks.model.cluster import Cluster, Opening
from tasks.model.plan import ServerPlan
from tasks.model.reading import Unread
from tasks.model.server import Package
from tasks.server.firewall.model import Firewall
from tests.unit.builders import (
    CONFIG,
    GONE,
    H2_IP,
    IPTABLES,
    OUR_LINE,
    REJECT,
    RULES_V4,
    VIP,
    cluster,
    config_file,
    desired,
    instance,
    iptables,
    nft_chain,
    nft_ours,
    nftables,
    server_facts,
    service,
)

BARE_IPTABLES = iptables(IPTABLES.replace(OUR_LINE, ""), RULES_V4.replace(OUR_LINE, ""))
BARE_NFTABLES = nftables(nft_chain(), REJECT, conf="flush ruleset\n", snippet=None)
NO_FIREWALL = Firewall(manager="none")
ABSENT = config_file(text=None, owner=None, group=None, mode=None, modified_at=None)
BARE: dict[str, Any] = {
    "package": Package(manager="apt", version=None),
    "config": ABSENT,
    "service": service(active="inactive", enabled="not-found", main_pid=0, loaded_at=None),
    "instances": (),
    "later": (),
    "firewall": BARE_IPTABLES,
}


def plan(host: str = "H1", **values: Any) -> ServerPlan:  # noqa: ANN401
    found = plan_server(desired(host), server_facts(host, **values), (cluster(),))
    assert isinstance(found, ServerPlan)
    return found


def titles(whole: ServerPlan) -> list[str]:
    return [command.title for step in whole.all_steps for command in step.commands]


@pytest.mark.parametrize("host", ["H1", "H2"])
def test_a_server_that_is_as_declared_needs_nothing(host: str) -> None:
    found = plan(host)
    assert (found.changed, found.all_steps, found.notes, found.refusal) == (False, (), (), None)


@pytest.mark.parametrize("reading", ["package", "config", "service", "firewall"])
def test_what_could_not_be_read_can_not_be_planned(reading: str) -> None:
    assert plan_server(desired("H1"), server_facts("H1", **{reading: GONE}), (cluster(),)) == GONE


@pytest.mark.parametrize("reading", ["instances", "later", "interfaces"])
def test_what_the_plan_does_not_depend_on_may_be_unread(reading: str) -> None:
    assert not isinstance(plan_server(desired("H1"), server_facts("H1", **{reading: GONE}), (cluster(),)), Unread)


@pytest.mark.parametrize("manager", ["pf", "iptables and nftables", "firewalld and iptables"])
def test_a_firewall_that_is_not_handled_is_refused_before_anything(manager: str) -> None:
    found = plan(**(BARE | {"firewall": replace(NO_FIREWALL, manager=manager)}))
    assert found.refusal is not None
    assert found.refusal.startswith(manager)
    assert "handled: iptables, nftables, firewalld" in found.refusal or "at once" in found.refusal
    assert not found.changed


def test_a_bare_server() -> None:
    found = plan(**BARE)
    assert [step.topic for step in found.all_steps] == ["package", "firewall", "firewall", "config", "service"]
    assert [step.topic for step in found.packages] == ["package"]
    assert titles(found)[-2:] == ["sudo systemctl enable keepalived.service", "sudo systemctl start keepalived.service"]
    assert found.steps[-1].diff == "-inactive, not-found\n+active, enabled"


def test_the_package_is_installed_without_a_question() -> None:
    (step,) = plan(**BARE).packages
    before, command = step.commands
    assert not before.sudo
    assert command.argv[:3] == ("apt-get", "install", "-y")
    assert "Dpkg::Options::=--force-confold" in command.argv
    assert command.argv[-1] == "keepalived"


def test_a_bare_server_behind_nftables() -> None:
    found = plan("H2", **(BARE | {"firewall": BARE_NFTABLES}))
    said = titles(found)
    ours = 'ip saddr 100.65.0.11 ip protocol vrrp accept comment "vipbook"'
    assert f"sudo nft 'insert rule inet filter input {ours}'" in said
    checks = [command for step in found.steps for command in step.commands if command.title == "sudo nft -c -f -"]
    assert [each.feed for each in checks] == [b'flush ruleset\ninclude "/etc/.nftables.conf.vipbook"\n']
    assert said.index("sudo nft -c -f -") < said.index("sudo mv -T /etc/.nftables.conf.vipbook /etc/nftables.conf")


@pytest.mark.parametrize(
    ("values", "topics", "summary", "notes"),
    [
        ({"firewall": NO_FIREWALL}, [], "", 0),
        ({"config": config_file(text=CONFIG + "# by hand\n")}, ["config", "service"], "replace", 0),
        ({"config": ABSENT}, ["config", "service"], "write", 0),
        ({"config": config_file(mode=0o644)}, ["access"], "only root may read it", 0),
        ({"config": config_file(owner="bob")}, ["access"], "only root may read it", 0),
        ({"config": config_file(text="x", mode=0o644)}, ["config", "service"], "replace", 0),
        ({"service": service(active="inactive")}, ["service"], "keepalived.service: start", 0),
        ({"service": service(active="failed", enabled="disabled")}, ["service"], "enable and start", 0),
        ({"service": service(enabled="disabled")}, ["service"], "keepalived.service: enable", 0),
        ({"service": service(enabled="disabled", loaded_at=1.0)}, ["service"], "enable and reload", 0),
        ({"service": service(loaded_at=99.0)}, ["service"], "keepalived.service: reload", 0),
        ({"service": service(loaded_at=None)}, ["service"], "keepalived.service: reload", 0),
        ({"service": service(active="inactive", loaded_at=1.0)}, ["service"], "keepalived.service: start", 0),
        ({"instances": ()}, ["service"], "keepalived.service: reload", 0),
        ({"instances": (instance("H1", "master", vrid=12),)}, ["service"], "keepalived.service: reload", 0),
        ({"instances": (instance("H1", "master", vips=()),)}, ["service"], "keepalived.service: reload", 0),
        ({"firewall": iptables(IPTABLES.replace(OUR_LINE, ""))}, ["firewall"], "iptables: open protocol 112", 1),
        ({"firewall": iptables(saved=RULES_V4.replace(OUR_LINE, ""))}, ["firewall"], "the same after a boot", 0),
        ({"firewall": iptables(saved=None)}, [], "", 1),
        ({"firewall": replace(nftables(nft_chain(), nft_ours("100.65.0.12"), REJECT), persistent=None)}, [], "", 1),
    ],
)
def test_each_drift_has_its_own_step(values: dict[str, Any], topics: list[str], summary: str, notes: int) -> None:
    found = plan(**values)
    assert [step.topic for step in found.all_steps] == topics
    assert not summary or summary in found.all_steps[0].summary
    assert len(found.notes) == notes


def test_a_note_says_what_will_not_survive_a_boot() -> None:
    assert plan(firewall=iptables(saved=None)).notes == (
        "there is no /etc/iptables/rules.v4: the rule holds until the next boot only",
    )


@pytest.mark.parametrize("text", [None, CONFIG.replace("hunter22", "oldpass1"), CONFIG + "x\n"])
def test_neither_password_shows_in_the_plan(text: str | None) -> None:
    found = plan(config=ABSENT if text is None else config_file(text=text))
    shown = repr([(step.topic, step.summary, step.diff) for step in found.steps]) + repr(titles(found)) + repr(found)
    assert "hunter22" not in shown
    assert "oldpass1" not in shown
    assert "auth_pass" in shown


def test_a_password_that_alone_changes_is_said_so() -> None:
    step = plan(config=config_file(text=CONFIG.replace("hunter22", "oldpass1"))).steps[0]
    assert step.diff == "/etc/keepalived/keepalived.conf: auth_pass changes (both shown as ***)"


@pytest.mark.parametrize("text", [CONFIG[:-1], CONFIG.replace("\n", "\r\n")], ids=["last line", "CRLF"])
def test_a_change_of_line_ends_alone_is_shown_too(text: str) -> None:
    step = plan(config=config_file(text=text)).steps[0]
    assert step.topic == "config"
    assert step.diff


def test_the_file_is_checked_by_keepalived_before_it_stands_there() -> None:
    said = titles(plan(config=config_file(text="old\n")))
    fresh = "/etc/keepalived/.keepalived.conf.vipbook"
    order = [
        f"sudo install -m 0640 -o root -g root /dev/null {fresh}",
        f"sudo dd of={fresh} conv=fsync status=none",
        f"sudo keepalived --config-test --use-file={fresh}",
        f"sudo mv -T {fresh} /etc/keepalived/keepalived.conf",
        "sudo systemctl reload keepalived.service",
    ]
    assert said == order


def test_the_text_travels_on_standard_input_alone() -> None:
    feeds = [c.feed for step in plan(config=ABSENT).steps for c in step.commands if c.feed is not None]
    assert feeds == [CONFIG.encode()]


@pytest.mark.parametrize(
    ("values", "undo"),
    [
        (
            {"service": service(active="inactive", enabled="disabled")},
            "systemctl stop keepalived.service\nsystemctl disable",
        ),
        ({"service": service(enabled="disabled")}, "systemctl disable keepalived.service"),
        ({"config": config_file(text="old")}, "systemctl reload-or-restart keepalived.service"),
        ({"config": config_file(text="old")}, "restore /etc/keepalived/keepalived.conf"),
        ({"config": ABSENT}, "restore /etc/keepalived/keepalived.conf"),
        ({"firewall": iptables(IPTABLES.replace(OUR_LINE, ""))}, "iptables -w -D INPUT -s 100.65.0.12/32 -p vrrp"),
        ({"firewall": iptables(saved=RULES_V4.replace(OUR_LINE, ""))}, "restore /etc/iptables/rules.v4"),
    ],
)
def test_each_step_brings_its_way_back(values: dict[str, Any], undo: str) -> None:
    assert undo in "\n".join(line for step in plan(**values).steps for line in step.undo)


def test_what_never_ran_is_not_reloaded_on_the_way_back() -> None:
    found = plan(config=ABSENT, service=service(active="inactive"))
    assert "reload" not in "\n".join(line for step in found.steps for line in step.undo)


PLANS = [
    plan(**BARE),
    plan("H2", **(BARE | {"firewall": BARE_NFTABLES})),
    plan(config=config_file(text="old", mode=0o644), service=service(enabled="disabled", active="failed")),
    plan(config=config_file(owner="bob")),
    plan(firewall=iptables(IPTABLES.replace(OUR_LINE, OUR_LINE.replace(".12", ".13")), RULES_V4.replace(OUR_LINE, ""))),
    plan("H2", firewall=nftables(nft_chain(), nft_ours("100.65.0.13"), REJECT, snippet="# old\n")),
]


@pytest.mark.parametrize("whole", PLANS)
def test_every_way_back_is_a_shell_script(whole: ServerPlan) -> None:
    script = way_back("20260101T000000-abc123", whole.steps, 120).script()
    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("whole", PLANS)
def test_keys_of_one_plan_are_unique(whole: ServerPlan) -> None:
    keys = [command.key for step in whole.all_steps for command in step.commands]
    assert len(set(keys)) == len(keys)


def test_a_server_of_two_clusters_reloads_when_either_is_stale() -> None:
    other = cluster(name="db", vrid=12, vips=())
    found = plan_server(desired("H1"), server_facts("H1"), (cluster(), other))
    assert isinstance(found, ServerPlan)
    assert [step.summary for step in found.steps] == ["keepalived.service: reload"]


def test_a_server_with_several_peers_opens_for_each() -> None:
    wanted = replace(desired("H1"), openings=(H2_IP, Opening(address=IPv4Address("100.65.0.14"))))
    found = plan_server(wanted, server_facts("H1"), (cluster(),))
    assert isinstance(found, ServerPlan)
    assert found.steps[0].summary == "iptables: open protocol 112 from 100.65.0.14"


APT = """Reading package lists...
The following additional packages will be installed:
  libnl-3-200
The following NEW packages will be installed:
  keepalived libnl-3-200
  libnl-genl-3-200
The following packages will be upgraded:
  libssl3
Selecting previously unselected package libnl-genl-3-200:amd64.
Setting up libnl-3-200:amd64 (3.7.0-0.2+b1) ...
Setting up libnl-genl-3-200:amd64 (3.7.0-0.2+b1) ...
Setting up keepalived (1:2.2.7-1+b2) ...
Setting up keepalived (1:2.2.7-1+b2) ...
Processing triggers for man-db (2.11.2-2) ...
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (APT, ("keepalived", "libnl-3-200", "libnl-genl-3-200")),
        ("keepalived is already the newest version (1:2.2.7-1+b2).\n", ()),
        ("", ()),
        (" Setting up not-at-the-start (1) ...\nSetting up Upper (1) ...\n", ()),
    ],
)
def test_what_apt_says_is_new(text: str, names: tuple[str, ...]) -> None:
    assert installed_by(text) == names


VIPS = (VIP, IPv6Interface("fd00:100:65::10/64"))


@pytest.mark.parametrize(
    ("declared", "asked"),
    [
        (cluster(), False),
        (cluster(use_vmac=True), False),
        (cluster(vips=VIPS), False),
        (cluster(use_vmac=True, vips=VIPS), True),
    ],
)
def test_an_interface_that_keepalived_would_not_refuse_is_looked_for(declared: Cluster, asked: bool) -> None:  # noqa: FBT001
    """With `dynamic_interfaces` a wrong interface is no error for keepalived: it waits until there is one."""
    found = plan_server(desired("H1"), server_facts("H1", config=config_file(text="old")), (declared,))
    assert isinstance(found, ServerPlan)
    assert ("ip link show dev enp0s8" in titles(found)) is asked
    assert titles(found).index("sudo systemctl reload keepalived.service") == len(titles(found)) - 1


@pytest.mark.parametrize(("declared", "running"), [(True, None), (False, "vrrp11")])
def test_what_runs_with_another_mac_is_reloaded(declared: bool, running: str | None) -> None:  # noqa: FBT001
    instances = (instance("H1", "master", vmac_interface=running),)
    found = plan_server(desired("H1"), server_facts("H1", instances=instances), (cluster(use_vmac=declared),))
    assert isinstance(found, ServerPlan)
    assert [step.summary for step in found.steps] == ["keepalived.service: reload"]
