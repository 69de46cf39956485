"""The running lab as tests see it, and what a command in it ended with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema

from tasks.report.document import json_schema
from tests.lab.nodes import run_in
from tests.lab.proof import Proof
from tests.lab.runner import ROOT, RUNNER, VIPBOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A `vipbook` command that has ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report on stdout."""
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded

    def checks(self) -> dict[str, dict[str, Any]]:
        """Checks of the report by `check/target`."""
        vips = [vip for cluster in self.report["clusters"] for vip in cluster["vips"]]
        return {f"{each['check']}/{each['target']}": each for vip in vips for each in vip["checks"]}

    def problems(self) -> str:
        """What did not pass, for an assertion's message."""
        wrong = [
            f"{key}: {each['message']}" for key, each in self.checks().items() if each["status"] not in {"pass", "skip"}
        ]
        return "\n".join([f"exit {self.code}", *wrong, self.err])

    def vip(self) -> dict[str, Any]:
        """The first VIP."""
        vip: dict[str, Any] = self.report["clusters"][0]["vips"][0]
        return vip

    def state(self) -> str:
        """State of the first VIP."""
        state: str = self.vip()["state"]
        return state


REPORTED = {"verify", "plan", "apply", "drill", "locate", "lint", "window"}
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """The running lab."""

    inventory: Path
    secret: str
    state: Path
    """Where what is run here keeps windows and history: not where a user keeps theirs."""
    whole: Path
    """The lab's own inventory, both clusters in it; `inventory` has web alone."""
    proof: Proof
    varied: bool = False
    """Whether `inventory` declares something else than what the lab is left as."""

    def vipbook(self, *argv: str, timeout: float = 180.0) -> Ran:
        """Run the command on this lab's inventory, without a terminal."""
        self.proof.about_to_run(argv, self._declared())
        done = RUNNER.run([*argv, "--inventory", str(self.inventory)], self._environment(), timeout)
        assert "Traceback" not in done.stderr, done.stderr
        assert self.secret not in done.stdout + done.stderr
        if "--json" in argv and argv[0] in REPORTED and done.stdout:
            VALIDATOR.validate(json.loads(done.stdout))
        if done.returncode == 0 and not self.varied:
            self.proof.ran(argv, done.stdout)
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start the command and leave it running."""
        running = subprocess.Popen(
            [VIPBOOK, *argv, "--inventory", str(self.inventory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            start_new_session=True,
            env=self._environment(),
        )
        self.proof.started(running, self._declared())
        return running

    def _declared(self) -> list[str]:
        """Names of the clusters in the inventory."""
        return re.findall(r"(?m)^  (\w+):$", (self.inventory / "clusters.yaml").read_text())

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "VIPBOOK_STATE": str(self.state)}

    def shell(self, node: str, *command: str, check: bool = True) -> str:
        """stdout of a command run as root inside a node."""
        self.proof.ran_in_node(node, command)
        done = run_in(node, *command)
        if check and done.returncode != 0:
            raise AssertionError(f"{node}: {' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def follow(self, advice: list[str], *, again: bool = False) -> None:
        """Every step of an advice that names a host and a command, in order; `again`: some may find nothing to do."""
        for step in advice:
            where, _, command = step.partition(": ")
            if where.startswith("on "):
                self.shell(where.removeprefix("on "), "sh", "-c", command, check=not again)

    def variant(self, directory: Path, *changes: tuple[str, str]) -> Fabric:
        """The same lab with another clusters.yaml."""
        target = directory / "inventory"
        shutil.copytree(self.inventory, target)
        path = target / "clusters.yaml"
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        return replace(self, inventory=target, varied=True)
