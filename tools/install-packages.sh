#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the Debian packages of the groups given usable, those that are missing; silent when none is.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
list=$here/packages.txt
. "$here/env.sh"
. "$here/apt.sh"

usage() {
    cat <<END
usage: install-packages.sh GROUP...
Gets what is missing of tools/packages.txt's groups:$(sed -n 's/^\[\(.*\)\]$/ \1/p' "$list" | tr -d '\n') cargo
As root, apt-get installs each package that it can without removing, upgrading or downgrading anything. All others, and
all for who is not root, are downloaded by apt, which checks their signatures, and unpacked under build/tools
(\$GNUMACH_TOOLS replaces it): the machine stays as it was. Once that is done nothing is downloaded again.
kernel-build is skipped where a rustc with its own source is found (see find-rustc.sh); cargo is kernel-build where there
is no cargo 1.$oldest_cargo or newer.
END
}

oldest_cargo=85 # of 1.x: Cargo.toml's rust-version
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

good_cargo() {
    minor=$("$1" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    [ "${minor:-0}" -ge $oldest_cargo ]
}
groups= expose_rust=
for group; do
    if [ "$group" = cargo ]; then
        ! good_cargo cargo || continue
        group=kernel-build expose_rust=yes
    fi
    grep -qxF "[$group]" "$list" || {
        echo "install-packages.sh: no group [$group] in $list" >&2
        exit 2
    }
    case " $groups " in *" $group "*) ;; *) groups="$groups $group" ;; esac
done
choices() {
    sed -n "/^\[$1\]\$/,/^\[/{/^[[#]/d;/^\$/d;p}" "$list"
}

# One dpkg-query call for every name, alternatives included.
look() {
    wanted=
    for group in $groups; do wanted="$wanted $(choices "$group")"; done
    installed=" $(dpkg-query -W -f '${Package}=${Version} ${db:Status-Status}\n' $(names_of "$wanted") 2>/dev/null |
        sed -n 's/ installed$//p' | tr '\n' ' ') "
}
is_installed() {
    for name in $(names_of "$1"); do
        case $installed in *" $name="*) ;; *) continue ;; esac
        version=${installed#*" $name="}
        ! is_enough "${version%% *}" "$1" || return 0
    done
    return 1
}
# Unpacked for another release of Debian is not there.
release=$(debian_release)
is_unpacked() {
    [ -f "$unpacked/$1/RECORD" ] && grep -qxF "choice $2" "$unpacked/$1/RECORD" &&
        grep -qxF "release $release" "$unpacked/$1/RECORD"
}
# A group's choices that are neither installed nor unpacked, in $absent.
absent_of() {
    absent=
    for choice in $(choices "$1"); do
        is_installed "$choice" || is_unpacked "$1" "$choice" || absent="$absent $choice"
    done
    [ -z "$absent" ] || [ "$1" != kernel-build ] || [ -n "$expose_rust" ] ||
        ! "$here/find-rustc.sh" >/dev/null 2>&1 || absent=
}
# All that is missing, in $missing.
find_missing() {
    look
    missing=
    for group in $groups; do
        absent_of "$group"
        missing="$missing$absent"
    done
}

# Where the first cargo on PATH is too old, one that is there now goes before it, with its rustc.
expose_rust() {
    [ -n "$expose_rust" ] && ! good_cargo cargo || return 0
    for folder in "$unpacked/kernel-build/usr/bin" /usr/bin; do
        if good_cargo "$folder/cargo"; then
            "$here/unpack-packages.sh" --cargo "$folder"
            return
        fi
    done
    echo "install-packages.sh: no cargo 1.$oldest_cargo or newer, though its package is there" >&2
    exit 1
}

find_missing
if [ -z "$missing" ]; then
    expose_rust
    exit 0
fi
# One at a time: several makes, or one with -j, wait here and then find all in place.
mkdir -p "$unpacked"
unpacked=$(CDPATH= cd -- "$unpacked" && pwd)
exec 9>"$unpacked/.lock"
flock 9
find_missing

# The first package of a choice that the machine's apt offers.
pick() {
    for name in $(names_of "$1"); do
        candidate=$(apt-cache policy "$name" 2>/dev/null | candidate)
        if [ -n "$candidate" ] && is_enough "$candidate" "$1"; then echo "$name"; return; fi
    done
}
# Whether apt would install these and change nothing else: an upgrade or downgrade shows the old version in brackets.
harmless() {
    apt-get -s -q install --no-install-recommends "$@" >"$plan" 2>&1 && ! grep -qE '^(Remv |Inst [^ ]+ \[)' "$plan"
}
# The packages that can be installed so, in $harmless.
choose() {
    names= harmless=
    for choice in $missing; do names="$names $(pick "$choice")"; done
    # shellcheck disable=SC2086 # lists of names
    if harmless $names; then
        harmless=$names
        return
    fi
    [ "$names" != " ${names##* }" ] || return 0
    for name in $names; do
        ! harmless $harmless "$name" || harmless="$harmless $name"
    done
}
fresh_lists() {
    apt-get update -q || echo "install-packages.sh: not all package lists could be fetched" >&2
}
if [ -n "$missing" ] && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    plan=$(mktemp)
    trap 'rm -f "$plan"' EXIT
    updated=
    for choice in $missing; do
        [ -n "$(pick "$choice")" ] || { fresh_lists; updated=yes; break; }
    done
    choose
    while [ -n "$harmless" ]; do
        echo "installing:$harmless"
        # shellcheck disable=SC2086 # a list of names
        if apt-get install -y -q --no-install-recommends --no-remove -o DPkg::Lock::Timeout=600 $harmless; then
            break
        fi
        [ -z "$updated" ] || {
            echo "install-packages.sh: apt-get could not install:$harmless" >&2
            exit 1
        }
        echo "install-packages.sh: trying again with fresh package lists" >&2
        fresh_lists
        updated=yes
        choose
    done
    find_missing
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
        echo "apt-get does not know, or would have to remove or change other packages for:$missing; unpacking under build/tools" >&2
    else
        echo "not root: unpacking under build/tools:$missing" >&2
    fi
    wanted=
    for group in $groups; do
        absent_of "$group"
        [ -n "$absent" ] || continue
        # What was unpacked of it before is unpacked again; a compiler's parts must stand together.
        for choice in $(choices "$group"); do
            case " $absent " in *" $choice "*) continue ;; esac
            if [ "$group" = kernel-build ] || ! is_installed "$choice"; then absent="$absent $choice"; fi
        done
        wanted="$wanted $group:$(echo $absent | tr ' ' ,)"
    done
    # shellcheck disable=SC2086 # a list of groups
    "$here/unpack-packages.sh" $wanted
fi
expose_rust
