#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# That a kernel which stops is blamed on the case that stopped it, and not on the first of those that were still to be told.
set -eu
case ${1-} in
-h | --help | '')
    echo "usage: blames-the-case.sh VMTOOL KERNEL PROGRAM LOGS [OPTION]..."
    echo "PROGRAM is fuzz; OPTIONs are for vmtool fuzz. Exit status: 0 the case is named, 1 it is not, 77 the kernel did not stop."
    exit
    ;;
esac
vmtool=$1 kernel=$2 program=$3 logs=$4
shift 4

fail() {
    printf '%s\n' "$said" "a case that stops the kernel: $1" >&2
    exit 1
}

# With these, calls that meet known defects stop Debian's kernels soon, in a case behind others that were not told yet.
for seed in 12 14; do
    status=0
    said=$("$vmtool" fuzz --stock "$kernel" --program "$program" --smp 1 --banner-timeout 120 --timeout 60 --logs "$logs" \
        --known --stops 0 --calls 640 --shorten 0 --seed "$seed" "$@") || status=$?
    # Nothing found, something, and something before all was tried.
    case $status in
    0 | 10 | 17) ;;
    *) fail "status $status" ;;
    esac
    finding=$(printf '%s\n' "$said" | grep -A 80 '^\(not \)\{0,1\}ok .* - \(assertion\|panic\) ' || true)
    [ -n "$finding" ] || continue
    printf '%s\n' "$finding" | grep -q '^# make fuzz .*CASE=' || fail "no line that replays it"
    ! printf '%s\n' "$finding" | grep -q '^# alone it does not come' || fail "one is blamed that does not stop it alone"
    echo "the case that stopped the kernel is named"
    exit
done
echo "SKIP: calls that meet known defects do not stop this kernel: tests/fuzz/blames-the-case.sh needs other seeds"
exit 77
