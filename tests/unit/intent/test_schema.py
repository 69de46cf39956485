"""The gate where YAML becomes intent: every refusal with file, line, path and mend."""

from __future__ import annotations

import pytest

from tasks.intent.load import Intent, load_intent
from tasks.model.cluster import Secret
from tasks.model.errors import IntentError
from tasks.model.mac import MacAddress
from tests.unit.builders import CLUSTERS_YAML, cluster, fabric

SOURCE = "inventory/clusters.yaml"


def load(text: str) -> Intent:
    return load_intent(text, SOURCE, lambda entry: entry.clear or "", need_secrets=True)


def problems(old: str, new: str) -> tuple[str, ...]:
    """What is said of the healthy file with one place of it changed."""
    assert CLUSTERS_YAML.count(old) >= 1
    with pytest.raises(IntentError) as caught:
        load(CLUSTERS_YAML.replace(old, new, 1))
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_the_healthy_file_is_the_model() -> None:
    intent = load(CLUSTERS_YAML)
    assert intent.clusters == (cluster(fabric=fabric(leaves=("L1", "L2")), probes=("I1",)),)
    assert intent.warnings == ()


def test_what_is_left_out_has_its_default() -> None:
    text = "".join(
        line
        for line in CLUSTERS_YAML.splitlines(keepends=True)
        if not any(key in line for key in ("version", "advert_int", "auth_pass", "vrr:", "probes"))
    )
    (found,) = load(text).clusters
    assert (found.version, found.advert_int, found.preempt, found.unicast) == (2, 1.0, True, False)
    assert (found.auth_pass, found.probes, found.fabric.vrr, found.fabric.vlan) == (None, (), None, None)
    assert (found.fabric.bridge, found.fabric.allowance_s) == ("vlan100", 1.0)


def test_everything_given_arrives() -> None:
    more = "vni: 100\n      bridge: br_default\n      vlan: 10\n      allowance: 2.5"
    text = CLUSTERS_YAML.replace("vni: 100", more, 1).replace("version: 2", "version: 3\n    preempt: false", 1)
    text = text.replace("advert_int: 1", "advert_int: 0.1\n    unicast: true", 1)
    (found,) = load(text.replace("    auth_pass: {clear: hunter22}\n", "")).clusters
    assert (found.version, found.advert_int, found.preempt, found.unicast) == (3, 0.1, False, True)
    assert (found.fabric.bridge, found.fabric.vlan, found.fabric.allowance_s) == ("br_default", 10, 2.5)


def test_a_virtual_mac_and_vips_of_both_families() -> None:
    text = CLUSTERS_YAML.replace("vips: [", "use_vmac: true\n    vips: [fd00:100:65::10/64, ", 1)
    (found,) = load(text.replace("10/24]", "10/24, 100.65.0.9/24, 'FD00:100:65:0::B/64']", 1)).clusters
    assert found.use_vmac
    assert found.vmac == MacAddress("00:00:5e:00:01:0b")
    assert [str(vip) for vip in found.vips] == [
        "100.65.0.10/24",
        "100.65.0.9/24",
        "fd00:100:65::10/64",
        "fd00:100:65::b/64",
    ]


@pytest.mark.parametrize(
    ("old", "new", "leaves", "port"),
    [
        ("leaf: L2, port: swp1", "leaf: [L1, L2], port: bond1", ("L1", "L2"), "bond1"),
        ("leaf: L2, port: swp1", "leaf: [L1, L2]", ("L1", "L2"), None),
        ("leaf: L2, port: swp1", "leaf: L2", ("L2",), None),
        (", leaf: L2, port: swp1", "", (), None),
    ],
)
def test_the_place_of_a_server(old: str, new: str, leaves: tuple[str, ...], port: str | None) -> None:
    (found,) = load(CLUSTERS_YAML.replace(old, new, 1)).clusters
    assert (found.server("H2").leaves, found.server("H2").port) == (leaves, port)


H2 = "H2: {interface: enp0s8, address: 100.65.0.12/24, priority: 1, leaf: L2, port: swp1}"
RED = [
    # what stands there, what is put in its place, line and path named, a piece of the mend
    ("vrid: 11", "vrid: 0", "3: clusters.web.vrid", "greater than or equal to 1 (given 0)"),
    ("vrid: 11", "vrid: 256", "3: clusters.web.vrid", "less than or equal to 255 (given 256)"),
    ("vrid: 11", "vrid: '11'", "3: clusters.web.vrid", "valid integer (given '11')"),
    ("vrid: 11", "vrid: true", "3: clusters.web.vrid", "valid integer (given True)"),
    ("vrid: 11", "vrid: 1.5", "3: clusters.web.vrid", "valid integer (given 1.5)"),
    ("vrid: 11", "vrid:", "3: clusters.web.vrid", "(given nothing)"),
    ("    vrid: 11\n", "", "2: clusters.web.vrid", "missing; add this key"),
    ("[100.65.0.10/24]", "[]", "4: clusters.web.vips", "at least 1 item"),
    ("[100.65.0.10/24]", "100.65.0.10/24", "4: clusters.web.vips", "valid list"),
    ("[100.65.0.10/24]", str([f"100.65.0.{i}/24" for i in range(20, 41)]), "4: clusters.web.vips", "at most 20"),
    ("100.65.0.10/24", "100.65.0.10", "4: clusters.web.vips.0", "lacks its prefix length; write it as 100.65.0.10/24"),
    ("100.65.0.10/24", "10", "4: clusters.web.vips.0", "lacks its prefix length; write it as 100.65.0.10/24"),
    ("100.65.0.10/24", "100.65.0.300/24", "4: clusters.web.vips.0", "no IPv4 address with prefix length; write it as"),
    ("100.65.0.10/24", "100.65.0.10/33", "4: clusters.web.vips.0", "no IPv4 address with prefix length; write it as"),
    (
        "[100.65.0.10/24]",
        "[100.65.0.10/24, '2001:db8::1']",
        "4: clusters.web.vips.1",
        "lacks its prefix length; write it as fd00:100:65::10/64",
    ),
    (
        "[100.65.0.10/24]",
        "[100.65.0.10/24, '2001:db8::1/129']",
        "4: clusters.web.vips.1",
        "no IPv6 address with prefix length; write it as fd00:100:65::10/64",
    ),
    (
        "[100.65.0.10/24]",
        "[100.65.0.10/24, '2001:db8::g/64']",
        "4: clusters.web.vips.1",
        "no IPv6 address with prefix length",
    ),
    (
        "[100.65.0.10/24]",
        "[100.65.0.10/24, 'fe80::1/64']",
        "4: clusters.web.vips.1",
        "is link-local; take a global or unique local address",
    ),
    ("[100.65.0.10/24]", "[100.65.0.10/24, 'fe80::1%eth0/64']", "4: clusters.web.vips.1", "is link-local"),
    (
        "[100.65.0.10/24]",
        "[100.65.0.10/24, '2001:db8::1%eth0/64']",
        "4: clusters.web.vips.1",
        "is an address with a zone",
    ),
    ("[100.65.0.10/24]", "[100.65.0.10/24, 'ff02::12/64']", "4: clusters.web.vips.1", "is multicast"),
    ("[100.65.0.10/24]", "[100.65.0.10/24, '::1/128']", "4: clusters.web.vips.1", "is loopback"),
    ("[100.65.0.10/24]", "[100.65.0.10/24, '::/64']", "4: clusters.web.vips.1", "is unspecified"),
    ("[100.65.0.10/24]", "[100.65.0.10/24, '::ffff:100.65.0.9/120']", "4: clusters.web.vips.1", "is IPv4-mapped"),
    (
        "[100.65.0.10/24]",
        "[100.65.0.10/24, '2001:db8::1/0']",
        "4: clusters.web.vips.1",
        "is with its prefix the whole of IPv6",
    ),
    ("version: 2", "version: 4", "5: clusters.web.version", "2 or 3 (given 4)"),
    ("version: 2", "version: '2'", "5: clusters.web.version", "2 or 3"),
    ("advert_int: 1", "advert_int: 0", "6: clusters.web.advert_int", "greater than or equal to 0.01"),
    ("advert_int: 1", "advert_int: 256", "6: clusters.web.advert_int", "less than or equal to 255"),
    ("advert_int: 1", "advert_int: .nan", "6: clusters.web.advert_int", "given nan"),
    ("advert_int: 1", "advert_int: 1s", "6: clusters.web.advert_int", "valid number (given '1s')"),
    (H2, "H3: 7", "10: clusters.web.servers.H3", "(given 7)"),
    (f"      {H2}\n", "", "8: clusters.web.servers", "at least 2 items"),
    ("H2: {", "-H2: {", "10: clusters.web.servers.-H2", "pattern"),
    ("H2: {", "'H 2': {", "10: clusters.web.servers.H 2", "pattern"),
    ("priority: 1,", "priority: 0,", "10: clusters.web.servers.H2.priority", "greater than or equal to 1 (given 0)"),
    ("priority: 1,", "priority: 255,", "10: clusters.web.servers.H2.priority", "less than or equal to 254 (given 255)"),
    ("priority: 1,", "", "10: clusters.web.servers.H2.priority", "missing; add this key"),
    ("100.65.0.12/24", "100.65.0.12", "10: clusters.web.servers.H2.address", "lacks its prefix length"),
    ("100.65.0.12/24", "7", "10: clusters.web.servers.H2.address", "lacks its prefix length"),
    ("100.65.0.12/24", "100.65.0.12/24, address6: 7", "10: clusters.web.servers.H2.address6", "lacks its prefix"),
    ("100.65.0.10/24", "[7]", "4: clusters.web.vips.0", "lacks its prefix length"),
    (
        "100.65.0.12/24",
        "'fd00::12/64'",
        "10: clusters.web.servers.H2.address",
        "is IPv6; a server's own address is the",
    ),
    ("leaf: L2", "leaf: 'L 2'", "10: clusters.web.servers.H2.leaf", "pattern"),
    ("leaf: L2", "leaf: 7", "10: clusters.web.servers.H2.leaf", "valid string (given 7)"),
    ("leaf: L2", "leaf: {a: b}", "10: clusters.web.servers.H2.leaf", "valid string (given a mapping)"),
    ("leaf: L2", "leaf: []", "10: clusters.web.servers.H2.leaf", "a list of 0; name both of an MLAG pair"),
    ("leaf: L2", "leaf: []", "10: clusters.web.servers.H2.leaf", "or one leaf as L1"),
    ("[100.65.0.10/24]", "\n      - 100.65.0.10/24\n      - 100.65.0.9", "6: clusters.web.vips.1", "lacks its prefix"),
    ("leaf: L2", "leaf: [L2]", "10: clusters.web.servers.H2.leaf", "a list of 1; name both of an MLAG pair"),
    ("leaf: L2", "leaf: [L2]", "10: clusters.web.servers.H2.leaf", "or one leaf as L2"),
    ("leaf: L2", "leaf: [L1, 'L 2']", "10: clusters.web.servers.H2.leaf.1", "pattern"),
    ("leaf: L2", "leaf: [L1, 2]", "10: clusters.web.servers.H2.leaf.1", "valid string (given 2)"),
    ("port: swp1}", "port: 7}", "9: clusters.web.servers.H1.port", "valid string (given 7)"),
    ("vrid: 11", "vrid: 11\n    use_vmac: 1", "4: clusters.web.use_vmac", "valid boolean (given 1)"),
    ("vrid: 11", "vrid: 11\n    usevmac: true", "4: clusters.web.usevmac", "did you mean 'use_vmac'?"),
    ("enp0s8", "a23456789012345x", "9: clusters.web.servers.H1.interface", "pattern"),
    ("enp0s8", '"swp 1"', "9: clusters.web.servers.H1.interface", "pattern"),
    ("enp0s8", '"swp1\\n"', "9: clusters.web.servers.H1.interface", "pattern"),
    ("enp0s8", '"swp1;reboot"', "9: clusters.web.servers.H1.interface", "pattern"),
    ("enp0s8", '""', "9: clusters.web.servers.H1.interface", "pattern"),
    ("vni: 100", "vni: 0", "12: clusters.web.fabric.vni", "greater than or equal to 1"),
    ("vni: 100", "vni: 16777216", "12: clusters.web.fabric.vni", "less than or equal to 16777215"),
    ("leaves: [L1, L2]", "leaves: []", "16: clusters.web.fabric.leaves", "at least 1 item"),
    ("svi: vlan100", "svi: vlan 100", "13: clusters.web.fabric.svi", "pattern"),
    ("vni: 100", "vni: 100\n      vlan: 0", "13: clusters.web.fabric.vlan", "greater than or equal to 1"),
    ("vni: 100", "vni: 100\n      vlan: 4095", "13: clusters.web.fabric.vlan", "less than or equal to 4094"),
    ("vni: 100", "vni: 100\n      allowance: 0", "13: clusters.web.fabric.allowance", "greater than 0"),
    ("vni: 100", "vni: 100\n      allowance: 61", "13: clusters.web.fabric.allowance", "less than or equal to 60"),
    ("probes: [I1]", "probes: I1", "17: clusters.web.probes", "valid list"),
    ("probes: [I1]", "preempt: 1", "17: clusters.web.preempt", "valid boolean"),
    ("probes: [I1]", "unicast: 'yes'", "17: clusters.web.unicast", "valid boolean"),
    ("  web:", "  'we b':", "2: clusters.we b", "pattern"),
    ("  web:", "  w/b:", "2: clusters.w/b", "pattern"),
    ("{clear: hunter22}", "hunter22", "7: clusters.web.auth_pass", "give {env: NAME} or {file: PATH}"),
    ("{clear: hunter22}", "[hunter22]", "7: clusters.web.auth_pass", "give {env: NAME} or {file: PATH}"),
    # unknown keys name what is accepted at that very place, and the nearest
    ("vips:", "vipz: 1\n    vips:", "4: clusters.web.vipz", "accepted: vrid, vrid6, vips, excluded, servers, fabric,"),
    ("vips:", "vipz: 1\n    vips:", "4: clusters.web.vipz", "did you mean 'vips'?"),
    (
        "port: swp1}",
        "prot: swp1}",
        "9: clusters.web.servers.H1.prot",
        "accepted: interface, address, priority, address6, leaf, port",
    ),
    ("port: swp1}", "port: swp1, prt: 1}", "9: clusters.web.servers.H1.prt", "did you mean 'port'?"),
    ("vni: 100", "vni: 100\n      brigde: x", "13: clusters.web.fabric.brigde", "did you mean 'bridge'?"),
    ("{clear: hunter22}", "{claer: hunter22}", "7: clusters.web.auth_pass.claer", "accepted: env, file, clear"),
]


@pytest.mark.parametrize(("old", "new", "place", "piece"), RED)
def test_one_wrong_value_is_named_with_place_and_mend(old: str, new: str, place: str, piece: str) -> None:
    said = problems(old, new)
    assert any(each.startswith(f"{SOURCE}:{place}: ") and piece in each for each in said), said
    assert not any("hunter22" in each for each in said)


def test_a_key_far_from_all_others_gets_no_guess() -> None:
    (said,) = problems("probes: [I1]", "zzz: 1")
    assert said.endswith(", notify, extra, instances, checks")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: (top level): "),
        ("[]", ":1: (top level): "),
        ("hello", ":1: (top level): "),
        ("clusters:", ":1: clusters: "),
        ("clusters: {}", ":1: clusters: dictionary should have at least 1 item"),
        ("{}", ":1: clusters: missing; add this key"),
        ("clustres: {}", "did you mean 'clusters'?"),
        ("\n\nclusters: 3", ":3: clusters: "),
    ],
)
def test_a_file_of_another_shape(text: str, said: str) -> None:
    with pytest.raises(IntentError) as caught:
        load(text)
    assert any(said in each for each in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    "entry",
    [
        "hunter22",
        "22334455",
        "[hunter22]",
        "{claer: hunter22}",
        "{clear: 22334455}",
        "{clear: [hunter22]}",
        "{clear: {hunter22: 1}}",
        "{clear: hunter22, file: x}",
        "{clear: hunter22long}",
        "{clear: 'hunter2 '}",
        "{clear: *hunter22}",
        "{clear: !hunter22 x}",
        "{clear: 'hunter22}",
        "{clear: hunter22}}",
    ],
)
def test_no_message_shows_the_secret_however_it_stands_there(entry: str) -> None:
    said = "\n".join(problems("{clear: hunter22}", entry))
    assert "hunter2" not in said
    assert "22334455" not in said


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = CLUSTERS_YAML.replace("vrid: 11", "vrid: 0").replace("priority: 100", "priority: 0").replace("[I1]", "7")
    with pytest.raises(IntentError) as caught:
        load(text)
    places = [each.split(": ")[0:2] for each in caught.value.problems]
    assert places == [
        [f"{SOURCE}:3", "clusters.web.vrid"],
        [f"{SOURCE}:9", "clusters.web.servers.H1.priority"],
        [f"{SOURCE}:17", "clusters.web.probes"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"), [("  web:", "  7:", 2), ("H2: {", "12: {", 10)], ids=["cluster", "server"]
)
def test_a_name_that_yaml_takes_for_a_number_is_named_by_its_own_line(old: str, new: str, line: int) -> None:
    assert any(each.startswith(f"{SOURCE}:{line}: ") for each in problems(old, new))


def test_the_loaded_secret_does_not_show() -> None:
    (found,) = load(CLUSTERS_YAML).clusters
    assert found.auth_pass == Secret("hunter22")
    assert "hunter22" not in repr(found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "vrid: 11",
            "vrid: '11'",
            "3: clusters.web.vrid: should be a valid integer (given '11'); write a whole number,",
        ),
        (
            "vrid: 11",
            f"vrid: '{'9' * 400}'",
            f"3: clusters.web.vrid: should be a valid integer (given '{'9' * 39}… (402",
        ),
        ("vrid: 11", 'vrid: "\\e[31m\\n"', r"3: clusters.web.vrid: should be a valid integer (given '\x1b[31m\n');"),
        (
            "advert_int: 1",
            "advert_int: 1s",
            "6: clusters.web.advert_int: should be a valid number (given '1s'); write a",
        ),
        (
            "vrid: 11",
            "vrid: 11\n    unicast: 1",
            "4: clusters.web.unicast: should be a valid boolean (given 1); write true",
        ),
        (
            "leaf: L2",
            "leaf: 7",
            "10: clusters.web.servers.H2.leaf: should be a valid string (given 7); put it in quotes",
        ),
        (
            "enp0s8",
            "null",
            "9: clusters.web.servers.H1.interface: should be a valid string (given nothing); write a text",
        ),
        (
            "probes: [I1]",
            "probes: I1",
            "17: clusters.web.probes: should be a valid list (given 'I1'); write it as [A, B]",
        ),
        (
            "probes: [I1]",
            "garp: 7",
            "17: clusters.web.garp: should be a mapping (given 7); accepted keys: delay, repeat,",
        ),
        (
            "probes: [I1]",
            "track: {scripts: {a: [b]}}",
            "17: clusters.web.track.scripts.a: should be a mapping (given a list); accepted keys: command, interval,",
        ),
        ("probes: [I1]", "instances: 7", "17: clusters.web.instances: should be a mapping (given 7); write NAME: with"),
        ("probes: [I1]", "7: 7", "17: clusters.web.7: a key that YAML takes for something else than text"),
        (f"      {H2}\n", "", "8: clusters.web.servers: dictionary should have at least 2 items (given 1); add what"),
        ("[100.65.0.10/24]", "[]", "4: clusters.web.vips: list should have at least 1 item (given 0); add what is"),
        (
            "[100.65.0.10/24]",
            str(["100.65.0.20/24"] * 21),
            "4: clusters.web.vips: list should have at most 20 items (given 21); take some out",
        ),
        (
            "enp0s8",
            "'swp 1'",
            "9: clusters.web.servers.H1.interface: should match pattern: 1 to 15 of letters, digits, _ . - (given",
        ),
        (
            "  web:",
            "  'we b':",
            "2: clusters.we b: should match pattern: first one of letters, digits, then 0 to 30 of letters,",
        ),
        ("  web:", '  "w\\e[31mX\\nb":', r"2: clusters.w\x1b[31mX\nb: should match pattern: first one of"),
        ("version: 2", "version: 4", "5: clusters.web.version: should be 2 or 3 (given 4)"),
        ("vrid: 11", "vrid: 0", "3: clusters.web.vrid: should be greater than or equal to 1 (given 0)"),
        ("vrid: 11", "vrid: 011", "3: clusters.web.vrid: 011 is 11 here (YAML 1.2) and 9 in YAML 1.1; write 11 or 9,"),
        ("vrid: 11", "vrid: !!bool foo", "3: not valid YAML: a value looks like a date or number, or has a tag"),
        ("{clear: hunter22}", "{hunter22}", "7: clusters.web.auth_pass: a secret does not stand in this file; give"),
        (
            "{clear: hunter22}",
            "{clear: 0x" + "f" * 5000 + "}",
            "7: clusters.web.auth_pass.clear: a secret does not stand",
        ),
        (
            "[100.65.0.10/24]",
            f"['{'1' * 400}']",
            f"4: clusters.web.vips.0: '{'1' * 39}… (402 characters) lacks its prefix",
        ),
    ],
)
def test_a_refusal_is_in_plain_words_short_and_fit_for_a_terminal(old: str, new: str, said: str) -> None:
    found = problems(old, new)
    assert any(each.startswith(f"{SOURCE}:{said}") for each in found), found
    for each in found:
        assert each.isprintable()
        assert "hunter2" not in each
        assert not any(word in each for word in ("Entry", "validation", "Input", "^["))


@pytest.mark.parametrize("text", ["[]", "hello", "clusters: {web: 7}", "clusters: 7", "clusters: {web: !!set {a}}"])
def test_a_file_of_another_shape_is_told_so_without_names_of_classes(text: str) -> None:
    with pytest.raises(IntentError) as caught:
        load(text)
    assert "should be a mapping (given " in str(caught.value)
