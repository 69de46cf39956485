# As text a script goes to root's shell on a pipe: in arguments all of it would be logged at every call, and a
# here-document is a file in /tmp for some shells. In braces, because a shell reads its script by the line, and what runs
# in it would read the rest.

FUNCTION() {
    vipbook_installed @NAME@ @VERSION@
    case $? in
    0) sudo -n "$vipbook_path" ;;
    1) printf '{\n%s\n} </dev/null; exit\n' @TEXT@ | sudo -n sh -s ;;
    *) return 121 ;;
    esac
}
