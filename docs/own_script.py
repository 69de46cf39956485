"""Ask servers a question of your own, then let vipbook judge the VIPs, all with one Nornir."""

import sys
from pathlib import Path

from nornir import InitNornir

from runbooks.progress import Progress
from runbooks.session import open_session
from runbooks.verify import verify
from tasks.model.answer import Command
from tasks.transport import Script, ask

SERVERS = ("H1", "H2")
FILES = {
    "host_file": "inventory/hosts.yaml",
    "group_file": "inventory/groups.yaml",
    "defaults_file": "inventory/defaults.yaml",
}

# A processor of vipbook's: it names each host that does not answer. Your own see the same.
nornir = InitNornir(inventory={"options": FILES}, logging={"enabled": False}).with_processors([Progress(print)])
session = open_session(Path("inventory"), ["web"], nornir)
try:
    # One SSH session and one round trip per host, host keys checked, answers bounded.
    script = Script(commands=(Command(key="load", argv=("cat", "/proc/loadavg")),))
    chosen = nornir.filter(filter_func=lambda host: host.name in SERVERS)
    for name, results in chosen.run(task=ask, scripts=dict.fromkeys(SERVERS, script)).items():
        if not results.failed:
            print(name, results[0].result["load"].stdout.split()[0])
    report = verify(session)
finally:
    session.close()

for vip in report.vips:
    print(f"{vip.address}: {vip.state} on {vip.owner}, {vip.status}")
    for check in vip.checks:
        if check.status not in {"pass", "skip"}:
            print(f"  {check.check} {check.target}: {check.message}")
sys.exit(report.status != "pass")
