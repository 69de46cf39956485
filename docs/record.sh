#!/bin/bash
# Records the output that the documentation shows, from a lab that it brings up and takes down: `make docs-output`.
set -euo pipefail
cd "$(dirname "$0")/.."
lab=docs
output=$PWD/docs/output
work=$(mktemp -d)
export VIPBOOK_STATE=$work/state COLUMNS=118
install -d -m 700 "$VIPBOOK_STATE"
trap 'vipbook lab down --name "$lab" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

# record FILE STATUS COMMAND…: the command as typed, what it printed, and its exit status if that is not 0.
record() {
    local file=$output/$1 expected=$2 status=0
    shift 2
    echo "recording: $*"
    printf '$ %s\n' "$*" >"$work/text"
    "$@" >>"$work/text" 2>"$work/error" || status=$?
    if [ "$status" -ne "$expected" ]; then
        cat "$work/text" "$work/error" >&2
        echo "error: exit status $status instead of $expected" >&2
        exit 1
    fi
    [ "$status" -eq 0 ] || printf '(exit status %s)\n' "$status" >>"$work/text"
    # Neither the place of this checkout nor trailing blanks are of use to a reader.
    sed -e "s#$work/state#/var/lib/vipbook#g" -e "s#$PWD/##g" -e 's/[ \t]*$//' "$work/text" >"$file"
}
in_node() { vipbook lab shell --name "$lab" "$@"; }

vipbook lab up --name "$lab"
cp -r "$VIPBOOK_STATE/labs/vipbook-$lab/inventory" "$work/inventory"
cp docs/own_script.py "$work"
cd "$work"
record timers.txt 0 vipbook lint web --timers
record plan.txt 0 vipbook plan web
record apply.txt 0 vipbook apply web --yes
vipbook apply db --yes >/dev/null 2>&1
record verify.txt 0 vipbook verify web --wait 60
record own-script.txt 0 python own_script.py
record locate.txt 0 vipbook locate 100.65.0.10
record window-open.txt 0 vipbook window open friday web --expect 'web moves to H2'
in_node H1 systemctl stop keepalived
sleep 5
record window-close.txt 1 vipbook window close friday --wait 20
in_node H1 systemctl start keepalived
vipbook verify --wait 60 >/dev/null 2>&1
record drill-web.txt 0 vipbook drill web --probe I1 --yes
record drill-db.txt 0 vipbook drill db --yes
record history.txt 0 vipbook history list
# The failure that started this: without Cumulus's neighbor manager no gratuitous ARP replaces what EVPN installed.
for leaf in L1 L2; do in_node "$leaf" systemctl stop neighmgrd; done
in_node H1 ip link set dev enp0s8 down
sleep 8
in_node H1 ip link set dev enp0s8 up
in_node H1 ip route replace default via 100.65.0.1 dev enp0s8
sleep 8
record stale.txt 1 vipbook verify web

# The README shows the beginning and the end of two of them.
cd "$output"
{ sed -n 1,3p stale.txt && echo … && grep -m 1 -A 2 ^fail stale.txt && echo … && sed -n '/^known cause/,$p' stale.txt; } >stale-short.txt
{ sed -n 1p drill-web.txt && echo … && sed -n '/^Outage/,$p' drill-web.txt; } >drill-web-short.txt
cd "$output/../.."
python3 - <<'PYTHON'
import pathlib, re

page = pathlib.Path("README.md")
shown = re.compile(r"(<!-- (docs/output/\S+) -->\n```\n).*?(```\n)", re.DOTALL)
text = shown.sub(lambda found: found[1] + pathlib.Path(found[2]).read_text() + found[3], page.read_text())
page.write_text(text)
PYTHON
