#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Compiles core for bare GNU Mach, once, into a sysroot of its own, and prints that sysroot's path.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
build=${BUILD:-$here/../build}

usage() {
    cat <<'END'
usage: sysroot.sh TARGET
TARGET is a name in tools/targets/: i686-gnumach or x86_64-gnumach.
Compiles `core` and an empty `compiler_builtins` for it with the rustc that find-rustc.sh finds, from that rustc's own
source, and prints the sysroot to hand to that rustc: build/sysroot/TARGET-KEY. KEY changes with the compiler and with the
target's description; a sysroot that is there is used as it is. Takes 20 to 30 s and 45 MB. $BUILD replaces
build/ for one that is made. What core has for AVX-512 and for floats as text, which no kernel uses, is left out.
END
}

case ${1-} in -h | --help) usage; exit 0 ;; esac
[ $# = 1 ] || { usage >&2; exit 2; }
target=$1
spec=$here/targets/$target.json
[ -f "$spec" ] || { echo "sysroot.sh: no target '$target' in $here/targets" >&2; exit 2; }

found=$("$here/find-rustc.sh") || exit 1
rustc=$(echo "$found" | sed -n 1p)
library=$(echo "$found" | sed -n 2p)

# RUSTC_BOOTSTRAP: core uses unstable features, and only this compiler version's own core.
export RUSTC_BOOTSTRAP=1
# Unwind tables would be dead weight; immediate-abort turns a panic into one ud2, in core as in the code that uses it.
# Most of core is used nowhere: what is, is compiled with the code that uses it. The cfg is core's own.
flags="-Zunstable-options --cfg no_fp_fmt_parse --edition 2024 --crate-type rlib -Copt-level=2 -Cpanic=immediate-abort
    -Cembed-bitcode=no -Cforce-unwind-tables=no -Cdebuginfo=0 -Zhint-mostly-unused --cap-lints allow"
left_out='avx512*.rs'
key=$({ printf '%s\n' "$found" | sed 1,2d; echo "$library $flags $left_out"; cat "$spec"; } | sha256sum | cut -c1-12)
# One that stands in this workspace's own build/ serves every other folder.
own=$here/../build/sysroot/$target-$key
if [ -d "$own" ]; then
    (CDPATH= cd -- "$own" && pwd)
    exit 0
fi
mkdir -p "$build/sysroot"
sysroot=$(CDPATH= cd -- "$build/sysroot" && pwd)/$target-$key
if [ -d "$sysroot" ]; then
    echo "$sysroot"
    exit 0
fi

work=$(mktemp -d "$build/sysroot/.$target-XXXXXX")
compiler=
trap '[ -z "$compiler" ] || kill "$compiler" 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
lib=$work/lib/rustlib/$target/lib
mkdir -p "$lib"
# core calls nothing of compiler_builtins that the kernel lacks, but rustc insists on the crate.
cat >"$work/compiler_builtins.rs" <<'END'
#![feature(compiler_builtins)]
#![compiler_builtins]
#![no_std]
END

# AVX-512 is a fifth of the work. Its files are empty in a copy of what core is made of, all else are links.
mkdir "$work/source"
for part in core stdarch portable-simd; do
    [ ! -d "$library/$part" ] || cp -rs "$library/$part" "$work/source"
done
find "$work/source" -name "$left_out" -exec cp --remove-destination /dev/null {} \;

# Runs a compiler in the background so that seconds can be shown on a terminal.
compile() {
    name=$1
    shift
    # shellcheck disable=SC2086 # a list of flags
    "$rustc" --target "$spec" --sysroot "$work" --crate-name "$name" $flags --out-dir "$lib" "$@" \
        >"$work/messages" 2>&1 &
    compiler=$!
    seconds=0
    while [ -t 2 ] && kill -0 "$compiler" 2>/dev/null; do
        printf '\rcompiling %s for %s, %d s (about 30) ' "$name" "$target" "$seconds" >&2
        sleep 1
        seconds=$((seconds + 1))
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
    status=0
    wait "$compiler" || status=$?
    compiler=
    return "$status"
}
fail() {
    echo "sysroot.sh: $rustc could not compile $name for $target:" >&2
    cat "$work/messages" >&2
    exit 1
}
[ -t 2 ] || echo "compiling core for $target" >&2
# Should a newer core want what is left out, it is compiled whole.
compile core "$work/source/core/src/lib.rs" || compile core "$library/core/src/lib.rs" || fail
compile compiler_builtins "$work/compiler_builtins.rs" || fail

rm -r "$work/messages" "$work/compiler_builtins.rs" "$work/source"
chmod 755 "$work"
# Another process may have been faster: its sysroot is the same.
mv -T "$work" "$sysroot" 2>/dev/null || [ -d "$sysroot" ]
echo "$sysroot"
