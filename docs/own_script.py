"""Ask servers a question of your own, then let vipbook judge the VIPs."""

import sys
from pathlib import Path

from runbooks.session import open_session
from runbooks.verify import verify
from tasks.model.answer import Answers, Command
from tasks.transport import Script, ask

SERVERS = ("H1", "H2")

session = open_session(Path("inventory"), ["web"])
try:
    # A Nornir task of vipbook: one SSH session and one round trip per host, host keys checked, answers bounded.
    script = Script(commands=(Command(key="load", argv=("cat", "/proc/loadavg")),))
    chosen = session.nornir.filter(filter_func=lambda host: host.name in SERVERS)
    for name, results in chosen.run(task=ask, scripts=dict.fromkeys(SERVERS, script)).items():
        reply = results[0].result
        print(name, reply.by_key["load"].stdout.split()[0] if isinstance(reply, Answers) else reply.reason)
    report = verify(session, wait_s=30)
finally:
    session.close()

for vip in report.vips:
    print(f"{vip.address}: {vip.state} on {vip.owner}, {vip.status}")
    for finding in vip.findings:
        if finding.status not in {"pass", "skip"}:
            print(f"  {finding.check} {finding.target}: {finding.message}")
sys.exit(report.status != "pass")
