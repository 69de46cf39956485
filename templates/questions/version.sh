# The candidate is asked for where nothing is installed alone, and without a look at the network.

case $vipbook_manager in
apt-get)
    vipbook_installed=$(dpkg-query -W -f='${Version} ${db:Status-Status}' keepalived 2>/dev/null)
    case $vipbook_installed in
    *' installed') printf 'installed=%s\n' "${vipbook_installed% installed}" ;;
    *) LC_ALL=C apt-cache policy keepalived | sed -n 's/^  Candidate: /candidate=/p' ;;
    esac ;;
dnf | yum)
    if vipbook_installed=$(rpm -q --qf '%{VERSION}-%{RELEASE}' keepalived); then
        printf 'installed=%s\n' "$vipbook_installed"
    else
        "$vipbook_manager" -q -C list available keepalived 2>/dev/null |
            sed -n 's/^keepalived[^ ]* *\([^ ]*\) .*/candidate=\1/p' | tail -n 1
    fi ;;
esac
true
