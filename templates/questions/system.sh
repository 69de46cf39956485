# os-release(5) is made to be sourced. Which package manager there is decides among those of the family alone: an
# Enterprise Linux may have dpkg installed, and Debian rpm.

vipbook_family=$( . /etc/os-release && printf ' %s %s ' "${ID:-}" "${ID_LIKE:-}")
case $vipbook_family in
*' debian '* | *' ubuntu '*) vipbook_managers=apt-get ;;
*' rhel '* | *' centos '* | *' fedora '*) vipbook_managers='dnf yum' ;;
*) vipbook_managers= ;;
esac
vipbook_manager=
for vipbook_program in $vipbook_managers; do
    if [ -z "$vipbook_manager" ] && command -v "$vipbook_program" >/dev/null 2>&1; then
        vipbook_manager=$vipbook_program
    fi
done
printf 'manager=%s\n' "$vipbook_manager"
( . /etc/os-release && printf 'name=%s\n' "${PRETTY_NAME:-${NAME:-}}" )
