#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Which of its callers a kernel has in which form.
set -eu

usage() {
    cat <<'END'
usage: callers-of.sh KERNEL | --list
Prints the features of the crate, separated by commas, with which its callers do what those of KERNEL do, an ELF file with
symbols: callers, and protect-looks-again if its vm_map_protect looks its start up again after merging. --list prints the names of
the callers instead.
Exit status: 0 done, 1 error, 2 wrong usage.
END
}

fail() {
    echo "callers-of.sh: $*" >&2
    exit 1
}

case ${1-} in -h | --help) usage; exit 0 ;; esac
[ $# = 1 ] || { usage >&2; exit 2; }
[ "$1" != --list ] || {
    echo _vm_map_clip_start _vm_map_clip_end vm_map_delete vm_map_entry_delete vm_map_inherit vm_map_pageable \
        vm_map_pageable_all vm_map_protect vm_map_remove
    exit 0
}
[ -f "$1" ] || fail "no kernel $1"
code=$(objdump -d --no-show-raw-insn --disassemble=vm_map_protect "$1") || fail "$1: cannot be disassembled"
# One call finds where the range begins.
case $(echo "$code" | grep -c 'call .*<vm_map_lookup_entry>') in
    1) echo callers ;;
    2) echo callers,protect-looks-again ;;
    *) fail "$1: its vm_map_protect is neither of those that are known: it does not call vm_map_lookup_entry once or twice" ;;
esac
