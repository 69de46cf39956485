"""The inventory that a lab writes, and the one that is checked in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nornir.plugins.inventory.simple import SimpleInventory
from ruamel.yaml import YAML

from lab.inventory import render_inventory, write_inventory
from lab.keys import known_hosts
from lab.place import DEFAULT_STATE, Lab, LabPaths
from lab.topology import load_topology

CHECKED_IN = Path(__file__).parents[3] / "inventory"
DEFAULT = Lab(paths=LabPaths(name=None, state=DEFAULT_STATE), topology=load_topology(), octet=1)
NAMED = Lab(paths=LabPaths(name="t1", state=Path("/state")), topology=load_topology(), octet=7)


@pytest.mark.parametrize("name", sorted(render_inventory(DEFAULT)))
def test_the_checked_in_inventory_is_the_default_labs(name: str) -> None:
    assert (CHECKED_IN / name).read_text() == render_inventory(DEFAULT)[name]


def test_nornir_reads_it(tmp_path: Path) -> None:
    write_inventory(NAMED, tmp_path)
    read = SimpleInventory(
        host_file=str(tmp_path / "hosts.yaml"),
        group_file=str(tmp_path / "groups.yaml"),
        defaults_file=str(tmp_path / "defaults.yaml"),
    ).load()
    assert {name: (host.hostname, host.port, host.username) for name, host in read.hosts.items()} == {
        "H1": ("127.0.7.11", 22022, "automation"),
        "H2": ("127.0.7.12", 22022, "automation"),
        "L1": ("127.0.7.13", 22022, "cumulus"),
        "L2": ("127.0.7.14", 22022, "cumulus"),
        "S1": ("127.0.7.15", 22022, "cumulus"),
        "I1": ("127.0.7.16", 22022, "cumulus"),
        "L3": ("127.0.7.17", 22022, "cumulus"),
        "C1": ("127.0.7.18", 22022, "cumulus"),
        "H3": ("127.0.7.19", 22022, "automation"),
        "H4": ("127.0.7.20", 22022, "automation"),
    }
    extras = read.hosts["L1"].get_connection_parameters("netmiko").extras
    assert extras == {
        "use_keys": True,
        "key_file": "/state/labs/vipbook-t1/ssh/id_ed25519",
        "allow_agent": False,
        "ssh_strict": True,
        "system_host_keys": False,
        "alt_host_keys": True,
        "alt_key_file": "/state/labs/vipbook-t1/ssh/known_hosts",
    }


def test_clusters_name_the_labs_own_secret() -> None:
    clusters = YAML(typ="safe").load(render_inventory(NAMED)["clusters.yaml"])["clusters"]
    assert clusters["web"]["auth_pass"] == {"file": "/state/labs/vipbook-t1/secrets/web"}
    assert clusters["web"]["vips"] == ["100.65.0.10/24"]
    assert list(clusters["web"]["servers"]) == ["H1", "H2"]
    assert clusters["web"]["fabric"]["leaves"] == ["L1", "L2", "L3"]
    assert clusters["web"]["probes"] == ["I1", "C1"]


def test_clusters_are_passed_on_as_they_are_written() -> None:
    """Whatever the intent's keys are: the lab does not know them."""
    clusters: dict[str, dict[str, object]] = {
        "web": {"vrid": 11, "x": {"y": [1, {"z": "a: b"}]}, "auth_pass": "generated"},
        "db": {"flag": True, "none": None, "text": "yes"},
    }
    lab = replace(NAMED, topology=replace(NAMED.topology, clusters=clusters))
    rendered = YAML(typ="safe").load(render_inventory(lab)["clusters.yaml"])["clusters"]
    clusters["web"]["auth_pass"] = {"file": "/state/labs/vipbook-t1/secrets/web"}
    assert rendered == clusters


def test_a_lab_without_clusters_still_has_the_file() -> None:
    lab = replace(NAMED, topology=replace(NAMED.topology, clusters={}))
    assert YAML(typ="safe").load(render_inventory(lab)["clusters.yaml"]) == {"clusters": {}}


def test_known_hosts_pin_address_and_port() -> None:
    keys = {"H1": "ssh-ed25519 AAAA1 vipbook-t1-H1\n", "L1": "ssh-ed25519 AAAA2 vipbook-t1-L1\n"}
    assert known_hosts(NAMED, keys) == ("[127.0.7.11]:22022 ssh-ed25519 AAAA1\n[127.0.7.13]:22022 ssh-ed25519 AAAA2\n")
