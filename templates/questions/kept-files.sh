# A backup from before there were checksums still tells when it was finished: what was touched later may be changed.

while IFS= read -r path; do
    now=- was=- left=unknown
    if [ -e "$path" ]; then now="=$(base64 -w0 < "$path")" || exit 1; fi
    old="$1/$(printf %s "${path#/}" | tr / %)"
    if [ -e "$old" ]; then was="=$(base64 -w0 < "$old")" || exit 1; fi
    if [ -e "$1/@LEFT@" ]; then
        while read -r sum name; do
            if [ "$name" = "$path" ]; then left=$sum; fi
        done < "$1/@LEFT@"
    elif [ "$now" = - ] || [ "$(stat -c %Z "$path")" -le "$(stat -c %Z "$1")" ]; then
        left=same
    fi
    printf "%s %s %s %s\n" "$left" "$now" "$was" "$path"
done < "$1/files"
