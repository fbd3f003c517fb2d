#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows that `oracle bench budget` fails: numbers of each kind in a kernel's budget are made less by
# one, in turn.
set -eu
[ $# -eq 3 ] || { echo "usage: budget-fails.sh ORACLE KERNEL OBJECT" >&2; exit 2; }
oracle=$1 kernel=$2 object=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The budget that the object fits exactly, whatever the kept one leaves free.
"$oracle" bench budget --kernel "$kernel" --object "$object" --budget "$folder/exact" --write
status=0
"$oracle" bench budget --kernel "$kernel" --object "$object" --budget "$folder/exact" || status=$?
[ "$status" -eq 0 ] || { echo "budget-fails.sh: status $status with the exact budget" >&2; exit 1; }

tried=0
for line in $(grep -n ' = [0-9]' "$folder/exact" | cut -d: -f1); do
    text=$(sed -n "${line}p" "$folder/exact")
    case $text in
        *_bytes* | *'coalesce, hit, null objects, 3"'* | *'scan, wire, kernel pmap, 256"'*) ;;
        *'"protect, all merge, 256"'*) ;;
        *) continue ;;
    esac
    awk -v line="$line" 'NR == line { $NF = $NF - 1 } { print }' "$folder/exact" > "$folder/less"
    status=0
    "$oracle" bench budget --kernel "$kernel" --object "$object" --budget "$folder/less" \
        > "$folder/output" || status=$?
    if [ "$status" -ne 1 ]; then
        echo "budget-fails.sh: status $status, not 1, with one less than: $text" >&2
        exit 1
    fi
    tried=$((tried + 1))
done
# The code, the stack of each function, and of either object's rows one or two.
case $(grep -c '^stack_bytes' "$folder/exact") in 2) numbers=5 ;; *) numbers=6 ;; esac
[ "$tried" -eq "$numbers" ] || { echo "budget-fails.sh: $tried numbers tried, not $numbers" >&2; exit 1; }
name=$(sed -n 's/^\["\(.*\)"\]$/\1/p' "$folder/exact")
# An unknown kernel is no reason to pass.
sed "s/$name/other/" "$folder/exact" > "$folder/less"
status=0
"$oracle" bench budget --kernel "$kernel" --object "$object" --budget "$folder/less" \
    > "$folder/output" || status=$?
[ "$status" -eq 77 ] || { echo "budget-fails.sh: status $status, not 77, without a budget" >&2; exit 1; }
grep -q '^SKIP: .*To extend' "$folder/output" || { echo "budget-fails.sh: no word on how to get one" >&2; exit 1; }
# Nor is another compiler.
sed 's/^compiler = .*/compiler = "another"/' "$folder/exact" > "$folder/less"
status=0
"$oracle" bench budget --kernel "$kernel" --object "$object" --budget "$folder/less" \
    > "$folder/output" || status=$?
[ "$status" -eq 77 ] || { echo "budget-fails.sh: status $status, not 77, by another compiler" >&2; exit 1; }
grep -q '^SKIP: .*To extend' "$folder/output" || { echo "budget-fails.sh: no word on how to extend" >&2; exit 1; }
echo "$name: the budget check failed $tried times of $tried, as it should"
