#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# That calls are made in another way where they would meet copy-too-small, and that it is seen where they are not: one case, twice.
set -eu
case ${1-} in
-h | --help | '')
    echo "usage: steers-round.sh VMTOOL KERNEL PROGRAM LOGS [OPTION]..."
    echo "PROGRAM is fuzz; OPTIONs are for vmtool fuzz. Exit status: 0 the case ends well, and is wrong with --known; 1 it does not."
    exit
    ;;
esac
vmtool=$1 kernel=$2 program=$3 logs=$4
shift 4

fail() {
    printf '%s\n' "$said" "copy-too-small: $1" >&2
    exit 1
}

# Copies of an object's last pages, which are the first of it that is mapped; found by make fuzz KNOWN=1 SUITE=trixie.
once() {
    status=0
    said=$("$vmtool" fuzz --stock "$kernel" --program "$program" --smp 1 --banner-timeout 120 --timeout 60 --logs "$logs" \
        --seed 4041 --case 6817 --keep 0,10,12-13,20,22,28-29,34,36-39,48,56,59,61-63 "$@") || status=$?
}

once "$@"
case $status in
0) printf '%s\n' "$said" | grep -q '^20: vm_map of an object' || fail "these calls are others now: it takes another case" ;;
10) fail "it is not steered round" ;;
*) fail "status $status" ;;
esac
once --known "$@"
case $status in
10) printf '%s\n' "$said" | grep -q '^stock: wrong: .*: word that was loaded, ' || fail "what is wrong is something else" ;;
0) fail "with --known it is not met: it takes another case, or this kernel does not have it" ;;
*) fail "status $status with --known" ;;
esac
echo "a copy that shows a later store is seen, and steered round"
