"""A key that is there without a value is a key that is left out, and a secret stands in one place of three."""

from __future__ import annotations

import pytest

from tasks.intent.load import load_intent
from tasks.intent.schema import SecretEntry
from tests.unit.builders import CLUSTERS_YAML
from tests.unit.intent.lint.test_keepalived import MORE, keys, load

H1 = "leaf: L1, port: swp1}"


def without(old: str, new: str = "") -> str:
    assert old in CLUSTERS_YAML
    return CLUSTERS_YAML.replace(old, new, 1)


@pytest.mark.parametrize(
    ("empty", "left_out"),
    [
        (keys("vrid6:"), CLUSTERS_YAML),
        (keys("sync_group:"), CLUSTERS_YAML),
        (without("{clear: hunter22}"), without("    auth_pass: {clear: hunter22}\n")),
        (without(H1, "leaf: L1, port: }"), without(H1, "leaf: L1}")),
        (without(H1, "leaf: , port: }"), without(f", {H1}", "}")),
        (without(H1, f"address6: , {H1}"), CLUSTERS_YAML),
        (without("vrr: vlan100-v0", "vrr:"), without("      vrr: vlan100-v0\n")),
        (without("vni: 100", "vni: 100\n      bridge:\n      vlan:"), CLUSTERS_YAML),
        (keys("garp: {delay: , lower_prio_delay: }"), CLUSTERS_YAML),
        (keys("notify: {master: , backup: , fault: , stop: , any: }"), CLUSTERS_YAML),
        (keys(MORE % ", vrid6: "), keys(MORE % "")),
    ],
)
def test_a_key_without_a_value(empty: str, left_out: str) -> None:
    assert empty != left_out
    assert load(empty) == load(left_out)


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        ("{env: VRRP}", SecretEntry(env="VRRP")),
        ("{file: /etc/vrrp}", SecretEntry(file="/etc/vrrp")),
        ("{clear: x}", SecretEntry(clear="x")),
        ("{env: VRRP, file: , clear: }", SecretEntry(env="VRRP")),
        ("{env: , file: , clear: x}", SecretEntry(clear="x")),
    ],
)
def test_where_a_secret_stands(written: str, entry: SecretEntry) -> None:
    asked: list[SecretEntry] = []

    def read(given: SecretEntry) -> str:
        asked.append(given)
        return "x"

    load_intent(without("{clear: hunter22}", written), "c", read, need_secrets=True)
    assert asked == [entry]
