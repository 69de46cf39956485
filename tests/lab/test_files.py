"""Files and packages of others, which were there before: links, bytes that are no UTF-8, what a package left."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.lab.conftest import Fabric
from tests.lab.test_apply import leftovers
from tests.lab.test_safety import PRIORITY, until_reading_back

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
CONFIG = "/etc/keepalived/keepalived.conf"
RULES = {"H1": "/etc/iptables/rules.v4", "H2": "/etc/nftables.conf"}
FORGET = {
    "H1": "sed -i /vipbook/d /etc/iptables/rules.v4; iptables-save | grep -v vipbook | iptables-restore",
    "H2": "rm -f /etc/nftables-vipbook.nft; sed -i /vipbook/d /etc/nftables.conf; nft -f /etc/nftables.conf",
}
"""Our rule out of the file and out of what runs."""
REFUSE = "mv /usr/sbin/keepalived /usr/sbin/keepalived.real; printf '#!/bin/sh\\nexit 9\\n' > /usr/sbin/keepalived"
REFUSE += "; chmod 755 /usr/sbin/keepalived"
ACCEPT = "mv /usr/sbin/keepalived.real /usr/sbin/keepalived"


def shell(fabric: Fabric, server: str, script: str) -> str:
    return fabric.shell(server, "sh", "-c", script)


def tree(fabric: Fabric, server: str, path: str) -> str:
    """The link, the real file with its inode's rights, its text, and every name around both."""
    real = f"/srv/real/{path.rpartition('/')[2]}"
    around = f"ls -A {path.rpartition('/')[0]} /srv/real"
    return shell(fabric, server, f"readlink {path}; stat -c '%U %G %a %F' {real}; cat {real}; {around}")


@pytest.mark.parametrize(("server", "relative"), [("H1", True), ("H2", False)])
def test_a_linked_file_is_changed_where_it_is_and_comes_back(
    healthy: Fabric,
    tmp_path: Path,
    server: str,
    relative: bool,  # noqa: FBT001
) -> None:
    paths = (RULES[server], CONFIG)
    shell(healthy, server, f"{FORGET[server]}; rm -rf /srv/real; mkdir /srv/real")
    for path in paths:
        up = "../" * (path.count("/") - 1) if relative else "/"
        name = path.rpartition("/")[2]
        shell(healthy, server, f"mv {path} /srv/real/ && ln -s {up}srv/real/{name} {path}")
    before = [tree(healthy, server, path) for path in paths]
    changed = healthy.variant(tmp_path, PRIORITY, ("priority: 100,", "priority: 109,"))
    try:
        shell(healthy, server, REFUSE)
        failed = changed.vipbook("apply", "--yes", "--json")
        shell(healthy, server, ACCEPT)
        assert failed.code == 4, failed.problems()
        outcomes = {each["host"]: (each["outcome"], each["stands"]) for each in failed.report["servers"]}
        assert outcomes[server] == ("rolled-back", "as before")
        assert [tree(healthy, server, path) for path in paths] == before
        assert leftovers(healthy, server) == ""
        number = shell(healthy, server, f"stat -c %i /srv/real/{RULES[server].rpartition('/')[2]}")
        done = changed.vipbook("apply", "--yes", "--json")
        assert done.code == 0, done.problems()
        after = [tree(healthy, server, path) for path in paths]
        assert [each.splitlines()[0] for each in after] == [each.splitlines()[0] for each in before]
        assert all("vipbook" in each for each in after)
        assert shell(healthy, server, f"stat -c %i /srv/real/{RULES[server].rpartition('/')[2]}") != number
        if server == "H1":
            # On H2 the firewall from before would make a second master, which a rollback doesn't let stand.
            back = changed.vipbook("rollback", "web", "--yes")
            assert back.code == 0, back.err
            assert [tree(healthy, server, path) for path in paths] == before
    finally:
        shell(healthy, server, f"[ ! -e /usr/sbin/keepalived.real ] || {ACCEPT}")
        for path in paths:
            shell(healthy, server, f"rm -f {path} && mv /srv/real/{path.rpartition('/')[2]} {path}")
        shell(healthy, server, "rmdir /srv/real")
        assert healthy.vipbook("apply", "--yes").code == 0


LATIN = {"H1": "/etc/iptables/rules.v4", "H2": "/etc/nftables.conf"}


@pytest.mark.parametrize("server", ["H1", "H2"])
def test_a_comment_in_latin_1_stays_byte_for_byte(healthy: Fabric, server: str) -> None:
    path = LATIN[server]
    shell(healthy, server, f"{FORGET[server]}; printf '# f\\374r den Chef\\n' >> {path}")
    before = shell(healthy, server, f"od -An -c {path}")
    assert "374" in before
    try:
        planned = healthy.vipbook("plan", "--json")
        assert path in planned.out
        assert healthy.vipbook("apply", "--yes").code == 0
        assert "374" in shell(healthy, server, f"od -An -c {path}")
        # The ruleset has our rule now, and the file, but for our line, is what it was.
        without = f"sed '/vipbook/d' {path} | od -An -c"
        assert shell(healthy, server, without) == before
        assert healthy.vipbook("verify", "--json").code == 0
    finally:
        shell(healthy, server, f"LC_ALL=C sed -i '/den Chef/d' {path}")


def test_configuration_that_a_package_left_stays_and_never_runs(db: Fabric) -> None:
    """Removed and not purged: Debian would start the old configuration as soon as the package is back."""
    leave = "echo '# tuned by ops' >> /etc/default/keepalived; apt-get remove -y keepalived"
    leave += "; sed -i 's/vrrp_instance VI_/vrrp_instance LEFT_/' /etc/keepalived/keepalived.conf"
    state = "dpkg-query -W -f='${db:Status-Status}' keepalived; cat /etc/default/keepalived; ls -A /etc/keepalived"
    state += f"; cat {CONFIG}; ls -A /run/systemd/system; systemctl list-units --all --plain --no-legend 'vipbook-*'"
    try:
        shell(db, "H4", leave)
        began = shell(db, "H4", "date '+%F %T'").strip()
        before = shell(db, "H4", state)
        assert before.startswith("config-files")
        running = db.start("apply", "--yes", "db")
        until_reading_back(running)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=120)
        assert "H4: rolled-back" in err
        assert shell(db, "H4", state) == before
        ran = db.vipbook("apply", "--yes", "db", "--json", timeout=300)
        assert ran.code == 0, ran.problems()
        said = db.shell("H4", "journalctl", "-u", "keepalived", "--since", began, "-o", "cat", "--no-pager")
        assert "VI_db" in said
        assert "LEFT_" not in said
        assert "# tuned by ops" in shell(db, "H4", "cat /etc/default/keepalived")
    finally:
        shell(db, "H4", "sed -i '/# tuned by ops/d' /etc/default/keepalived")
