#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Fetches one of Debian's GNU Mach kernels with symbols, once, leaving the machine's own apt state alone.
set -eu
top=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
build=${BUILD:-$top/build}
here=$top/tools
. "$here/env.sh"
. "$here/apt.sh"

usage() {
    cat <<'END'
usage: fetch-kernel.sh SUITE FLAVOUR
SUITE is trixie or sid; FLAVOUR is 486-smp, 486-up, 486-pae or xen-486 (all i386), amd64-up, or amd64-smp (sid only).
Leaves build/kernels/SUITE-FLAVOUR/gnumach (the unpacked ELF) and VERSION (of the package). A kernel that is there is
kept, and then nothing is downloaded; remove its folder to fetch anew.
The archive is the one that the machine's own apt uses (Label Debian, component main), its signature is checked against
debian-archive-keyring, and package lists go to a private folder under build/.
$BUILD replaces build/.
Exit status: 0 done, 1 error, 2 wrong usage, 77 the suite cannot be had here (the reason is printed after SKIP).
END
}

fail() {
    echo "fetch-kernel.sh: $*" >&2
    exit 1
}
skip() {
    echo "SKIP $suite-$flavour: $*" >&2
    exit 77
}

case ${1-} in -h | --help) usage; exit 0 ;; esac
[ $# = 2 ] || { usage >&2; exit 2; }
suite=$1
flavour=$2
case $suite in trixie | sid) ;; *) echo "fetch-kernel.sh: no suite '$suite': trixie or sid" >&2; exit 2 ;; esac
case $flavour in
    486-smp | 486-up | 486-pae | xen-486) arch=i386 class='7f 45 4c 46 01' ;;
    amd64-smp | amd64-up) arch=amd64 class='7f 45 4c 46 02' ;;
    *) echo "fetch-kernel.sh: no flavour '$flavour'; --help names them" >&2; exit 2 ;;
esac
package=gnumach-image-1.8-$flavour-dbg
kept=$build/kernels/$suite-$flavour
[ ! -s "$kept/gnumach" ] || [ ! -s "$kept/VERSION" ] || exit 0

for tool in apt-get apt-cache dpkg-deb gzip od; do
    command -v "$tool" >/dev/null || fail "no $tool here: this needs a Debian system"
done
keyring=
for folder in "" "$unpacked/run"; do
    for kind in gpg pgp; do
        file=$folder/usr/share/keyrings/debian-archive-keyring.$kind
        [ -n "$keyring" ] || [ ! -f "$file" ] || keyring=$file
    done
done
[ -n "$keyring" ] || fail "Debian's archive keys are not installed: tools/install-packages.sh run"

mkdir -p "$build/kernels"
work=$(mktemp -d "$build/kernels/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The archives that the machine's apt knows, security ones left out by their label. Before the machine's first
# 'apt-get update' apt has no labels and lists nothing: then every archive it would ask is tried, and its label checked.
repositories=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(LABEL)' 'Identifier: Packages' 2>/dev/null |
    awk '$2 == "main" && $3 == "Debian" && !seen[$1]++ { print $1 }')
[ -n "$repositories" ] || repositories=$(apt-get update --print-uris 2>/dev/null |
    sed -n "s,^'\\([^']*\\)/dists/.*InRelease'.*,\\1/,p" | awk '!seen[$1]++')
[ -n "$repositories" ] || fail "no mirror found: this machine's apt has no Debian archive (Label Debian, component main) in its sources"

private_apt_in "$work"
private() {
    tool=$1
    shift
    private_apt "$work/none" "$tool" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Architecture="$arch" -o APT::Architectures="$arch" "$@"
}

[ ! -t 2 ] || echo "fetching $suite's $package" >&2
found=
for repository in $repositories; do
    echo "deb [signed-by=$keyring] $repository $suite main" >"$work/sources.list"
    rm -rf "$work/lists"
    mkdir -p "$work/lists/partial"
    # --error-on=any: a list that could not be fetched is otherwise only a warning.
    if private apt-get update -qq --error-on=any >"$work/update" 2>&1; then
        label=$(private apt-get indextargets --format '$(LABEL)' 'Identifier: Packages' | head -n 1)
        [ "$label" = Debian ] && found=$repository && break
        echo "its label is '$label', not Debian" >"$work/update"
    fi
done
[ -n "$found" ] || skip "suite $suite cannot be had from the archives that this machine's apt uses:
$(sed 's/^/    /' "$work/update")"

private apt-cache show "$package" >"$work/show" 2>/dev/null && [ -s "$work/show" ] ||
    fail "package missing: $suite ($arch) has no $package"
version=$(sed -n 's/^Version: //p' "$work/show" | head -n 1)
(cd "$work" && private apt-get download -qq "$package=$version" >"$work/download" 2>&1) ||
    fail "could not download $package $version:
$(sed 's/^/    /' "$work/download")"

mkdir "$work/unpacked" "$work/kernel"
deb=$(ls "$work/$package"_*.deb 2>/dev/null) && dpkg-deb -x "$deb" "$work/unpacked" ||
    fail "package not as expected: $package $version cannot be unpacked"
image=$work/unpacked/boot/gnumach-1.8-$flavour-dbg
if [ -f "$image.gz" ]; then
    gzip -dc "$image.gz" >"$work/kernel/gnumach" || fail "package not as expected: $package $version's kernel is damaged"
elif [ -f "$image" ]; then
    mv "$image" "$work/kernel/gnumach"
else
    fail "package not as expected: $package $version has no /boot/gnumach-1.8-$flavour-dbg(.gz)"
fi
[ "$(od -An -tx1 -N5 "$work/kernel/gnumach" | sed 's/^ //')" = "$class" ] ||
    fail "package not as expected: the kernel of $package $version is no $arch ELF file"
echo "$version" >"$work/kernel/VERSION"
rm -rf "$kept"
mv "$work/kernel" "$kept"
[ ! -t 2 ] || echo "fetched $package $version" >&2
