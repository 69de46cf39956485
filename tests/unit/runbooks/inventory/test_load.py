"""A Nornir inventory that can not work is refused before anybody is contacted: file, line, what is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbooks.inventory.checks import netmiko_parameters
from runbooks.inventory.load import load_nornir
from tasks.model.errors import IntentError
from tests.unit.runbooks.inventories import write_inventory

KEYS = "hostname, username, password, platform, port, groups, data, connection_options"
H1 = "H1: {hostname: 127.0.0.1, port: 22, groups: [all]}\n"
TWO_GROUPS = "all: {}\nserver: {}\n"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write_inventory(tmp_path / "i")


def refused(inventory: Path) -> tuple[str, ...]:
    with pytest.raises(IntentError) as caught:
        load_nornir(inventory)
    for each in caught.value.problems:
        assert each.isprintable()
        assert "hunter2" not in each
    return caught.value.problems


def extras(text: str) -> str:
    return f"H1:\n  connection_options:\n    netmiko:\n      extras: {text}\n"


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ("H1: null\n", f"1: H1: should be a mapping (given nothing); accepted keys: {KEYS}"),
        ("H1: [a]\n", "1: H1: should be a mapping (given a list); accepted keys: "),
        (
            "- H1\n",
            "1: (top level): should be a mapping of names (given a list); write NAME: {hostname: …, groups: […]}",
        ),
        ("hello\n", "1: (top level): should be a mapping of names (given 'hello'); write NAME: "),
        (f"{H1}11: {{}}\n", "2: 11: a name that YAML takes for something else than text; put it in quotes"),
        ("H1:\n  port: abc\n", "2: H1.port: should be a number from 1 to 65535 (given 'abc'); leave it out for 22"),
        ("H1:\n  port: 0\n", "2: H1.port: should be a number from 1 to 65535 (given 0)"),
        ("H1:\n  port: 65536\n", "2: H1.port: should be a number from 1 to 65535 (given 65536)"),
        ("H1:\n  port: true\n", "2: H1.port: should be a number from 1 to 65535 (given True)"),
        ("H1:\n  port: '65536'\n", "2: H1.port: should be a number from 1 to 65535 (given '65536')"),
        ("H1:\n  port: [22]\n", "2: H1.port: should be a number from 1 to 65535 (given a list)"),
        ("H1:\n  hostname: [1]\n", "2: H1.hostname: should be a text (given a list); write one text"),
        ("H1:\n  hostname: 1\n", "2: H1.hostname: should be a text (given 1); put it in quotes"),
        ("H1:\n  password: 12345\n", "2: H1.password: should be a text (given what is not shown); put it in quotes"),
        ("H1:\n  username: {a: b}\n", "2: H1.username: should be a text (given a mapping); write one text"),
        ("H1:\n  data: 5\n", "2: H1.data: should be a mapping (given 5); write data: {NAME: VALUE}, or leave it out"),
        ("H1:\n  groups: server\n", "2: H1.groups: should be a list of groups (given 'server'); write [server]; acc"),
        (
            "H1:\n  groups: {a: b}\n",
            "2: H1.groups: should be a list of groups (given a mapping); accepted: all, server",
        ),
        (
            "H1:\n  groups: [nogroup]\n",
            "2: H1.groups.0: no group 'nogroup'; accepted: all, server; or add it to the gro",
        ),
        (
            "H1:\n  groups: [sevrer]\n",
            "2: H1.groups.0: no group 'sevrer'; accepted: all, server; did you mean 'server'?",
        ),
        ("H1:\n  groups: [[all]]\n", "2: H1.groups.0: no group a list; accepted: all, server"),
        (
            "H1:\n  connection_options:\n",
            "2: H1.connection_options: should be a mapping (given nothing); write netmiko: ",
        ),
        ("H1:\n  connection_options: 5\n", "2: H1.connection_options: should be a mapping (given 5); write netmiko: "),
        (
            "H1:\n  connection_options: {netmiko: 5}\n",
            "2: H1.connection_options.netmiko: should be a mapping (given 5)",
        ),
        (
            "H1:\n  connection_options: {netmiko: {port: x}}\n",
            "2: H1.connection_options.netmiko.port: should be a number from 1 to 65535 (given 'x')",
        ),
        (extras("5"), "4: H1.connection_options.netmiko.extras: should be a mapping (given 5); write extras: "),
        (extras("[1]"), "4: H1.connection_options.netmiko.extras: should be a mapping (given a list); write extras: "),
        (
            extras("{key_file: 5}"),
            "4: H1.connection_options.netmiko.extras.key_file: should be a text (given 5); put it",
        ),
        (
            extras("{key_file: [a]}"),
            "4: H1.connection_options.netmiko.extras.key_file: should be a text (given a list)",
        ),
        (
            extras("{use_keys: yes}"),
            "4: H1.connection_options.netmiko.extras.use_keys: should be true or false (given 'y",
        ),
        (
            extras("{timeout: soon}"),
            "4: H1.connection_options.netmiko.extras.timeout: should be a number (given 'soon')",
        ),
        (
            extras("{sock_telnet: 1}"),
            "4: H1.connection_options.netmiko.extras.sock_telnet: should be a mapping (given 1)",
        ),
        (extras("{sock: 1}"), "4: H1.connection_options.netmiko.extras.sock: should be left out (given 1)"),
        (
            extras("{passphrase: 1}"),
            "4: H1.connection_options.netmiko.extras.passphrase: should be a text (given what is",
        ),
        (
            extras("{host: x}"),
            "4: H1.connection_options.netmiko.extras.host: does not stand in extras; write hostname: b",
        ),
        (
            extras("{port: 1}"),
            "4: H1.connection_options.netmiko.extras.port: does not stand in extras; write port: besi",
        ),
        (extras("{1: 1}"), "4: H1.connection_options.netmiko.extras.1: netmiko has no such parameter; accepted: "),
        ("H1: [\n", "2: not valid YAML: "),
        ("H1: {password: 'hunter2}\n", "2: not valid YAML: a quote that is never closed; close it"),
        ("H1:\n\tport: 1\n", "2: not valid YAML: a tab where only spaces may stand; indent with spaces"),
        ("H1: {}\nH1: {password: hunter2}\n", "2: H1: stands twice (first in line 1); keep one"),
        ('"H\\e[31m": null\n', r"1: H\x1b[31m: should be a mapping (given nothing)"),
    ],
)
def test_a_wrong_host_is_named_with_file_line_and_mend(tmp_path: Path, hosts: str, said: str) -> None:
    inventory = write_inventory(tmp_path / "i", groups=TWO_GROUPS)
    (inventory / "hosts.yaml").write_text(hosts)
    (found,) = refused(inventory)
    assert found.startswith(f"{inventory}/hosts.yaml:{said}")
    assert ";" in found or "(given" in found


def test_an_unknown_parameter_of_netmiko_gets_all_that_are_known_and_the_nearest(inventory: Path) -> None:
    (inventory / "hosts.yaml").write_text(extras("{key_fiel: x}"))
    (found,) = refused(inventory)
    assert "extras.key_fiel: netmiko has no such parameter; accepted: " in found
    assert "auth_timeout, " in found
    assert found.endswith("; did you mean 'key_file'?")


def test_all_hosts_and_groups_are_told_at_once(inventory: Path) -> None:
    (inventory / "hosts.yaml").write_text("H1: {port: abc}\nH2:\n  groups: [nowhere]\n")
    (inventory / "groups.yaml").write_text("all: {port: abc, groups: [more]}\n")
    (inventory / "defaults.yaml").write_text("port: abc\n")
    assert [each.split(": ")[:2] for each in refused(inventory)] == [
        [f"{inventory}/hosts.yaml:1", "H1.port"],
        [f"{inventory}/hosts.yaml:3", "H2.groups.0"],
        [f"{inventory}/groups.yaml:1", "all.port"],
        [f"{inventory}/groups.yaml:1", "all.groups.0"],
        [f"{inventory}/defaults.yaml:1", "port"],
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("groups.yaml", "all: null\n", f"1: all: should be a mapping (given nothing); accepted keys: {KEYS}"),
        (
            "groups.yaml",
            "all: {groups: [all]}\n",
            "1: all.groups: all is a group of itself; take one group out of this",
        ),
        (
            "groups.yaml",
            "all:\n  groups: [b]\nb: {groups: [all]}\n",
            "2: all.groups: all is a group of itself; take one",
        ),
        ("groups.yaml", "all: {port: abc}\n", "1: all.port: should be a number from 1 to 65535 (given 'abc')"),
        ("defaults.yaml", "[a]\n", "1: (top level): should be a mapping (given a list); accepted keys: "),
        ("defaults.yaml", "port: abc\n", "1: port: should be a number from 1 to 65535 (given 'abc')"),
        (
            "defaults.yaml",
            "connection_options: {netmiko: {extras: 5}}\n",
            "1: connection_options.netmiko.extras: should be a mapping (given 5); write extras: {NAME: VALUE}",
        ),
        (
            "defaults.yaml",
            "connection_options:\n  netmiko:\n    extras:\n      key_file: 5\n",
            "4: connection_options.netmiko.extras.key_file: should be a text (given 5); put it in quotes",
        ),
    ],
)
def test_wrong_groups_and_defaults_are_named_alike(inventory: Path, name: str, text: str, said: str) -> None:
    (inventory / name).write_text(text)
    assert refused(inventory)[0].startswith(f"{inventory}/{name}:{said}")


@pytest.mark.parametrize(
    "hosts",
    [
        "H1: {}\n",
        "H1: {port: '22', password: '12345', groups: , data: {a: [1]}}\n",
        "H1: {port: 0022, connection_options: {}}\n",  # YAML 1.2, as Nornir reads it: 22
        extras("{key_file: ~, timeout: 10.5, conn_timeout: 5, session_log: x, disabled_algorithms: {a: [b]}}"),
        extras("{device_type: linux, ssh_strict: true}"),
        extras(""),
        "H1: {connection_options: {other: {extras: {whatever: 1}}}}\n",
    ],
)
def test_what_works_is_taken(inventory: Path, hosts: str) -> None:
    (inventory / "hosts.yaml").write_text(hosts)
    assert set(load_nornir(inventory).inventory.hosts) == {"H1"}


def test_the_parameters_are_netmikos() -> None:
    assert {"key_file", "use_keys", "ssh_config_file", "conn_timeout"} < set(netmiko_parameters())
    assert not {"self", "return", "host", "password", "port", "username"} & set(netmiko_parameters())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "runner: {plugin: threaded, options: 5}",
            "1: runner.options: should be a mapping (given 5); accepted: {num_wor",
        ),
        ("runner: 5", "1: runner: should be a mapping (given 5); accepted: plugin and options"),
        (
            "runner:\n  options: {num_workers: 0}",
            "2: runner.options.num_workers: should be a number (given 0); accepted",
        ),
        ("runner: {options: {num_workers: true}}", "1: runner.options.num_workers: should be a number (given True)"),
        ("logging: {enabled: no}", "1: logging.enabled: no is a text here (YAML 1.2) and false in YAML 1.1; write"),
        ("x: !!bool foo", "1: not valid YAML: a value looks like a date or number, or has a tag"),
        ("\ninventory: [", "2: not valid YAML: "),
        (
            "hello",
            "1: (top level): should be a mapping (given 'hello'); accepted: inventory, runner, logging, ssh, core",
        ),
        ("nonsense: 1", "1: nonsense: unknown section; accepted: inventory, runner, logging, ssh, core, user_defined"),
        ("logging: 3", "1: logging: should be a mapping (given 3); accepted: plugin and options"),
        ("inventory:", "1: inventory: should be a mapping (given nothing); accepted: plugin and options"),
        (
            "inventory: {options: []}",
            "1: inventory.options: should be a mapping (given a list); accepted: the plugin's",
        ),
        (
            "inventory: {options: {1: 2}}",
            "1: inventory.options: a name that is no text (given 1); accepted: the plugin's",
        ),
        (
            "inventory: {options: {host_file: 3}}",
            "1: inventory.options.host_file: should be a path (given 3); accepted",
        ),
        (
            "inventory: {options: {host_file: ~nobody-of-this-name/x}}",
            "1: inventory.options.host_file: there is no home directory ~nobody-of-this-name; write the path out",
        ),
    ],
)
def test_a_broken_configuration_is_named_with_its_line(inventory: Path, text: str, said: str) -> None:
    (inventory / "config.yaml").write_text(text)
    (found,) = refused(inventory)
    assert found.startswith(f"{inventory}/config.yaml:{said}")


def test_a_section_without_lines_is_one_that_was_left_out(inventory: Path) -> None:
    (inventory / "config.yaml").write_text(
        "logging:\nrunner: {options: }\nssh:\ninventory: {plugin: SimpleInventory}\n"
    )
    nornir = load_nornir(inventory)
    assert "H1" in nornir.inventory.hosts
    assert not nornir.config.logging.enabled


def test_what_only_nornir_knows_is_one_line(inventory: Path) -> None:
    (inventory / "config.yaml").write_text("runner: {plugin: no-such-runner}")
    (found,) = refused(inventory)
    assert found.startswith(f"{inventory}: Nornir can't load this inventory: ")
    assert found.endswith("; mend config.yaml or what it names, as in Nornir's manual")


def test_a_hosts_file_that_is_not_there(inventory: Path) -> None:
    (inventory / "hosts.yaml").unlink()
    said = f"{inventory}/hosts.yaml: there is no such file; write it, or name another in config.yaml"
    assert refused(inventory) == (said,)


def test_a_hosts_file_that_is_no_text(inventory: Path) -> None:
    (inventory / "hosts.yaml").write_bytes(b"\xff\xfe")
    assert refused(inventory) == (f"{inventory}/hosts.yaml: can't be read: it is not UTF-8; save it as UTF-8",)


def test_a_path_in_the_home_of_nobody(inventory: Path) -> None:
    (inventory / "hosts.yaml").write_text(extras("{key_file: ~nobody-of-this-name/id}"))
    (found,) = refused(inventory)
    assert found.endswith(
        "netmiko.extras.key_file: there is no home directory ~nobody-of-this-name; write the path out"
    )


def test_any_other_plugin_is_checked_by_what_it_gives(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nornir.core.plugins.inventory import InventoryPluginRegister  # noqa: PLC0415 - as the product does
    from nornir.plugins.inventory.simple import SimpleInventory  # noqa: PLC0415 - as above

    monkeypatch.setitem(InventoryPluginRegister.available, "Another", SimpleInventory)
    (inventory / "hosts.yaml").write_text("H1: {port: abc}\n")
    (inventory / "config.yaml").write_text("inventory: {plugin: Another, options: {host_file: hosts.yaml}}")
    (found,) = refused(inventory)
    assert found.startswith(f"{inventory}: hosts.H1.port: should be a number from 1 to 65535 (given 'abc')")
