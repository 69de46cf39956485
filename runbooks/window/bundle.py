"""What goes into the bundle of a window."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from runbooks.process.outputs import Outputs
from tasks.model.answer import Answer, Answers, Reply
from tasks.model.window import WindowFile
from tasks.report.formats import FORMATS, format_of, json_text, rendered
from tasks.store.bundle import evidence_files

_PACKAGES = ("vipbook", "nornir", "nornir-netmiko", "nornir-jinja2", "netmiko", "paramiko")


def versions(replies: Mapping[str, Reply]) -> dict[str, str]:
    """What made the observation: Python, the packages, and keepalived on each server that told."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    for host, reply in replies.items():
        if isinstance(reply, Answers) and "package" in reply.by_key:
            said = reply.by_key["package"].stdout.strip().splitlines()
            found[f"keepalived on {host}"] = said[-1] if said else "not told"
    return found


def bundle_files(
    window: WindowFile,
    shape: dict[str, Any],
    answers: Mapping[str, Mapping[str, Answer]],
    now: Mapping[str, str],
    outputs: Outputs,
) -> dict[str, bytes]:
    """Every file of the bundle by its name: the report in its formats, evidence of both moments, versions, the window.

    A format that can't be made is named on stderr and is missing; the evidence is there all the same.
    """
    files: dict[str, bytes] = {}
    for form in FORMATS:
        outputs.attempt(f"{form} report of the bundle", partial(_add, files, form, shape))
    files["opened.json"] = json_text(dict(window.report)).encode()
    files["versions.json"] = json.dumps({"before": dict(window.versions), "after": dict(now)}, indent=2).encode()
    files.update(evidence_files("before", window.answers))
    files.update(evidence_files("after", answers))
    return files


def _add(files: dict[str, bytes], form: str, shape: dict[str, Any]) -> None:
    made = format_of(form)
    if made.bundled:
        files[f"report.{made.suffix}"] = rendered(form, shape).encode(errors="replace")
