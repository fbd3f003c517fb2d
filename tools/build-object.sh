#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Compiles the crate for a kernel and links it into one relocatable object.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH= cd -- "$here/.." && pwd)
build=${BUILD:-$top/build}
. "$here/env.sh"

usage() {
    cat <<'END'
usage: build-object.sh [option]... OUTPUT
Compiles the crate gnumach-vm-map for bare GNU Mach into a static library and links that into one relocatable object,
OUTPUT, which holds both functions and what they need. Beside it goes OUTPUT.made-from, a record: the compiler, features, and
the SHA-256 of each script, header and source, and of OUTPUT. While all of that is the same nothing is done.
Writes under build/ ($BUILD replaces it), OUTPUT and its record only.
  --target NAME     of tools/targets/: i686-gnumach (default) or x86_64-gnumach
  --headers DIR     searched before gnumach-headers/: the kernel's own structs.h (also: $GNUMACH_HEADERS_FIRST)
  --features LIST   features of the crate, separated by commas
  --crate DIR       workspace folder to take the crate from instead of this one: for builds that are wrong on purpose
  --symbols LIST    more symbols that the object must define, separated by blanks
  --opt-level N     s (default); 2, which pads loops with instructions that are then run; or 0, for what is to be made quickly
  --library FILE    keeps the static library there too; with OUTPUT `-` no object is linked
The compiler is the one that find-rustc.sh finds; its cargo must stand beside it.
END
}

target=i686-gnumach headers=${GNUMACH_HEADERS_FIRST-} features= crate=$top opt_level=s library= output= more_symbols=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --target | --headers | --features | --crate | --opt-level | --library | --symbols)
            [ $# -ge 2 ] || { echo "build-object.sh: $1 needs a value" >&2; exit 2; }
            case $1 in
                --target) target=$2 ;;
                --headers) headers=$2 ;;
                --features) features=$2 ;;
                --crate) crate=$2 ;;
                --opt-level) opt_level=$2 ;;
                --library) library=$2 ;;
                --symbols) more_symbols=$2 ;;
            esac
            shift 2
            ;;
        -?*) echo "build-object.sh: no option $1" >&2; exit 2 ;;
        *) [ -z "$output" ] || { usage >&2; exit 2; }; output=$1; shift ;;
    esac
done
[ -n "$output" ] || { usage >&2; exit 2; }
case $target in
    i686-gnumach) emulation=elf_i386 ;;
    x86_64-gnumach) emulation=elf_x86_64 ;;
    *) echo "build-object.sh: no target '$target'" >&2; exit 2 ;;
esac
if [ -n "$headers" ]; then
    [ -d "$headers" ] || { echo "build-object.sh: no folder $headers (--headers)" >&2; exit 1; }
    GNUMACH_HEADERS_FIRST=$(CDPATH= cd -- "$headers" && pwd)
    export GNUMACH_HEADERS_FIRST
fi

FOUND_RUSTC=$("$here/find-rustc.sh") || exit 1
export FOUND_RUSTC
found=$FOUND_RUSTC
rustc=$(echo "$found" | sed -n 1p)
cargo=$(dirname "$rustc")/cargo
[ -x "$cargo" ] || {
    echo "build-object.sh: $rustc has no cargo beside it: install cargo-web, or rustup's whole toolchain" >&2
    exit 1
}
sysroot=$("$here/sysroot.sh" "$target") || exit 1
crate=$(CDPATH= cd -- "$crate" && pwd)

# The files of a folder that are named, each with its hash.
hashes() {
    (cd "$1" && shift && find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}
made_from() {
    echo "$target, opt-level $opt_level, features '$features', $(basename "$sysroot")${more_symbols:+, $more_symbols}"
    echo "$found" | sed 1,2d
    hashes "$here" build-object.sh env.sh sysroot.sh find-rustc.sh "targets/$target.json"
    hashes "$crate" Cargo.toml Cargo.lock build.rs src gnumach-headers c-shim/bindings.h c-shim/callers c-shim/sound
    [ -z "${GNUMACH_HEADERS_FIRST-}" ] || hashes "$GNUMACH_HEADERS_FIRST" .
    [ -z "${GNUMACH_PREPROCESSED-}" ] || sha256sum <"$GNUMACH_PREPROCESSED"
}
made_from=$(made_from)
record=$output.made-from
[ "$output" = - ] || [ -n "$library" ] || [ ! -f "$output" ] ||
    [ "$(echo "$made_from"; sha256sum <"$output")" != "$(cat "$record" 2>/dev/null)" ] || exit 0
echo "kernel code by $rustc: $(echo "$found" | sed -n 3p)" >&2

# Cargo takes two copies of the crate for one package, and would hand out the library of either: each has its own folder.
cargo_target=$build/cargo
[ "$crate" = "$top" ] || cargo_target=$build/cargo-$(printf %s "$crate" | cksum | cut -d ' ' -f 1)
mkdir -p "$cargo_target"
cargo_target=$(CDPATH= cd -- "$cargo_target" && pwd)
# Builds for two kernels leave their library in one place: one at a time.
exec 9>"$cargo_target/lock"
flock 9
# The crates that the crate is built with are the same in every folder, and so is its build script if its source is: this
# workspace's own, if there is one, lends them. Cargo takes the build script if its source is not newer.
own=$top/build/cargo
if [ ! -e "$cargo_target/release" ] && [ -d "$own/release" ] && [ -w "$own/lock" ]; then
    (
        flock 8
        not_lent='*gnumach[-_]vm[-_]map*'
        ! cmp -s "$top/build.rs" "$crate/build.rs" || not_lent='*gnumach_vm_map*'
        for folder in .fingerprint build deps; do
            mkdir -p "$cargo_target/lent/$folder"
            find "$own/release/$folder" -mindepth 1 -maxdepth 1 ! -name "$not_lent" \
                -exec cp -a -t "$cargo_target/lent/$folder" {} +
        done
        mv "$cargo_target/lent" "$cargo_target/release"
    ) 8>"$own/lock"
fi
# With --target, RUSTFLAGS reach the crate but neither build.rs nor its crates. The variables that a caller's cargo or
# make may have set for its own compiler must not reach this one.
# A job server of make is not handed on through scripts.
unset MAKEFLAGS MFLAGS CARGO_MAKEFLAGS CARGO CARGO_TARGET_DIR RUSTFLAGS CARGO_BUILD_TARGET RUSTUP_TOOLCHAIN RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
export RUSTC="$rustc" RUSTC_BOOTSTRAP=1
# Flags apart by a character that no path has: the sysroot's may have a space.
CARGO_ENCODED_RUSTFLAGS=$(printf '%s\037' "--sysroot=$sysroot" -Cpanic=immediate-abort -Cembed-bitcode=no \
    -Cforce-unwind-tables=no)-Zunstable-options
export CARGO_ENCODED_RUSTFLAGS
export CARGO_PROFILE_RELEASE_OPT_LEVEL="$opt_level" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
export CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=false
quiet=--quiet
[ ! -t 2 ] || quiet=
# cargo reads its settings from the folder it is called in: the crate's, which may name crates that lie there.
in_crate() {
    (cd "$crate" && "$cargo" "$@")
}
compile() {
    # shellcheck disable=SC2086 # $quiet may be nothing
    in_crate rustc $quiet --locked --package gnumach-vm-map --lib \
        --crate-type staticlib --release -Zjson-target-spec --target "$here/targets/$target.json" \
        --target-dir "$cargo_target" --features "$features"
}
archive=$cargo_target/$target/release/libgnumach_vm_map.a

# Cargo goes by the files' times. Sources that changed and are older than what it made of others (unpacked, or moved here)
# would stay unseen: so it forgets what it made for this crate if it finds nothing to do though a hash has changed.
seen=$cargo_target/$(echo "$target $opt_level $features ${GNUMACH_HEADERS_FIRST-}" | cksum | cut -d ' ' -f 1).made-from
began=$cargo_target/began
touch "$began"
compile
if [ "$(cat "$seen" 2>/dev/null)" != "$made_from" ]; then
    if [ -f "$seen" ] && [ ! "$archive" -nt "$began" ]; then
        in_crate clean --quiet --locked --package gnumach-vm-map --release -Zjson-target-spec \
            --target "$here/targets/$target.json" --target-dir "$cargo_target"
        compile
    fi
    echo "$made_from" >"$seen"
fi

# Written beside and renamed: nobody ever sees half a file.
if [ -n "$library" ]; then
    mkdir -p "$(dirname -- "$library")"
    cp "$archive" "$library.new"
    mv "$library.new" "$library"
fi
[ "$output" != - ] || exit 0
mkdir -p "$(dirname -- "$output")"
trap 'rm -f "$output.new"' EXIT
symbols='vm_map_coalesce_entry vm_map_pageable_scan'
case ",$features," in *,counters,*) symbols="$symbols vm_map_rust_counters" ;; esac
case ",$features," in *,callers,* | *,sound,*) symbols="$symbols $("$here/callers-of.sh" --list)" ;; esac
case ",$features," in *,sound,*) symbols="$symbols projected_buffer_in_range vm_page_convert vm_map_rust_sound" ;; esac
symbols="$symbols $more_symbols"
# shellcheck disable=SC2046 # an option and a word for each symbol
ld -m "$emulation" -r --gc-sections $(printf -- '-u %s ' $symbols) -o "$output.new" "$archive"
# -u asks for a symbol without failing when nothing defines it.
missing=$(readelf -sW "$output.new" | awk -v wanted="$symbols" '
    $7 != "UND" { defined[$8] }
    END { count = split(wanted, names); for (n = 1; n <= count; n++) if (!(names[n] in defined)) { print names[n]; exit } }')
[ -z "$missing" ] || {
    echo "build-object.sh: the crate defines no $missing" >&2
    exit 1
}
rm -f "$record"
mv "$output.new" "$output"
{ echo "$made_from"; sha256sum <"$output"; } >"$record.new"
mv "$record.new" "$record"
