#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows that `oracle bench budget` fails: each number of a kernel's budget, less by one, is complained
# of. With the word `not-judged` also what it does not judge.
set -eu
case $#-${4-not-judged} in
    [34]-not-judged) ;;
    *) echo "usage: budget-fails.sh ORACLE KERNEL OBJECT [not-judged]" >&2; exit 2 ;;
esac
oracle=$1 kernel=$2 object=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "budget-fails.sh: $1" >&2
    exit 1
}
# FILE STATUS: what the check ends with by this budget.
ends() {
    status=0
    "$oracle" bench budget --kernel "$kernel" --object "$object" --budget "$1" >"$folder/output" || status=$?
    [ "$status" -eq "$2" ] || fail "status $status, not $2, with $1: $(sed -n 1,3p "$folder/output")"
}

# The budget that the object fits exactly, whatever the kept one leaves free.
"$oracle" bench budget --kernel "$kernel" --object "$object" --budget "$folder/exact" --write
awk '/ = [0-9]+$/ { $NF = $NF - 1; numbers++ } { print } END { print numbers + 0 >"/dev/stderr" }' \
    "$folder/exact" >"$folder/less" 2>"$folder/numbers"
numbers=$(cat "$folder/numbers")
# The code, and of each function the stack and a row.
[ "$numbers" -ge 5 ] || fail "only $numbers numbers in a budget"
ends "$folder/less" 1
told=$(grep -c ', the budget is [0-9]*$' "$folder/output")
[ "$told" -eq "$numbers" ] || fail "$told of $numbers numbers that are less by one were complained of"
name=$(sed -n 's/^\["\(.*\)"\]$/\1/p' "$folder/exact")
echo "$name: the budget check complained of $told numbers of $numbers, as it should"
[ $# -eq 4 ] || exit 0

# An unknown kernel is no reason to pass; nor is another compiler.
sed "s/$name/other/" "$folder/exact" >"$folder/unknown"
sed 's/^compiler = .*/compiler = "another"/' "$folder/exact" >"$folder/compiler"
for budget in unknown compiler; do
    ends "$folder/$budget" 77
    grep -q '^SKIP: .*To extend' "$folder/output" || fail "no word on how to extend the list: $budget"
done
