"""Files that logins depend on: one that can't be used is one sentence, before any host is contacted."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from runbooks.session import open_session
from tasks.model.errors import IntentError
from tests.unit.runbooks.inventories import write_inventory, write_key

ALL = "H1, H2, L1, L2, I1"
GROUPS = "all: {username: nobody, connection_options: {netmiko: {extras: {%s}}}}\n"


def opened(directory: Path, extras: str) -> str:
    """What is refused; empty when nothing is."""
    inventory = write_inventory(directory, groups=GROUPS % extras)
    try:
        open_session(inventory, []).close()
    except IntentError as error:
        return str(error)
    return ""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A directory with keys of every kind; whatever is written into it later is an inventory."""
    write_key(tmp_path / "plain")
    write_key(tmp_path / "pkcs8", form=PrivateFormat.PKCS8)
    write_key(tmp_path / "protected", "tell nobody")
    write_key(tmp_path / "protected8", "tell nobody", PrivateFormat.PKCS8)
    (tmp_path / "id.pub").write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB user@host\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "known").write_text("")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("extras", "problem"),
    [
        pytest.param("key_file: nowhere", "key_file {}/nowhere of {}: can't be read: No such file", id="no key"),
        pytest.param("key_file: folder", "key_file {}/folder of {}: can't be read: Is a directory", id="a directory"),
        pytest.param("key_file: protected", "key_file {}/protected of {}: it has a passphrase, and none", id="locked"),
        pytest.param("key_file: protected8", "key_file {}/protected8 of {}: it has a passphrase, ", id="locked PKCS8"),
        pytest.param("key_file: protected, passphrase: no", "key_file {}/protected of {}: not a p", id="wrong pass"),
        pytest.param("key_file: id.pub", "key_file {}/id.pub of {}: not a private key; name", id="the public half"),
        pytest.param("key_file: empty", "key_file {}/empty of {}: not a private key; name", id="an empty file"),
        pytest.param(
            "alt_host_keys: true, alt_key_file: nowhere",
            "alt_key_file {}/nowhere of {}: can't be read: No such file or directory; name the known_hosts file",
            id="no known_hosts",
        ),
        pytest.param("alt_host_keys: true, alt_key_file: folder", "alt_key_file {}/folder of {}: can't", id="folder"),
    ],
)
def test_a_file_that_can_not_be_used(inventory: Path, extras: str, problem: str) -> None:
    extras = extras.replace("passphrase: no", "passphrase: 'no'")
    said = opened(inventory, extras)
    assert said.startswith(f"{inventory}: " + problem.format(inventory, ALL))
    assert "\n" not in said
    assert "tell nobody" not in said


@pytest.mark.parametrize(
    "extras",
    [
        pytest.param("key_file: plain", id="a key"),
        pytest.param("key_file: pkcs8", id="a key as PKCS8"),
        pytest.param("key_file: protected, passphrase: tell nobody", id="with its passphrase"),
        pytest.param("key_file: plain, passphrase: needless", id="a passphrase that it has not"),
        pytest.param("key_file: protected, allow_agent: true", id="an agent may hold it"),
        pytest.param("alt_host_keys: true, alt_key_file: known", id="an empty known_hosts"),
        pytest.param("alt_key_file: nowhere", id="a file that nothing reads"),
        pytest.param("use_keys: true", id="keys of the home directory"),
    ],
)
def test_a_file_that_can(inventory: Path, extras: str) -> None:
    assert opened(inventory, extras) == ""


def test_a_password_may_do_what_the_key_can_not(inventory: Path) -> None:
    groups = (GROUPS % "key_file: protected").replace("nobody", "nobody, password: secret")
    write_inventory(inventory, groups=groups)
    open_session(inventory, []).close()


def test_many_hosts_are_counted(inventory: Path) -> None:
    clusters = (write_inventory(inventory) / "clusters.yaml").read_text().replace("probes: [I1]", "probes: [I1, C1]")
    hosts = (inventory / "hosts.yaml").read_text()
    write_inventory(inventory, clusters=clusters, groups=GROUPS % "key_file: nowhere")
    (inventory / "hosts.yaml").write_text(hosts + "C1: {hostname: 127.0.0.1, groups: [all]}\n")
    with pytest.raises(IntentError, match="of H1, H2, L1, L2, I1 and 1 more: can't be read"):
        open_session(inventory, [])


def test_hosts_of_other_clusters_are_nothing_to_this_run(inventory: Path) -> None:
    write_inventory(inventory)
    hosts = (inventory / "hosts.yaml").read_text()
    broken = "X9: {hostname: 127.0.0.1, connection_options: {netmiko: {extras: {key_file: nowhere}}}}\n"
    (inventory / "hosts.yaml").write_text(hosts + broken)
    open_session(inventory, []).close()
