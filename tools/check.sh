#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs every check, one after another, and says which passed.
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.." || exit 2
make=${MAKE:-make}
cargo=${CARGO:-cargo}
logs=build/check
unset MAKEFLAGS MFLAGS MAKELEVEL

usage() {
    cat <<END
usage: check.sh [--list] [STEP]...
Runs all steps, or those named; the whole output of each goes to $logs/STEP.log, and the end of it is shown if it fails.
A step that cannot run here (its command exits with 77) is skipped, with the reason. Exits with 1 if any failed.
END
}

# name | command | what it checks
steps() {
    cat <<END
format|format|the Rust sources are formatted
lint|lint|clippy finds nothing wrong, and a reason for each unsafe block
hosted|$cargo test --locked|both functions, from C, on the host; what must not compile
tools|$cargo test --locked -p vmtool|layouts, object check, graft, boot, patch and Hurd tools, with what each refuses
oracle-test|$make --silent oracle-test|the oracle sees differences, and replays and shrinks them
harness|$make --silent harness|the same tests as a C program with the static library
storm-host|$make --silent -C tests/storm BUILD=$PWD/build/storm check|the storm's options and verdicts
wrong|target/debug/vmtool wrong|wrong versions are caught by the hosted tests
interleavings|$make --silent interleavings|schedules of the protocol
$(for kernel in ${KERNELS:-trixie/486-smp trixie/486-up sid/486-smp}; do
    suite=${kernel%/*} flavour=${kernel#*/}
    id=$suite-$flavour of="SUITE=$suite FLAVOUR=$flavour"
    echo "object-$id|with_kernel $suite $flavour $make --silent check-object $of|the object is fit for $id, and its layouts are that kernel's"
    echo "oracle-$id|with_kernel $suite $flavour $make --silent oracle CASES=${CASES:-10000000} $of|nothing differs from the machine code of $id"
done)
reach|$make --silent reach CASES=5000000|which branches of the shipped code the oracle saw
oracle-wrong|$make --silent oracle-wrong|wrong versions are caught by the oracle
budget|$make --silent budget|instruction counts and sizes stay within their budget
run|$make --silent run|a real SMP kernel under load, stock and with our functions
storm-wrong|$make --silent storm-wrong|wrong versions are caught in a real kernel
END
}

format() {
    $cargo fmt --version >/dev/null 2>&1 || { echo "SKIP: this cargo has no fmt"; return 77; }
    $cargo fmt --all --check
}
lint() {
    $cargo clippy --version >/dev/null 2>&1 || { echo "SKIP: this cargo has no clippy"; return 77; }
    $cargo clippy --locked --quiet --all-targets -p gnumach-vm-map -p kit -p vmtool -p oracle -p interleavings -- -D clippy::correctness -D clippy::suspicious \
        -D clippy::perf -D clippy::undocumented_unsafe_blocks -D unsafe_op_in_unsafe_fn
}

# A suite that cannot be had here is a skip, not a failure.
with_kernel() {
    tools/fetch-kernel.sh "$1" "$2" || return
    shift 2
    "$@"
}

case ${1-} in
    -h | --help) usage; exit 0 ;;
    --list) steps | awk -F'|' '{ printf "%-24s %s\n", $1, $3 }'; exit 0 ;;
esac
mkdir -p "$logs"
steps >"$logs/steps"
for name; do
    grep -q "^$name|" "$logs/steps" || { echo "check.sh: no step $name; --list names them" >&2; exit 2; }
done

wanted() {
    [ $# -gt 1 ] || return 0
    step=$1
    shift
    for name; do [ "$name" != "$step" ] || return 0; done
    return 1
}

passed=0 failed=0 skipped=0
while IFS='|' read -r name command about <&3; do
    wanted "$name" "$@" || continue
    [ ! -t 1 ] || printf '...     %-24s %s' "$name" "$about"
    began=$(date +%s)
    $command >"$logs/$name.log" 2>&1 </dev/null
    status=$?
    seconds=$(($(date +%s) - began))
    [ ! -t 1 ] || printf '\r\033[K'
    case $status in
        0) passed=$((passed + 1)); printf 'ok      %-24s %4s s  %s\n' "$name" $seconds "$about" ;;
        77)
            skipped=$((skipped + 1))
            printf 'SKIP    %-24s %4s s  %s\n' "$name" $seconds "$(grep -m1 SKIP "$logs/$name.log")"
            ;;
        *)
            failed=$((failed + 1))
            printf 'not ok  %-24s %4s s  %s (status %s); the end of %s:\n' "$name" $seconds "$about" $status "$logs/$name.log"
            tail -n 40 "$logs/$name.log" | sed 's/^/    /'
            ;;
    esac
done 3<"$logs/steps"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
