#!/bin/bash
# From nothing to a measured failover, in the order in which an engineer would do it.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n$ %s\n' "$*"; "$@"; }

step vipbook lab up
step vipbook lint
step vipbook plan
step vipbook apply --yes
step vipbook verify --wait 30
step vipbook drill web --probe I1 --yes --report json:demo-report.json --report html:demo-report.html
step vipbook drill db --probe I1 --yes
python3 - demo-report.json <<'PYTHON'
import json, sys

report = json.load(open(sys.argv[1]))
measured = ", ".join(
    f"{outage['phase']} {outage['seconds']:.3f} s (allowed {outage['bound_s'][0]:.3f} to {outage['bound_s'][1]:.3f})"
    for outage in report["drill"]["outages"]
)
print(f"\n{report['verdict'].upper()}: {measured}; the whole report is in demo-report.json and demo-report.html")
print("The lab stays up: look around with `vipbook lab shell L1`, take it away with `vipbook lab down`.")
PYTHON
