#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Prints the rustc to compile kernel code with: one whose own source is installed beside it.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/env.sh"

case ${1-} in
    -h | --help)
        cat <<'END'
usage: find-rustc.sh
Prints the path of a rustc that has its own library source, that source's folder (library/), and, from the third line on, what
that rustc says to -vV. A script that calls others hands that on in $FOUND_RUSTC: then it is printed, and nothing looked at.
Looks at $KERNEL_RUSTC (used alone if set), the system's rustc, the first rustc on PATH, rustup's toolchains, newest
first, and the one that install-packages.sh has unpacked. The first of them from 1.96 on that has its source is taken.
Exits with 1 if there is none, saying how to get one.
END
        exit 0
        ;;
esac

if [ -n "${FOUND_RUSTC-}" ]; then
    printf '%s\n' "$FOUND_RUSTC"
    exit 0
fi
oldest=96 # of 1.x: the target descriptions in targets/ are for this one and newer
seen=

try() {
    [ -x "$1" ] || return 0
    root=$("$1" --print sysroot 2>/dev/null) || return 0
    verbose=$("$1" -vV 2>/dev/null) || return 0
    version=$(printf '%s\n' "$verbose" | sed -n 1p)
    minor=$(echo "$version" | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
    if [ -z "$minor" ] || [ "$minor" -lt "$oldest" ]; then
        seen="$seen
    $1: $version, older than 1.$oldest"
    elif [ ! -f "$root/lib/rustlib/src/rust/library/core/src/lib.rs" ]; then
        seen="$seen
    $1: $version, its source is not installed"
    else
        # rustup's proxy chooses by folder and environment: name the compiler it stands for.
        rustc=$1
        [ ! -x "$root/bin/rustc" ] || rustc=$root/bin/rustc
        echo "$rustc"
        echo "$root/lib/rustlib/src/rust/library"
        printf '%s\n' "$verbose"
        exit 0
    fi
}

if [ -n "${KERNEL_RUSTC-}" ]; then
    try "$KERNEL_RUSTC"
else
    try /usr/bin/rustc
    on_path=$(command -v rustc || :)
    [ "$on_path" = /usr/bin/rustc ] || try "$on_path"
    for toolchain in $(ls -d "${RUSTUP_HOME:-${HOME-}/.rustup}"/toolchains/*/ 2>/dev/null | sort -rV); do
        try "${toolchain}bin/rustc"
    done
    try "$unpacked/kernel-build/usr/bin/rustc"
fi
{
    echo "find-rustc.sh: no rustc 1.$oldest or newer with its own source. Looked at:${seen:-
    nothing: no rustc here}"
    echo "To get one: tools/install-packages.sh kernel-build (Debian), or: rustup component add rust-src"
} >&2
exit 1
