"""A rule of ours that was taken out of nftables comes back where it was."""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tasks.model.cluster import Opening
from tasks.server.firewall.plan import plan_firewall
from tests.unit.builders import REJECT, nft_chain, nft_ours, nftables

PEER_OF_H2 = Opening(address=IPv4Address("100.65.0.11"))


@pytest.mark.parametrize(
    ("entries", "booted", "order"),
    [
        ([nft_ours("100.65.0.99"), REJECT], "", ("insert", 7)),
        ([REJECT, nft_ours("100.65.0.99")], "", ("add", None)),
        # After a boot every rule has another handle; the guard puts ours at the head.
        ([nft_ours("100.65.0.99"), REJECT], "booted=yes", None),
        ([REJECT, nft_ours("100.65.0.99")], "booted=yes", None),
    ],
)
def test_a_rule_of_ours_comes_back_where_it_stood(
    entries: list[dict[str, object]], booted: str, order: tuple[str, int | None] | None, tmp_path: Path
) -> None:
    (step, *_) = plan_firewall(nftables(nft_chain(), *entries, snippet=None), (PEER_OF_H2,))
    (again,) = [line for line in step.undo if "printf" in line]
    (tmp_path / "nft").write_text("#!/bin/sh\ncat\n")
    (tmp_path / "nft").chmod(0o755)
    script = f"PATH={tmp_path}:$PATH\n{booted}\n{again}\n"
    done = subprocess.run(["/bin/sh"], input=script, text=True, capture_output=True, check=True)
    if order is None:
        assert done.stdout == ""
        return
    ((verb, what),) = json.loads(done.stdout)["nftables"][0].items()
    assert (verb, what["rule"].get("handle")) == order
    assert what["rule"]["comment"] == "vipbook"
