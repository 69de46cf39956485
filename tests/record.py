"""Record what every host of the lab answers to one verify, for tests without a lab: `python -m tests.record`.

The VRRP password is replaced by a sample, so that nothing of the lab's secrets gets into the repository.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from runbooks.session import open_session
from runbooks.verify import observe
from tasks.model.answer import Answers

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "tests" / "data" / "verify" / "healthy.json"
SAMPLE = "hunter22"


def main() -> int:
    """Write the answers and the rendered configurations; exit status 1 when a host did not answer."""
    session = open_session(ROOT / "inventory", ["web"])
    try:
        replies = observe(session, session.clusters)
    finally:
        session.close()
    (cluster,) = session.clusters
    secret = cluster.auth_pass.reveal() if cluster.auth_pass is not None else SAMPLE
    silent = [host for host, reply in replies.items() if not isinstance(reply, Answers)]
    if silent:
        sys.stderr.write(f"no answer from {', '.join(silent)}\n")
        return 1
    recorded = {
        "replies": {host: _answers(reply) for host, reply in replies.items() if isinstance(reply, Answers)},
        "desired": {host: desired.config for host, desired in session.desired.items()},
    }
    text = json.dumps(recorded, indent=1).replace(secret, SAMPLE)
    TARGET.write_text(text + "\n", encoding="utf-8")
    return 0


def _answers(reply: Answers) -> dict[str, dict[str, object]]:
    """What a test needs of each answer; when it was given does not matter."""
    found = {key: replace(answer) for key, answer in reply.by_key.items()}
    return {
        key: {
            "command": answer.command,
            "status": answer.status,
            "stdout": answer.stdout,
            "stderr": answer.stderr,
        }
        for key, answer in found.items()
    }


if __name__ == "__main__":
    raise SystemExit(main())
