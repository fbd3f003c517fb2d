#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Says of each tool that our commands use where it comes from, or how to get it. Changes and downloads nothing.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/env.sh"
PATH=$PATH:/usr/sbin:/sbin # where an ordinary user's PATH does not look, and our tools do
export RUSTUP_AUTO_INSTALL=0

case ${1-} in
    -h | --help)
        cat <<'END'
usage: doctor.sh
Prints a line for each tool that make's targets use: ok, its version, where it comes from (a Debian package, build/tools,
rustup, or else PATH) and its path; or what is missing and the command that gets it. Nothing is installed, downloaded
or changed. Exits with 1 if something is missing; what is only wanted by some checks, which skip without it, does not count.
END
        exit 0
        ;;
    '') ;;
    *) echo "doctor.sh: takes no argument; see --help" >&2; exit 2 ;;
esac

missing=
absent() { # NAME GROUP [REASON]
    missing=yes
    printf 'missing  %-28s tools/install-packages.sh %s%s\n' "$1" "$2" "${3:+ ($3)}"
}
# Where a file comes from.
origin() {
    real=$(realpath -m "$1")
    case $real in
        "$unpacked"/*)
            echo build/tools
            return
            ;;
        */.rustup/* | */.cargo/* | "${RUSTUP_HOME:-/nonexistent}"/* | "${CARGO_HOME:-/nonexistent}"/*)
            echo rustup
            return
            ;;
    esac
    # Debian 12's package lists still have /bin and /lib.
    for path in "$1" "$real" "${real#/usr}"; do
        package=$(dpkg-query -S "$path" 2>/dev/null | sed -n '1s/[:,].*//p') || :
        [ -z "$package" ] || { echo "package $package"; return; }
    done
    echo PATH
}
present() { # NAME VERSION FILE
    printf 'ok       %-28s %-16s %s: %s\n' "$1" "${2:--}" "$(origin "$3")" "$3"
}
version_in() {
    sed -n 's/^[^0-9]*\([0-9][0-9]*\(\.[0-9a-z+~-]*\)*\).*/\1/p' | sed -n 1p
}
# A program: its version is the first number that it prints.
program() { # GROUP NAME [OPTION]
    found=$(command -v "$2" || :)
    if [ -n "$found" ]; then
        said=$("$found" "${3:---version}" 2>&1 </dev/null) || { absent "$2" "$1" "$found does not run"; return 0; }
        present "${2##*/}" "$(echo "$said" | version_in)" "$found"
    else
        absent "$2" "$1"
    fi
}
optional() { # NAME PROGRAM WHAT
    found=$(command -v "$2" || :)
    if [ -n "$found" ] && said=$("$found" --version 2>/dev/null </dev/null); then
        present "$1" "$(echo "$said" | version_in)" "$found"
    else
        printf -- '-        %-28s %s\n' "$1" "$3"
    fi
}
# A file of a package: the first that is there.
file() { # GROUP NAME PACKAGE FILE...
    group=$1 name=$2 package=$3
    shift 3
    for file; do
        [ -e "$file" ] || continue
        case $file in
            "$unpacked"/*) version=$(sed -n "s/^package $package //p" "$unpacked/$group/RECORD" 2>/dev/null || :) ;;
            *) version=$(dpkg-query -W -f '${Version}' "$(dpkg-query -S "$file" 2>/dev/null | sed -n '1s/[:,].*//p')" 2>/dev/null || :) ;;
        esac
        present "$name" "$version" "$file"
        return
    done
    absent "$name" "$group"
}

[ -n "$(command -v apt-get || :)" ] ||
    echo "No apt here, so tools/install-packages.sh cannot help: install by hand what tools/packages.txt names."
echo "# host code: make, make patch, cargo test"
program build make
# build/tools/bin has a script that may only hand on to the machine's own.
own_path=$(echo "$PATH" | sed "s|^$unpacked/bin:||")
minor=
for cargo in "$(PATH=$own_path command -v cargo || :)" "$unpacked/bin/cargo"; do
    [ -x "$cargo" ] || continue
    minor=$("$cargo" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p') || :
    [ "${minor:-0}" -lt 85 ] || break
done
if [ "${minor:-0}" -ge 85 ]; then program cargo "$cargo"; else absent cargo cargo "1.85 or newer${minor:+; $cargo is 1.$minor}"; fi
program build gcc
program build ld
# The place that bindgen is told of comes first; a pattern that nothing matches is no file.
for libclang in ${LIBCLANG_PATH:+"$LIBCLANG_PATH"/libclang*.so*} /usr/lib/llvm-*/lib/libclang*.so* \
    /usr/lib/*/libclang*.so* /usr/lib64/libclang*.so* /usr/local/lib/libclang*.so*; do
    [ ! -e "$libclang" ] || break
done
file build libclang 'libclang1-[0-9]*' "$libclang"
optional git git "make patch and make integrate need it for your tree: your package manager has it"
echo "# kernel code: make object, graft, run"
if found=$("$here/find-rustc.sh" 2>/dev/null); then
    rustc=$(echo "$found" | sed -n 1p)
    present "rustc with its source" "$("$rustc" --version | version_in)" "$rustc"
    cargo=$(dirname "$rustc")/cargo
    if [ -x "$cargo" ]; then present "its cargo" "$("$cargo" --version | version_in)" "$cargo"; else absent "its cargo" kernel-build; fi
else
    absent "rustc with its source" kernel-build "1.96 or newer; tools/find-rustc.sh says what it looked at"
fi
echo "# Debian's kernels, and booting them: make run, check"
file run "Debian's archive keys" debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg \
    /usr/share/keyrings/debian-archive-keyring.pgp \
    "$unpacked"/run/usr/share/keyrings/debian-archive-keyring.gpg "$unpacked"/run/usr/share/keyrings/debian-archive-keyring.pgp
program run qemu-system-i386
program run qemu-system-x86_64
program run grub-mkrescue
file run "GRUB's BIOS loader" grub-pc-bin "$unpacked/run/usr/lib/grub/i386-pc" /usr/lib/grub/i386-pc
program run xorriso
program run mformat
echo "# the Hurd: make hurd"
program hurd qemu-img
program hurd debugfs -V
program hurd sfdisk
program hurd gzip
program hurd tar
program hurd xz
echo "# some of make check's steps, which skip without them"
optional rustfmt rustfmt "rustup component add rustfmt"
optional clippy cargo-clippy "rustup component add clippy"
[ -z "$missing" ] || echo "What is missing is got by make run and make check too, each time they need it."
[ -z "$missing" ]
