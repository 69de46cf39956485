"""Rules on what keepalived makes of an intent: each goes red with file, line, path and mend."""

from __future__ import annotations

import pytest

from tasks.intent.load import Intent, load_intent
from tasks.model.errors import IntentError
from tests.unit.builders import CLUSTERS_YAML

V3 = CLUSTERS_YAML.replace("version: 2", "version: 3").replace("    auth_pass: {clear: hunter22}\n", "")
NO_PASSWORD = CLUSTERS_YAML.replace("    auth_pass: {clear: hunter22}\n", "")
LOCAL = {"H1": "fe80::11/64", "H2": "fe80::12/64"}
ROUTED = {"H1": "fd00:100:65::11/64", "H2": "fd00:100:65::12/64"}
VIPS6 = "vips: [100.65.0.10/24, 'fd00:100:65::10/64']"


def six(addresses: dict[str, str] = ROUTED, *, vips: str = VIPS6, unicast: bool = True) -> str:
    """A cluster of both families with VRRPv3."""
    text = V3.replace("vips: [100.65.0.10/24]", vips)
    text = text.replace("advert_int: 1", f"advert_int: 1\n    unicast: {str(unicast).lower()}")
    for host, address in addresses.items():
        last = "11" if host == "H1" else "12"
        text = text.replace(f"100.65.0.{last}/24,", f"100.65.0.{last}/24, address6: '{address}',")
    return text


def keys(*lines: str, text: str = CLUSTERS_YAML) -> str:
    """The cluster with these keys before its servers."""
    return text.replace("    servers:", "".join(f"    {line}\n" for line in lines) + "    servers:")


def load(text: str) -> Intent:
    return load_intent(text, "clusters.yaml", lambda entry: entry.clear or "", need_secrets=True)


def said_of(text: str) -> list[str]:
    with pytest.raises(IntentError) as caught:
        load(text)
    return [each.partition("clusters.web.")[2] for each in caught.value.problems]


APP_WEIGHT = "track: {processes: {app: {process: a, weight: -50}}}"
SCRIPT = "track: {scripts: {chk: {command: /bin/true, weight: -50}}}"
MORE = "instances: {front: {vrid: 12, vips: [100.65.0.20/24]%s}}"


def weighted(weight: int, first: int, second: int, *more: str, kind: str = "scripts") -> str:
    """Two priorities, and something tracked with a weight, preempt_delay set so that nothing else is said."""
    what = "chk: {command: /bin/true, weight: %d}" if kind == "scripts" else "app: {process: a, weight: %d}"
    text = keys("preempt_delay: 5", "sync_group: false", f"track: {{{kind}: {{{what % weight}}}}}", *more)
    text = text if more else text.replace("    sync_group: false\n", "")
    return text.replace("priority: 100", f"priority: {first}").replace("priority: 1,", f"priority: {second},")


@pytest.mark.parametrize(
    ("text", "path", "piece"),
    [
        (six({}), "servers.H1.address6", "missing; with VRRPv3 IPv6 VIPs have adverts of their own"),
        (six({"H1": ROUTED["H1"]}), "servers.H2.address6", "add it, as fd00:100:65::11/64"),
        (six({"H1": LOCAL["H1"]}, unicast=False), "servers.H2.address6", "add it, as fe80::a00"),
        (six(LOCAL), "servers.H1.address6", "link-local, and peers are told a routable one"),
        (six(unicast=False), "servers.H1.address6", "come from a link-local address (RFC 9568 5.1.2.1)"),
        (six(unicast=False), "servers.H2.address6", "fd00:100:65::12/64 is not link-local: multicast adverts"),
        (six(vips="vips: [100.65.0.10/24]"), "servers.H1.address6", "no IPv6 VIP has adverts of its own here; remove"),
        (six({**ROUTED, "H1": "ff02::1/64"}), "servers.H1.address6", "no IPv6 address of an interface"),
        (six().replace("::12/64", "::11/64"), "servers.H2.address6", "already H1; give each its own"),
        (six().replace("vrid: 11", "vrid: 11\n    vrid6: 256"), "vrid6", "less than or equal to 255"),
        (keys("vrid6: 12"), "vrid6", "there is no second instance for IPv6 VIPs; remove it"),
        (keys(MORE % ", vrid6: 13"), "instances.front.vrid6", "there is no second instance for IPv6 VIPs; remove it"),
        (six().replace("65::10/64", "66::10/64"), "vips.1", "outside fd00:100:65::/64"),
        (keys(MORE.replace("/24]", "/24, 'fd99::1/64']") % "", text=six()), "instances.front.vips.1", "outside fd00"),
        (keys(MORE.replace("100.65.0.20/24", "'fd00::1/64'") % ""), "instances.front.vips", "no IPv4 VIP, and"),
        (keys("preempt: false", "preempt_delay: 30"), "preempt_delay", "nothing to delay with preempt: false"),
        (keys("preempt_delay: 1001"), "preempt_delay", "less than or equal to 1000"),
        (keys("preempt: false", SCRIPT), "track.scripts.chk.weight", "leave weight out, so that it goes to FAULT"),
        (keys("preempt: false", APP_WEIGHT), "track.processes.app.weight", "so that it goes to FAULT"),
        (keys("track: {scripts: {chk: {command: true}}}"), "track.scripts.chk.command", "valid string"),
        (keys("track: {scripts: {chk: {command: /bin/a;rm}}}"), "track.scripts.chk.command", "match pattern"),
        (keys("track: {scripts: {chk: {comand: /bin/a}}}"), "track.scripts.chk.comand", "did you mean 'command'?"),
        (keys("track: {scripts: {chk: {command: /bin/a, timeout: 9}}}"), "track.scripts.chk.timeout", "at most 4"),
        (keys("track: {processes: {app: {process: a, delay: 0}}}"), "track.processes.app.delay", "0.01"),
        (six(ROUTED).replace("int: 1", f"int: 1\n    {SCRIPT}"), "track.scripts.chk.weight", "in a sync group"),
        (keys("sync_group: true", SCRIPT, MORE % ""), "track.scripts.chk.weight", "or set sync_group: false"),
        (keys(SCRIPT, MORE % "", text=six()), "track.scripts.chk.weight", "in a sync group"),
        (six({**ROUTED, "H2": "fd00:200:65::12/64"}), "servers.H2.address6", "outside fd00:100:65::/64, the subnet of"),
        (six({**ROUTED, "H2": "fd00:200:65::12/64"}).replace("65::10/64", "66::10/64"), "vips.1", "outside fd00:100"),
        (keys(MORE.replace("front", "'6'") % ""), "instances.6", "take another one"),
        (keys("track: {interfaces: [enp0s8]}"), "track.interfaces.0", "the interface of H1, tracked anyway; remove it"),
        (keys("track: {interfaces: [eth9, eth9]}"), "track.interfaces.1", "stands twice; keep one"),
        (keys("track: {processes: {app: {process: a, quorum: 0}}}"), "track.processes.app.quorum", "greater than"),
        (keys("sync_group: true"), "sync_group", "one instance alone has nothing to be in step with"),
        (keys("sync_group: true", MORE % ", priorities: {H1: 1, H2: 9}"), "instances.front.priorities", "pull them ap"),
        (keys(MORE % ", priorities: {H9: 9}"), "instances.front.priorities.H9", "accepted: H1, H2"),
        (keys(MORE % ", priorities: {H1: 5, H2: 5}"), "instances.front.priorities.H2", "5 is H1's too"),
        (keys(MORE % ", priorities: {H1: 1}"), "servers.H2.priority", "1 is H1's too"),
        (keys(MORE.replace("front", "front_6") % ""), "instances.front_6", "take another one"),
        (keys(MORE.replace("vrid: 12", "vrid: 11") % ""), "instances.front.vrid", "give each instance of a VLAN"),
        (keys(MORE.replace("0.20/", "0.10/") % ""), "instances.front.vips.0", "stands twice; keep one"),
        (keys(MORE.replace("0.20/24", "1.20/24") % ""), "instances.front.vips.0", "outside 100.65.0.0/24"),
        (keys("garp: {delay: 5}", text=V3.replace("int: 1", "int: 0.1")), "garp.delay", "give at most 1, or leave it"),
        (keys("garp: {repeat: 0}"), "garp.repeat", "greater than or equal to 1"),
        (keys("garp: {dealy: 1}"), "garp.dealy", "did you mean 'delay'?"),
        (keys("excluded: [100.65.0.10/24]"), "excluded.0", "100.65.0.10 stands in vips too; keep one"),
        (keys(MORE % ", excluded: [100.65.0.20/24]"), "instances.front.excluded.0", "stands in vips too; keep one"),
        (keys("notify: {mastre: /bin/a}"), "notify.mastre", "did you mean 'master'?"),
        (keys("track: {interface: [eth9]}"), "track.interface", "accepted: interfaces, scripts, processes; did"),
        (keys(APP_WEIGHT.replace("weight", "wieght")), "track.processes.app.wieght", "did you mean 'weight'?"),
        (keys(MORE % ", exclude: []"), "instances.front.exclude", "accepted: vrid, vrid6, vips, excluded, priorities;"),
        (keys("excluded: [100.65.1.10/24]"), "excluded.0", "outside 100.65.0.0/24"),
        (keys("auth_type: AH", text=NO_PASSWORD), "auth_type", "there is none; add auth_pass"),
        (keys("notify: {master: 'x y'}"), "notify.master", "match pattern"),
        (keys("script_user: 'Root User'"), "script_user", "match pattern"),
    ],
)  # fmt: skip
def test_one_broken_rule(text: str, path: str, piece: str) -> None:
    said = said_of(text)
    assert any(each.startswith(f"{path}: ") and piece in each for each in said), said


@pytest.mark.parametrize(
    "text",
    [
        six(),
        six(LOCAL, unicast=False),
        six(vips="vips: ['fd00:100:65::10/64']"),
        six().replace("vrid: 11", "vrid: 11\n    vrid6: 12"),
        keys(MORE % "", text=six()),
        keys("preempt: false"),
        keys("preempt_delay: 30", "track: {interfaces: [eth9]}"),
        keys("garp: {delay: 1}", text=V3.replace("int: 1", "int: 0.1")),
        keys("garp: {delay: 9}", text=V3.replace("int: 1", "int: 0.9")),
        keys(MORE % ", priorities: {H1: 1, H2: 100}"),
        keys("sync_group: true", MORE % ""),
        keys("excluded: [100.65.0.30/24, 'fd00:1::1/64']"),
        keys("auth_type: AH"),
        keys("auth_type: PASS"),
        weighted(-51, 100, 50),
        weighted(51, 100, 50),
        weighted(-51, 100, 50, kind="processes"),
        keys("preempt: false", "track: {interfaces: [eth9], scripts: {chk: {command: /bin/true}}}"),
        keys("preempt_delay: 5", "track: {scripts: {chk: {command: /bin/true, interval: 3, timeout: 6}}}"),
        keys("preempt_delay: 5", SCRIPT, "sync_group: false", MORE % "")
        .replace("-50", "-120")
        .replace("priority: 1,", "priority: 50,"),
        keys("garp: {delay: 30}", text=V3),
        keys("garp: {delay: 17}", text=V3.replace("int: 1", "int: 0.9")),
        keys("notify: {master: '/usr/local/bin/n.sh a --b=c', any: /bin/true}"),
    ],
)
def test_what_works_is_let_through_without_a_word(text: str) -> None:
    assert load(text).warnings == ()


PAIR = "leaf: [L1, L2], port: bond1"
PAIRED = "clusters.web.preempt_delay: 0 s, and H1 hangs on L1 and L2"


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        (CLUSTERS_YAML.replace("leaf: L1, port: swp1", PAIR), PAIRED),
        (CLUSTERS_YAML.replace("leaf: L1, port: swp1", PAIR).replace("leaf: L2, port: swp1", PAIR + "1"), PAIRED),
        (keys("track: {processes: {app: {process: a}}}"), "each time that app comes back"),
        (keys("track: {interfaces: [eth9, eth8]}"), "preempt_delay: 0 s, and each time that eth9 comes back the VIP"),
        (keys("track: {scripts: {chk: {command: /bin/true}}}"), "each time that chk comes back"),
        (keys("preempt_delay: 5", SCRIPT), "no weight takes 100 below 1, the lowest; give the backup more"),
        (weighted(-120, 100, 1), "no weight takes 100 below 1, the lowest"),
        (weighted(-1, 100, 1), "no weight takes 100 below 1, the lowest"),
        (weighted(1, 254, 253), "1 brings both highest priorities to 254 while all is well"),
        (weighted(50, 100, 1), "50 does not bridge the 99 between"),
        (weighted(-50, 100, 50), "web.track.scripts.chk.weight: -50 does not bridge the 50 between the two highest"),
        (weighted(50, 100, 50), "50 does not bridge the 50 between the two highest priorities"),
        (weighted(49, 100, 50), "give more than 50"),
        (weighted(200, 100, 60), "200 brings both highest priorities to 254 while all is well; take lower priorities"),
        (weighted(-40, 100, 50, kind="processes"), "web.track.processes.app.weight: -40 does not bridge the 50"),
        (weighted(-60, 100, 50, "instances: {f: {vrid: 12, vips: [100.65.0.20/24], priorities: {H1: 10, H2: 200}}}"),
         "-60 does not bridge the 190"),
    ],
)  # fmt: skip
def test_what_will_surprise_is_a_warning(text: str, piece: str) -> None:
    (said,) = load(text).warnings
    assert piece in said
