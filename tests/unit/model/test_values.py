"""MAC addresses, secrets, clusters, verdicts and errors."""

from __future__ import annotations

import json
import logging
from dataclasses import FrozenInstanceError
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.model.cluster import Desired, Secret
from tasks.model.errors import HostError, IntentError, NoAnswerError, RefusedError, StepError, VipbookError
from tasks.model.mac import MacAddress
from tasks.model.verdict import Finding, Status, VipState, VipVerdict, worst
from tasks.report.build import Reporter, judged_clusters
from tests.unit.builders import cluster, server


@pytest.mark.parametrize(
    "text",
    [
        "08:00:27:7d:af:b4",
        "08:00:27:7D:AF:B4",
        "08-00-27-7d-af-b4",
        "0800.277d.afb4",
        "0800277DAFB4",
        "  08:00:27:7d:af:b4\n",
    ],
)
def test_every_usual_form_is_one_address(text: str) -> None:
    assert MacAddress(text) == MacAddress("08:00:27:7d:af:b4")
    assert str(MacAddress(text)) == "08:00:27:7d:af:b4"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "08:00:27:7d:af",
        "08:00:27:7d:af:b4:00",
        "08:00:27:7d:af:bg",
        "8:0:27:7d:af:b4",
        "08:00-27:7d-af:b4",
        "08.00.27.7d.af.b4",
        "08:0027:7daf:b4",
        "0800:277d:afb4",
        "0800277dafb",
        "0800277dafb4x",
        "08:00:27:7d:af:b4/48",
        "08:00:27:7d:af:b4 x",
        "०८:00:27:7d:af:b4",
        "none",
        "(incomplete)",
    ],
)
def test_what_is_no_mac_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a MAC address"):
        MacAddress(text)


@given(st.binary(min_size=6, max_size=6))
@settings(max_examples=30)
def test_any_six_octets(octets: bytes) -> None:
    colons = octets.hex(":")
    assert {MacAddress(colons), MacAddress(colons.upper()), MacAddress(octets.hex())} == {MacAddress(octets.hex("-"))}
    assert MacAddress(colons).text == colons


def test_addresses_have_an_order() -> None:
    first, second = MacAddress("00:00:00:00:00:01"), MacAddress("00-00-00-00-00-02")
    assert sorted([second, first]) == [first, second]


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, "{0:}".format, lambda each: f"{each}"])
@pytest.mark.parametrize("holder", [Secret("hunter22"), cluster(), (cluster(),), {"a": Secret("hunter22")}])
def test_a_secret_never_shows(show: object, holder: object) -> None:
    assert callable(show)
    shown = show(holder)
    assert "hunter22" not in shown
    assert "***" in shown


def test_a_secret_never_shows_in_a_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("%s %r", Secret("hunter22"), cluster())
    assert "hunter22" not in caplog.text
    assert "hunter22" not in str(ValueError(Secret("hunter22")))
    with pytest.raises(TypeError):
        json.dumps({"a": Secret("hunter22")})


def test_a_secret_is_told_to_who_asks() -> None:
    assert Secret("hunter22").reveal() == "hunter22"
    assert Secret("a") == Secret("a") != Secret("b")


def test_the_rendered_configuration_does_not_show() -> None:
    assert "hunter22" not in repr(Desired(host="H1", config="auth_pass hunter22", openings=()))


@pytest.mark.parametrize("value", [cluster(), server("H1"), Secret("x"), MacAddress("0" * 12)])
def test_the_model_is_frozen(value: object) -> None:
    (field, *_) = value.__slots__  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, "x")


def test_cluster_tells_its_members() -> None:
    whole = cluster(servers=(server("H1"), server("H2"), server("H3")), probes=("I1", "L1"))
    assert whole.instance == "VI_web"
    assert whole.server("H2").name == "H2"
    assert whole.peers("H2") == (IPv4Address("100.65.0.11"), IPv4Address("100.65.0.12"))
    assert whole.hosts() == ("H1", "H2", "H3", "L1", "L2", "L3", "I1")
    with pytest.raises(KeyError):
        whole.server("L1")


P, W, F, U, S = Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN, Status.SKIP


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ([], U),
        ([S], U),
        ([S, S], U),
        ([P], P),
        ([P, S], P),
        ([W, P, S], W),
        ([W, S], W),
        ([U, P, W], U),
        ([U, S], U),
        ([F, U, W, P, S], F),
        ([F], F),
    ],
)
def test_worst_takes_the_most_severe_and_no_evidence_for_unknown(statuses: list[Status], found: Status) -> None:
    assert worst(statuses) is found
    assert worst(reversed(statuses)) is found
    assert worst(iter(statuses)) is found


def verdict(*statuses: Status) -> VipVerdict:
    findings = tuple(Finding(check="config", target="H1", status=status, message="") for status in statuses)
    return VipVerdict(
        cluster="web",
        address=IPv4Address("100.65.0.10"),
        state=VipState.UNKNOWN,
        owner=None,
        mac=None,
        findings=findings,
    )


@pytest.mark.parametrize(
    ("vips", "given", "found"),
    [
        ([], None, U),
        ([verdict()], None, U),
        ([verdict(S)], None, U),
        ([verdict(P), verdict(S)], None, U),
        ([verdict(P), verdict(P, S)], None, P),
        ([verdict(P), verdict(F)], None, F),
        ([verdict(U), verdict(W)], None, U),
        ([verdict(F)], W, W),
        ([], P, P),
    ],
)
def test_a_reports_verdict_is_the_worst_of_its_vips_unless_given(
    vips: list[VipVerdict], given: Status | None, found: Status
) -> None:
    assert Reporter("verify").report(clusters=judged_clusters(vips, {}), verdict=given).status is found


def test_errors_are_one_tree_and_carry_host_and_command() -> None:
    error = StepError("H1", "systemctl start keepalived", "exit status 1")
    assert str(error) == "H1: exit status 1 (command: systemctl start keepalived)"
    assert (error.host, error.command, error.reason) == ("H1", "systemctl start keepalived", "exit status 1")
    assert str(NoAnswerError("H1", "", "no route")) == "H1: no route"
    assert issubclass(StepError, HostError)
    assert all(issubclass(each, VipbookError) for each in (HostError, IntentError, RefusedError))
    assert IntentError("a", "b").problems == ("a", "b")
    assert str(IntentError("a", "b")) == "a\nb"
