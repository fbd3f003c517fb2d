#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Brings what is made for one kernel up to date, and prints where it is.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH= cd -- "$here/.." && pwd)
build=${BUILD:-build}
vmtool=${VMTOOL:-$top/target/debug/vmtool}

usage() {
    cat <<'END'
usage: for-kernel.sh WHAT KERNEL
All that is made for a kernel lies in a folder of its content: build/NAME-HASH, where HASH starts the SHA-256 of the file and
NAME is the file's name, or SUITE-FLAVOUR for one of build/kernels. Prints the path of WHAT, made anew unless it was made from
just what is there now (build-object.sh and vmtool graft keep records of that):
  folder         the folder
  layout         include/structs.h, the kernel's structures as a C header
  object         vm_map.o, our functions for it, counters included; checked against the kernel
  graft          gnumach-rust, the kernel with that object in it
  plain-object   plain/vm_map.o, without counters
  plain-graft    plain/gnumach-rust
  callers-object callers/vm_map.o, without counters, with their callers
  callers-graft  callers/gnumach-rust
  counting-callers-object, counting-callers-graft
                 counting-callers/, with counters and callers
  sound-object, sound-graft, counting-sound-object, counting-sound-graft
                 sound/ and counting-sound/, likewise, with the callers that have no bad schedule
Environment: BUILD replaces build, VMTOOL target/debug/vmtool, BUILD_OBJECT tools/build-object.sh.
Exit status: 0 done, 1 error, 2 wrong usage.
END
}

fail() {
    echo "for-kernel.sh: $*" >&2
    exit 1
}

case ${1-} in -h | --help) usage; exit 0 ;; esac
[ $# = 2 ] || { usage >&2; exit 2; }
what=$1
kernel=$2
part= features=counters
case $what in
    folder | layout | object | graft) ;;
    plain-object | plain-graft) part=/plain features= ;;
    callers-object | callers-graft) part=/callers ;;
    counting-callers-object | counting-callers-graft) part=/counting-callers ;;
    sound-object | sound-graft) part=/sound ;;
    counting-sound-object | counting-sound-graft) part=/counting-sound ;;
    *) usage >&2; exit 2 ;;
esac
[ -f "$kernel" ] || fail "no kernel $kernel"

# The ELF header's e_machine.
case $(od -An -tx1 -j18 -N2 "$kernel" | tr -d ' ') in
    0300) target=i686-gnumach ;;
    3e00) target=x86_64-gnumach ;;
    *) fail "$kernel is no kernel for i386 or x86_64" ;;
esac
hash=$(sha256sum <"$kernel" | cut -d ' ' -f 1)
case $kernel in
    "$build"/kernels/*/gnumach) name=$(basename -- "$(dirname -- "$kernel")") ;;
    *) name=$(basename -- "$kernel") ;;
esac
name=$(printf %s "$name" | tr -c 'A-Za-z0-9._+-' _)
folder=$build/$name-$(printf %.8s "$hash")
[ "$what" != folder ] || { echo "$folder"; exit 0; }

mkdir -p "$folder/include" "$folder$part"
# Two at a time would make the same things.
exec 8>"$folder/lock"
flock 8
[ -f "$folder/kernel.sha256" ] || echo "$hash" >"$folder/kernel.sha256"
[ "$(cat "$folder/kernel.sha256")" = "$hash" ] ||
    fail "$folder is of another kernel than $kernel, whose SHA-256 starts alike: give that file another name"

# Which vmtool it is that makes and checks things. To take the hash of a program so large takes longer than to run it.
tool=$(stat -Lc '%n %d:%i, %s bytes, of %y' -- "$vmtool") || exit 1
made_by() {
    echo "$tool"
    sha256sum <"$1"
}
layout=$folder/include/structs.h
if [ ! -f "$layout" ] || [ "$(made_by "$layout")" != "$(cat "$folder/structs.made-by" 2>/dev/null)" ]; then
    "$vmtool" layout "$kernel" -o "$layout"
    made_by "$layout" >"$folder/structs.made-by"
fi
[ "$what" != layout ] || { echo "$layout"; exit 0; }

case $part in
    *callers)
        callers=$("$here/callers-of.sh" "$kernel") || exit 1
        case $part in /callers) features=$callers ;; *) features=counters,$callers ;; esac
        ;;
    # What it has of protect is its own.
    /sound) features=sound ;;
    /counting-sound) features=counters,sound ;;
esac
object=$folder$part/vm_map.o
"${BUILD_OBJECT:-$here/build-object.sh}" --target "$target" --headers "$folder/include" --features "$features" "$object" >&2
# Each object is checked once by each vmtool.
checked=$(made_by "$object")
if [ "$checked" != "$(cat "$object.checked" 2>/dev/null)" ]; then
    "$vmtool" layout "$kernel" --check "$object" >&2
    "$vmtool" object "$object" >&2
    echo "$checked" >"$object.checked"
fi
case $what in *object) echo "$object"; exit 0 ;; esac

"$vmtool" graft --keep "$kernel" "$object" -o "$folder$part/gnumach-rust" >&2
echo "$folder$part/gnumach-rust"
