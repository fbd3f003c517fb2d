#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The object with the two functions alone is the same to the byte, whether the sources of their callers and of `sound` are there
# or not.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH= cd -- "$here/.." && pwd)

usage() {
    cat <<'END'
usage: same-object.sh [--wrong] OBJECT HEADERS WORK
Makes OBJECT, which for-kernel.sh made with HEADERS as plain-object, once more in the folder WORK, from a copy of the sources in
which src/callers, src/sound and the like are missing, and compares the two byte by byte.
  --wrong  changes a line of the copy besides: then the objects must differ, or this would see nothing
Exit status: 0 they are as they should be, 1 they are not, 2 wrong usage.
END
}

case ${1-} in -h | --help) usage; exit 0 ;; esac
wrong=
[ "${1-}" != --wrong ] || { wrong=1; shift; }
[ $# = 3 ] || { usage >&2; exit 2; }
object=$1 headers=$2 work=$3

# A tree that an earlier run was interrupted at goes; somebody else's does not.
ours=$work/.tree-by-same-object
[ ! -e "$work/tree" ] || [ -e "$ours" ] || { echo "same-object.sh: $work/tree is not of its making: name another folder" >&2; exit 1; }
mkdir -p "$work"
: >"$ours"
rm -rf "$work/tree"
mkdir "$work/tree"
(cd "$top" && tar -cf - --exclude=./build --exclude=./target --exclude='./.*' .) | tar -xf - -C "$work/tree"
find "$work/tree/src" "$work/tree/c-shim" -type f \( -path '*/callers*' -o -path '*/sound*' \) -delete
if [ -n "$wrong" ]; then
    sed -i 's/set_wired_count(2)/set_wired_count(3)/' "$work/tree/src/scan.rs"
    ! cmp -s "$top/src/scan.rs" "$work/tree/src/scan.rs" || { echo "same-object.sh: nothing to change in scan.rs" >&2; exit 1; }
fi
"$here/build-object.sh" --crate "$work/tree" --headers "$headers" "$work/vm_map.o"
rm -rf "$work/tree" "$ours"
differ=
cmp -s "$object" "$work/vm_map.o" || differ=1
case $wrong$differ in
    1) [ -n "$wrong" ] && what='a changed source makes the same object' || what="the objects differ: $object and $work/vm_map.o"
        echo "same-object.sh: $what" >&2
        exit 1 ;;
esac
