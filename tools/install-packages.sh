#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the Debian packages of the groups given, those that are missing; silent when none is.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
list=$here/packages.txt

usage() {
    cat <<END
usage: install-packages.sh GROUP...
Installs what is missing of tools/packages.txt's groups:$(sed -n 's/^\[\(.*\)\]$/ \1/p' "$list" | tr -d '\n')
As root: with apt-get, without asking; packages that are there are never removed or replaced.
Not as root: prints the one line to type and exits with 1.
kernel-build is skipped where a rustc with its own source is found (see find-rustc.sh).
END
}

case ${1-} in
    -h | --help) usage; exit 0 ;;
    '') usage >&2; exit 2 ;;
esac
for tool in dpkg-query apt-get apt-cache; do
    command -v "$tool" >/dev/null || {
        echo "install-packages.sh: no $tool: this is not a Debian system. Install by hand what $list names." >&2
        exit 1
    }
done

wanted=
for group; do
    grep -qxF "[$group]" "$list" || {
        echo "install-packages.sh: no group [$group] in $list" >&2
        exit 2
    }
done
choices() {
    sed -n "/^\[$1\]\$/,/^\[/{/^[[#]/d;/^\$/d;p}" "$list"
}
for group; do wanted="$wanted $(choices "$group")"; done

# One dpkg-query call for every name, alternatives included.
installed=" $(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(echo "$wanted" | tr '|' ' ') 2>/dev/null |
    sed -n 's/ installed$//p' | tr '\n' ' ') "

is_installed() {
    case $installed in *" $1 "*) return 0 ;; *) return 1 ;; esac
}
has_candidate() {
    apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

missing=
for group; do
    absent=
    for choice in $(choices "$group"); do
        found=
        for name in $(echo "$choice" | tr '|' ' '); do
            is_installed "$name" && found=yes && break
        done
        [ -n "$found" ] || absent="$absent $choice"
    done
    if [ -n "$absent" ] && [ "$group" = kernel-build ] && "$here/find-rustc.sh" >/dev/null 2>&1; then
        continue
    fi
    missing="$missing$absent"
done
[ -n "$missing" ] || exit 0

# Fills $names with an installable package for each missing choice, $unknown with the choices that have none.
choose() {
    names= unknown=
    for choice in $missing; do
        pick=
        for name in $(echo "$choice" | tr '|' ' '); do
            has_candidate "$name" && pick=$name && break
        done
        if [ -n "$pick" ]; then names="$names $pick"; else unknown="$unknown $choice"; fi
    done
}
choose

if [ "$(id -u)" != 0 ]; then
    for choice in $unknown; do names="$names ${choice%%|*}"; done
    echo "Packages are missing. As root, type:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends$names" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install() {
    # shellcheck disable=SC2086 # a list of names
    apt-get install -y -q --no-install-recommends --no-remove $names
}
if [ -z "$unknown" ]; then
    echo "installing:$names"
    install && exit 0
    echo "install-packages.sh: trying again with fresh package lists" >&2
fi
apt-get update -q
choose
if [ -n "$unknown" ]; then
    echo "install-packages.sh: apt knows no package for:$unknown" >&2
    exit 1
fi
echo "installing:$names"
install || {
    echo "install-packages.sh: apt-get could not install:$names" >&2
    echo "If it says that it would have to remove packages, decide on that yourself:" >&2
    echo "    apt-get install --no-install-recommends$names" >&2
    exit 1
}
