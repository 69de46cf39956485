#!/bin/bash
# The benchmark on the default lab, brought up and configured if it is not.
set -euo pipefail
cd "$(dirname "$0")/.."

vipbook lab up >/dev/null
vipbook apply --yes >/dev/null
exec python3 tests/bench/verify.py "$@"
