#!/bin/sh
# Runs as root inside a root that is being made: Debian's dnf, rpm and firewalld, an RPM of keepalived in a repository of
# its own, rsyslog, and nothing left that would give Debian away.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
el=/srv/vipbook-el
apt-get --quiet=2 --yes --no-install-recommends install createrepo-c dnf firewalld rpm rsyslog
# Its libraries are Debian's: what comes with the package stays when the package goes.
apt-get --quiet=2 --yes --no-install-recommends install keepalived
version=$(dpkg-query -W -f '${source:Upstream-Version}' keepalived)
dpkg --purge keepalived

# As a site with virtual MACs and IPv6 has it: the answer to a packet that comes in by the virtual router's macvlan goes
# out by the interface beneath, and the strict filter drops it for that.
sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=no/' /etc/firewalld/firewalld.conf

tree=$(mktemp -d)
dpkg-deb -x /srv/vipbook-debs/keepalived_*.deb "$tree"
mkdir -p /srv/vipbook-rpms
# Debian's rpm keeps a database for each user; here there is one, which everybody may read.
mkdir -p /etc/rpm
echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros
for spec in base keepalived; do
    rpmbuild --quiet -bb --define "_topdir $tree/rpmbuild" --define "_rpmdir /srv/vipbook-rpms" \
        --define "lab_tree $tree" --define "lab_el $el" --define "lab_version $version" "$el/$spec.spec"
done
rpm --initdb
rpm -i /srv/vipbook-rpms/*/vipbook-lab-base-*.rpm
createrepo_c --quiet /srv/vipbook-rpms
rm -rf "$tree"

rm -f /etc/yum.repos.d/*
mkdir -p /etc/yum.repos.d
cat > /etc/yum.repos.d/vipbook-lab.repo <<'REPO'
[vipbook-lab]
name=The lab's own packages
baseurl=file:///srv/vipbook-rpms
gpgcheck=0
REPO

rm -f /etc/os-release
cp "$el/os-release" /usr/lib/os-release
ln -s ../usr/lib/os-release /etc/os-release
cp "$el/rsyslog.conf" /etc/rsyslog.conf
rm -f /etc/rsyslog.d/*
# No directory, no persistent journal: /var/log/messages alone outlives a boot.
rm -rf /var/log/journal
rm -f /etc/debian_version /etc/apt/sources.list
rm -f /usr/bin/apt-get /usr/bin/apt /usr/bin/apt-cache /usr/bin/dpkg /usr/bin/dpkg-query
mkdir -p /etc/dnf/vars
echo 9 > /etc/dnf/vars/releasever
ln -sf dnf /usr/bin/yum
