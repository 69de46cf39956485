"""IPv6 addresses of servers, and VIPs outside the adverts, against the subnet that the servers tell."""

from __future__ import annotations

import pytest

from tasks.intent.load import load_intent
from tasks.model.errors import IntentError
from tests.unit.builders import CLUSTERS_YAML

V3 = CLUSTERS_YAML.replace("version: 2", "version: 3").replace("    auth_pass: {clear: hunter22}\n", "")
SUBNET = "fd00:100:65::"


def six(prefix: str, last: tuple[str, str] = ("11", "12"), **keys: str) -> str:
    """A cluster of both families whose servers have these IPv6 addresses, with further keys."""
    unicast = "false" if prefix.startswith("fe80") else "true"
    more = {"unicast": unicast, "vips": "[100.65.0.10/24, 'fd00:100:65::10/64']"} | keys
    text = V3.replace("    vips: [100.65.0.10/24]\n", "".join(f"    {key}: {value}\n" for key, value in more.items()))
    for host, own in zip(("11", "12"), last, strict=True):
        text = text.replace(f"100.65.0.{host}/24,", f"100.65.0.{host}/24, address6: '{prefix}{own}/64',")
    return text


def said_of(text: str) -> list[str]:
    try:
        load_intent(text, "c", lambda _: "x", need_secrets=True)
    except IntentError as error:
        return [each.partition("clusters.web.")[2] for each in error.problems]
    return []


OUTSIDE = "fd99::30/64 is outside fd00:100:65::/64, the subnet of the servers; take one inside"
FRONT = "{front: {vrid: 12, vips: [100.65.0.20/24], excluded: ['fd99::30/64']}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (six(SUBNET, excluded="['fd00:100:65::30/64', 'fd99::30/64']"), f"excluded.1: {OUTSIDE}"),
        (six(SUBNET, excluded="['fd00:100:65::30/80']"), "excluded.0: fd00:100:65::30/80 is outside fd00:100:65::/64"),
        (six(SUBNET, instances=FRONT), f"instances.front.excluded.0: {OUTSIDE}"),
        (six(SUBNET, ("11", "")), "servers.H2.address6: fd00:100:65::/64 is the subnet-router anycast address of its"),
        (six("fe80::", ("11", "")), "servers.H2.address6: fe80::/64 is the subnet-router anycast address of its"),
    ],
)
def test_what_no_leaf_would_learn(text: str, said: str) -> None:
    assert any(each.startswith(said) for each in said_of(text)), said_of(text)


@pytest.mark.parametrize(
    "text",
    [
        six(SUBNET, excluded="[100.65.0.30/24, 'fd00:100:65::30/64']"),
        # nobody tells a subnet
        six("fe80::", excluded="['fd99::30/64', '2606:4700::1/128']"),
        CLUSTERS_YAML.replace("vips: [", "excluded: ['fd99::30/64']\n    vips: ["),
    ],
    ids=["inside", "link-local", "VRRPv2"],
)
def test_what_is_inside_or_of_no_known_subnet_is_let_through(text: str) -> None:
    assert said_of(text) == []


def test_a_vip_outside_is_told_once() -> None:
    (said,) = said_of(six(SUBNET, vips="[100.65.0.10/24, 'fd99::30/64']"))
    assert said == f"vips.1: {OUTSIDE}"


def test_members_of_two_subnets() -> None:
    (said,) = said_of(six(SUBNET).replace("fd00:100:65::12/64", "fd00:200:65::12/64"))
    assert said.startswith("servers.H2.address6: fd00:200:65::12/64 is outside fd00:100:65::/64, the subnet of H1; ")
