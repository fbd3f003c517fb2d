#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# That an error between model and kernel is seen, made short and replayed: with a program whose model is wrong in one place.
set -eu
case ${1-} in
-h | --help | '')
    echo "usage: sees-model-error.sh VMTOOL KERNEL PROGRAM LOGS [OPTION]..."
    echo "PROGRAM is fuzz, made with MODEL_ERROR=1; OPTIONs are for vmtool fuzz. Exit status: 0 the error was seen, 1 it was not."
    exit
    ;;
esac
vmtool=$1 kernel=$2 program=$3 logs=$4
shift 4
fuzz() {
    "$vmtool" fuzz --stock "$kernel" --program "$program" --smp 1 --banner-timeout 120 --logs "$logs" "$@"
}

status=0
said=$(fuzz --calls 500 --shorten 12 "$@") || status=$?
fail() {
    printf '%s\n' "$said" "a model that is wrong: $1" >&2
    exit 1
}
[ $status = 10 ] || fail "status $status instead of 10"
line=$(printf '%s\n' "$said" | sed -n '/: inheritance of a page: 1 instead of 2: /,/SEED=/s/^# make fuzz SEED=\([0-9]*\) CASE=\([0-9]*\) KEEP=\([0-9,-]*\)$/\1 \2 \3/p' | head -n 1)
[ -n "$line" ] || fail "no line that replays it"
seed=${line%% *} rest=${line#* }
status=0
said=$(fuzz --seed "$seed" --case "${rest% *}" --keep "${rest#* }" "$@") || status=$?
[ $status = 10 ] || fail "the line that replays it does not"
calls=$(printf '%s\n' "$said" | grep -c '^[0-9]*: ')
[ "$calls" -le 3 ] || fail "$calls calls are left, where one allocation and a look would do"
echo "a model that is wrong is seen, in $calls calls"
