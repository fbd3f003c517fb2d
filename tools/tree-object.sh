#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the object for a GNU Mach tree, with that tree's compiler, headers and options; its configure and make call this.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH= cd -- "$here/.." && pwd)
. "$here/env.sh"

usage() {
    cat <<'END'
usage: tree-object.sh --systype NAME --ld COMMAND --work DIR [--features LIST] OUTPUT -- COMPILER [OPTION]...
       tree-object.sh --check --systype NAME
Compiles the crate gnumach-vm-map for a GNU Mach tree and writes one relocatable object, OUTPUT, and beside it a make
fragment (OUTPUT with .d for .o) that names what it was made from. Called in the tree's build folder.
  --systype NAME   i386 or x86_64, as the tree's configure says
  --ld COMMAND     the tree's linker, with its options
  --work DIR       where cargo works, and where core is compiled to (60 MB)
  --features LIST  features of the crate besides those that the tree decides, separated by commas
COMPILER and its OPTIONs are what the tree compiles vm/vm_map.c with, without -c and file names: bindgen reads the tree's
headers as this command preprocesses them, and every offset, size, bit position and signature that bindgen found is
checked by it.
  --check          only looks whether there is what a build needs: a rustc with its own source, its cargo, libclang, and the
                   crates that Cargo.lock names (cargo may have to download them). Exits with 1 and says what is missing.
END
}

fail() {
    echo "tree-object.sh: $*" >&2
    exit 1
}

check= systype= ld= work= asked= output=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --check) check=yes; shift ;;
        --systype | --ld | --work | --features)
            [ $# -ge 2 ] || { echo "tree-object.sh: $1 needs a value" >&2; exit 2; }
            case $1 in
                --systype) systype=$2 ;;
                --ld) ld=$2 ;;
                --work) work=$2 ;;
                --features) asked=$2 ;;
            esac
            shift 2
            ;;
        --) shift; break ;;
        -?*) echo "tree-object.sh: no option $1" >&2; exit 2 ;;
        *) [ -z "$output" ] || { usage >&2; exit 2; }; output=$1; shift ;;
    esac
done
case $systype in
    i386) target=i686-gnumach ;;
    x86_64) target=x86_64-gnumach ;;
    *) fail "there is no Rust code for a '$systype' kernel yet: i386 and x86_64 only" ;;
esac
# The tree's make may hand down its job server and its own flags, which are not for cargo; the number of jobs is.
jobs=$(echo "${MAKEFLAGS-}" | sed -n 's/.*-j *\([0-9][0-9]*\).*/\1/p')
[ -z "$jobs" ] || export CARGO_BUILD_JOBS="$jobs"
unset MAKEFLAGS MFLAGS CFLAGS CPPFLAGS LDFLAGS CC LD AR

if [ -n "$check" ]; then
    found=$("$here/find-rustc.sh") || exit 1
    cargo=$(dirname "$(echo "$found" | sed -n 1p)")/cargo
    [ -x "$cargo" ] || fail "no cargo beside $(echo "$found" | sed -n 1p): install cargo-web, or rustup's whole toolchain"
    ls "${LIBCLANG_PATH:-/nonexistent}"/libclang*.so* /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* \
        /usr/lib64/libclang*.so* /usr/local/lib/libclang*.so* 2>/dev/null | grep -q . ||
        fail "no libclang, which bindgen needs: install it (Debian: libclang1-14 or newer), or name its folder by LIBCLANG_PATH"
    (cd "$top" && "$cargo" fetch --quiet --locked) ||
        fail "cargo could not get the crates that $top/Cargo.lock names: see above"
    exit 0
fi
{ [ -n "$output" ] && [ -n "$ld" ] && [ -n "$work" ] && [ $# -gt 0 ]; } || { usage >&2; exit 2; }
mkdir -p "$work" "$(dirname -- "$output")"
work=$(CDPATH= cd -- "$work" && pwd)
# Two trees may share it: one at a time.
exec 8>"$work/lock"
flock 8
parts=$(mktemp -d "$work/parts-XXXXXX")
trap 'rm -rf "$parts" "$output.new" "${output%.o}.d.new"' EXIT

# Only the compiler that builds the kernel knows what its headers mean.
shim=$top/c-shim/tree
"$@" -E -MD -MP -MT "$output" -MF "$parts/headers.d" -o "$parts/bindings.h" "$shim/bindings.h"
# Replaced only when it differs: cargo goes by its time.
cmp -s "$parts/bindings.h" "$work/bindings.h" || mv "$parts/bindings.h" "$work/bindings.h"

# Whether the tree's headers and options define a macro.
defines() {
    macro=$1
    shift
    ! echo "$macro" | "$@" -E -P -x c - | grep -qx "$macro"
}
features=kernel-spin-locks${asked:+,$asked} symbols='vm_map_coalesce_entry vm_map_pageable_scan'
! defines NDEBUG "$@" || features=$features,no-assertions
if defines VM_MAP_RUST_CALLERS "$@"; then
    features=$features,callers
    symbols="$symbols $("$here/callers-of.sh" --list)"
    ! defines VM_MAP_RUST_PROTECT_LOOKS_AGAIN "$@" || features=$features,protect-looks-again
fi
if defines VM_MAP_RUST_SOUND "$@"; then
    features=$features,sound
    symbols="$symbols projected_buffer_in_range vm_page_convert"
fi
GNUMACH_PREPROCESSED=$work/bindings.h BUILD=$work "$here/build-object.sh" --target "$target" --features "$features" \
    --library "$parts/vm_map.a" -

for file in "$shim"/*.c; do
    "$@" -c -o "$parts/$(basename "$file" .c).o" "$file"
done
# shellcheck disable=SC2046,SC2086 # a command with options
$ld -r --gc-sections $(printf -- '-u %s ' $symbols) -o "$parts/whole.o" "$parts"/*.o "$parts/vm_map.a"

# The record of what bindgen found, put to the kernel's compiler as assertions; nothing of it goes into the kernel.
for part in names values signatures; do
    objcopy -O binary -j ".gnumach_layout.$part" "$parts/whole.o" "$parts/$part"
done
od -An -v -tu4 -w8 "$parts/values" >"$parts/values.text"
tr '\0' '\n' <"$parts/names" | paste -d ' ' - "$parts/values.text" | awk -f "$here/tree-layout.awk" >"$parts/layout.c"
"$@" -O2 -include "$shim/bindings.h" -c -o "$parts/layout.o" "$parts/layout.c" ||
    fail "bindgen and the kernel's compiler disagree about a structure: see above"
awk -f "$here/tree-signatures.awk" "$parts/signatures" >"$parts/signatures.c"
"$@" -include "$shim/bindings.h" -c -o "$parts/signatures.o" "$parts/signatures.c" ||
    fail "bindgen and the kernel's compiler disagree about what a function takes or returns: see above"
objcopy --remove-section '.gnumach_layout.*' "$parts/whole.o" "$output.new"

# Besides the headers: our sources, each also as a target, so that make goes on when one is gone.
{
    cat "$parts/headers.d"
    {
        find "$top/src" "$shim" "$top/c-shim/callers" "$top/c-shim/sound" "$here/targets" -type f
        for file in build.rs Cargo.toml Cargo.lock tools/tree-object.sh tools/tree-layout.awk tools/tree-signatures.awk tools/build-object.sh \
            tools/callers-of.sh; do
            echo "$top/$file"
        done
    } | awk -v output="$output" '{ print output ": " $0; print $0 ":" }'
} >"${output%.o}.d.new"
mv "${output%.o}.d.new" "${output%.o}.d"
mv "$output.new" "$output"
