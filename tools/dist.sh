#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Packs what a GNU Mach tree needs of us to build without a network: sources, scripts and the crates.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH= cd -- "$here/.." && pwd)
build=${BUILD:-$top/build}
. "$here/env.sh"

case ${1-} in
    -h | --help)
        cat <<'END'
usage: dist.sh
Writes build/gnumach-vm-map-VERSION.tar.gz: the crate gnumach-vm-map, the scripts that a GNU Mach tree's make calls, and
the crates that Cargo.lock names for them. cargo fetches those once, if they are not there. Unpacked, the folder serves
`configure --with-rust-vm-map=DIR` and make without a network. Tests and tools are left out.
$SOURCE_DATE_EPOCH sets the files' time (else that of the last commit); $BUILD replaces build/; $CARGO names the cargo.
END
        exit 0
        ;;
    '') ;;
    *) echo "dist.sh: takes no argument; see --help" >&2; exit 2 ;;
esac
cd "$top"
cargo=${CARGO:-cargo}
unset MAKEFLAGS MFLAGS
version=$(sed -n '/^\[workspace\.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
[ -n "$version" ] || { echo "dist.sh: Cargo.toml has no [workspace.package] version" >&2; exit 1; }
name=gnumach-vm-map-$version
mkdir -p "$build"
build=$(CDPATH= cd -- "$build" && pwd)
work=$(mktemp -d "$build/.dist-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
tree=$work/$name
mkdir -p "$tree/c-shim" "$tree/docs" "$tree/tools"

cp -R src gnumach-headers build.rs Cargo.lock LICENSE README.md "$tree/"
cp -R c-shim/bindings.h c-shim/callers c-shim/tree "$tree/c-shim/"
cp docs/patch.md "$tree/docs/"
cd tools
cp -R apt.sh build-object.sh callers-of.sh env.sh find-rustc.sh install-packages.sh packages.txt sysroot.sh targets \
    tree[.-]* unpack-packages.sh "$tree/tools/"
cd "$top"
# The workspace of this crate alone: what only tests and tools use need not be there.
awk '/^\[/ { out = /^\[\[test\]\]|^\[dev-dependencies\]/ } !out { sub(/^members = .*/, "members = [\".\"]"); print }' \
    Cargo.toml >"$tree/Cargo.toml"

[ ! -t 2 ] || echo "collecting crates" >&2
(
    cd "$tree"
    # Drops from Cargo.lock what is left out, and moves no version.
    "$cargo" tree --quiet --offline >/dev/null 2>&1 || "$cargo" tree --quiet >/dev/null
    "$cargo" vendor --quiet --locked vendor >/dev/null
    mkdir .cargo
    cat >.cargo/config.toml <<'END'
# The crates that lie here, and no network.
[source.crates-io]
replace-with = "vendor"

[source.vendor]
directory = "vendor"

[net]
offline = true
END
)
locked() {
    awk '/^name = / { name = $3 } /^version = / && name { print name, $3; name = "" }' "$1" | sort
}
locked Cargo.lock >"$work/ours"
if locked "$tree/Cargo.lock" | comm -13 "$work/ours" - | grep .; then
    echo "dist.sh: these are not of the versions in Cargo.lock" >&2
    exit 1
fi

time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
tar -C "$work" --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX -cf "$work/tar" "$name"
gzip -9n <"$work/tar" >"$work/$name.tar.gz"
mv "$work/$name.tar.gz" "$build/$name.tar.gz"
echo "build/$name.tar.gz: $(wc -c <"$build/$name.tar.gz") bytes"
