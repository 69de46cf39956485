"""H3 in CentOS 7's clothes: yum and no dnf, its os-release, and programs that know no more than those of that release.

What that proves is vipbook's way with what they lack. yum itself is dnf under another name here; the kernel, systemd
and iproute2 behind the clothes are the lab's.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Fabric

pytestmark = [pytest.mark.lab, pytest.mark.narrow]
OS_RELEASE = """NAME="CentOS Linux"
VERSION="7 (Core)"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="7"
PRETTY_NAME="CentOS Linux 7 (Core)"
"""
AWAY = "/usr/lib/vipbook-el7"
LACKS = {
    # systemd 219: --value came with 230, --timestamp with 247, --collect with 236.
    "systemctl": ("--value|--timestamp*", "systemctl: unrecognized option '$each'", 1),
    "systemd-run": ("--collect|-G|--quiet|-q|--wait|--timer-property=OnClockChange*", "unrecognized option '$each'", 1),
    # iproute2 4.11: JSON came with 4.13.
    "ip": ("-j|-json|--json", 'Option \\"-j\\" is unknown, try \\"ip -help\\".', 255),
    # nft 0.8 would be there at most, and is not by default.
    "nft": ("*", "nft: command not found", 127),
}
"""Options that the release's program does not know, what it says then, and its exit status."""
WRAPPER = """#!/bin/sh
for each; do
    case $each in {options}) echo "{said}" >&2; exit {status} ;; esac
done
exec {away}/{name} "$@"
"""
SYNC = f"""#!/bin/sh
# coreutils 8.22 syncs everything, and says so of arguments; files came with 8.24.
[ $# -eq 0 ] || echo 'sync: ignoring all arguments' >&2
exec {AWAY}/sync
"""
RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p ipv6-icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
COMMIT
"""
UNITS = "/etc/systemd/system"
FILES = {"iptables": "/etc/sysconfig/iptables", "ip6tables": "/etc/sysconfig/ip6tables"}
SERVICE = """[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c "exec {program}-restore < {path}"
[Install]
WantedBy=multi-user.target
"""
"""What the package iptables-services brings."""
SPEC = """Name: keepalived
Version: 1.3.5
Release: 19.el7
Summary: The release of CentOS 7, by its number alone
License: none
BuildArch: noarch
%description
%files
"""


def rules_of(program: str) -> str:
    if program == "iptables":
        return RULES.replace("ipv6-icmp", "icmp")
    return RULES.replace("icmp-host-prohibited", "icmp6-adm-prohibited")


def write(fabric: Fabric, path: str, text: str, mode: str = "0644") -> None:
    script = 'mkdir -p "${1%/*}" && printf %s "$2" > "$1.fresh" && chmod "$3" "$1.fresh" && mv "$1.fresh" "$1"'
    fabric.shell("H3", "sh", "-c", script, "sh", path, text, mode)


@pytest.fixture
def el7(db: Fabric) -> Iterator[Fabric]:
    """H3 bare, as CentOS 7 with iptables-services would be; its own clothes afterwards."""
    db.shell("H3", "sh", "-c", "systemctl disable --now keepalived; rpm -e keepalived; rm -rf /etc/keepalived")
    db.shell("H3", "sh", "-c", "systemctl disable --now firewalld; nft flush ruleset")
    for program, path in FILES.items():
        write(db, path, rules_of(program))
        write(db, f"{UNITS}/{program}.service", SERVICE.format(program=program, path=path))
        db.shell("H3", "sh", "-c", f"systemctl daemon-reload; systemctl enable --now {program}")
    real = 'readlink -f "$(command -v $1)"'
    places = {name: db.shell("H3", "sh", "-c", real, "sh", name).strip() for name in (*LACKS, "sync")}
    try:
        db.shell("H3", "sh", "-c", f"cp -a /usr/lib/os-release /root/os-release && mkdir -p {AWAY}")
        write(db, "/usr/lib/os-release", OS_RELEASE)
        for name, place in places.items():
            db.shell("H3", "mv", place, f"{AWAY}/{name}")
            if name in LACKS:
                options, said, status = LACKS[name]
                write(
                    db, place, WRAPPER.format(options=options, said=said, status=status, away=AWAY, name=name), "0755"
                )
        write(db, places["sync"], SYNC, "0755")
        db.shell("H3", "sh", "-c", "mv /usr/bin/dnf /root/dnf && ln -sf dnf-3 /usr/bin/yum")
        yield db
    finally:
        db.shell("H3", "sh", "-c", "systemctl disable --now keepalived; rpm -e keepalived; rm -rf /etc/keepalived")
        for name, place in places.items():
            db.shell("H3", "mv", f"{AWAY}/{name}", place)
        db.shell(
            "H3",
            "sh",
            "-c",
            "mv /root/dnf /usr/bin/dnf; ln -sf dnf /usr/bin/yum; mv /root/os-release /usr/lib/os-release",
        )
        for program, path in FILES.items():
            off = f"systemctl disable --now {program}; rm -f {path} {UNITS}/{program}.service"
            db.shell("H3", "sh", "-c", f"{off}; systemctl daemon-reload; {program} -F INPUT")
        db.shell("H3", "sh", "-c", "nft flush ruleset; systemctl enable --now firewalld")


def test_from_bare_with_yum_to_healthy(el7: Fabric) -> None:
    asked = "command -v dnf; ip -j addr; systemctl show --value; systemd-run --collect true; nft list"
    assert el7.shell("H3", "sh", "-c", f"({asked}) 2>&1; true").splitlines() == [
        'Option "-j" is unknown, try "ip -help".',
        "systemctl: unrecognized option '--value'",
        "unrecognized option '--collect'",
        "nft: command not found",
    ]
    plan = el7.vipbook("plan", "db", "--json")
    (server,) = [each for each in plan.report["servers"] if each["host"] == "H3"]
    assert server["changes"][0]["summary"] == "install keepalived with yum"
    ran = el7.vipbook("apply", "--yes", "db", "--json", timeout=300)
    assert ran.code == 0, ran.problems()
    assert {vip["state"] for vip in ran.report["clusters"][0]["vips"]} == {"healthy"}
    assert el7.shell("H3", "sh", "-c", "cat /etc/sysconfig/ip*tables").count("vipbook") == 2
    assert el7.vipbook("plan", "db", "--check").code == 0
    found = el7.vipbook("locate", "100.65.0.20", "--json")
    assert found.code == 0
    assert '"H3"' in found.out
    # Its own way back, armed and taken.
    ran = el7.vipbook("rollback", "db", "--yes", "--json", timeout=300)
    assert ran.code == 0, ran.out + ran.err
    assert el7.shell("H3", "sh", "-c", "cat /etc/sysconfig/ip*tables").count("vipbook") == 0


def test_its_own_keepalived_is_refused_before_anything_is_touched(el7: Fabric) -> None:
    make = """
        mkdir -p /root/stock && rpmbuild --quiet -bb --define '_topdir /root/stock/build' \\
            --define '_rpmdir /srv/stock' /root/stock/keepalived.spec && createrepo_c --quiet /srv/stock &&
        mv /etc/yum.repos.d/vipbook-lab.repo /root/stock/ &&
        printf '[stock]\\nname=stock\\nbaseurl=file:///srv/stock\\ngpgcheck=0\\n' > /etc/yum.repos.d/stock.repo &&
        yum -q makecache
    """
    write(el7, "/root/stock/keepalived.spec", SPEC)
    try:
        el7.shell("H3", "sh", "-c", make)
        rules = el7.shell("H3", "sh", "-c", "iptables -S; ip6tables -S; rpm -qa")
        ran = el7.vipbook("apply", "--yes", "db", "--json")
        assert ran.code == 1, ran.problems()
        (server,) = [each for each in ran.report["servers"] if each["host"] == "H3"]
        assert server["reason"] == (
            "keepalived 1.3.5 has no --config-test, so a configuration can't be checked before it is used; 2.0.4 has it"
        )
        assert el7.shell("H3", "sh", "-c", "iptables -S; ip6tables -S; rpm -qa") == rules
    finally:
        repository = "/etc/yum.repos.d/stock.repo"
        back = f"mv /root/stock/vipbook-lab.repo /etc/yum.repos.d/; rm -rf /root/stock /srv/stock {repository}"
        el7.shell("H3", "sh", "-c", f"{back}; yum -q makecache")
