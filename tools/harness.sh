#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the hosted tests as a C program with other options than `make harness` has, and runs them.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH= cd -- "$here/.." && pwd)
build=${BUILD:-$top/build}

usage() {
    cat <<'END'
usage: harness.sh [--sanitize] [--callers] (--library FILE | --32) [NAME]...
Compiles c-shim/hosted/ and the C tests, links them with the crate, and runs the tests, or those whose name contains a NAME.
  --sanitize      the C code under AddressSanitizer and UndefinedBehaviorSanitizer
  --callers       the tests of the two functions' callers too; a library has the feature of that name then
  --library FILE  the crate as a static library for this machine
  --32            a 32-bit program, with the crate compiled for i686 as a kernel's object is
Writes under build/ ($BUILD replaces it) only. $CC is the C compiler. Exits as the harness does; with 77, and a line that
begins with SKIP, if the compiler cannot make such a program.
END
}

sanitize= library= bits= callers=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --sanitize) sanitize=yes; shift ;;
        --callers) callers=-callers; shift ;;
        --library)
            [ $# -ge 2 ] || { echo "harness.sh: --library needs a file" >&2; exit 2; }
            library=$2
            shift 2
            ;;
        --32) bits=32; shift ;;
        -*) echo "harness.sh: no option $1" >&2; exit 2 ;;
        *) break ;;
    esac
done
if [ -n "$library" ] && [ -n "$bits" ] || [ -z "$library$bits" ]; then
    echo "harness.sh: say --library FILE or --32" >&2
    exit 2
fi
# What install-packages.sh has unpacked comes with a compiler that finds it.
. "$here/env.sh"
cc=${CC:-cc}
[ -n "${CC-}" ] || [ -z "$bits" ] || [ ! -x "$unpacked/bin/cc-m32" ] || cc=$unpacked/bin/cc-m32
options=-O1
# The kernel's compiler keeps the stack aligned to 4 bytes, and so does the object.
[ -z "$bits" ] || options="$options -m32 -no-pie -mincoming-stack-boundary=2"
[ -z "$sanitize" ] || options="$options -fsanitize=address,undefined -fno-sanitize-recover=all"

work=$build/harness-programs
mkdir -p "$work"
program=$work/harness$bits$callers${sanitize:+-sanitized}
trial=$work/trial.$$
trap 'rm -f "$trial" "$trial.c" "$program.$$"' EXIT

# A program that must be stopped when there are sanitizers, and that can only be made where all is there.
cat >"$trial.c" <<'END'
#include <limits.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	volatile char *volatile gone = malloc(8);
	volatile int most = INT_MAX, read = 0;

	(void) argv;
	free((void *) gone);
	if (argc == 2)
		read = gone[0];
	if (argc == 3)
		read = most + argc;
	(void) read;
	return 0;
}
END
# shellcheck disable=SC2086 # a list of options
if ! $cc $options -w -o "$trial" "$trial.c" 2>"$trial"; then
    echo "SKIP: $cc makes no program with $options here: $(sed -n '/error\|cannot/{p;q}' "$trial")"
    [ -z "$bits" ] || echo "The 32-bit C library is missing, perhaps: install gcc-multilib."
    exit 77
fi
"$trial" || { echo "SKIP: no program made with $cc $options runs here"; exit 77; }
if [ -n "$sanitize" ]; then
    # With one word it reads what is freed, with two an integer overflows.
    for words in "1" "1 2"; do
        # shellcheck disable=SC2086 # words
        ! "$trial" $words >/dev/null 2>&1 || {
            echo "harness.sh: the sanitizers let a fault of their own trial pass ($words)" >&2
            exit 1
        }
    done
fi

if [ -n "$bits" ]; then
    library=$work/vm_map32$callers.o
    unset GNUMACH_HEADERS_FIRST
    if [ -n "$callers" ]; then
        # A kernel's structs.h has its objects; these are the stand-in's.
        export GNUMACH_HEADERS_FIRST="$work/headers"
        mkdir -p "$GNUMACH_HEADERS_FIRST"
        echo '#define bool _Bool' >"$GNUMACH_HEADERS_FIRST/stdbool.h"
        printf '#pragma once\n#include "%s"\n' "$(realpath "$top/gnumach-headers/structs.h")" \
            "$(realpath "$top/c-shim/hosted/objects.h")" >"$GNUMACH_HEADERS_FIRST/structs.h"
    fi
    "$here/build-object.sh" --features "${callers#-}" "$library"
fi
cd "$top"
sources='c-shim/hosted/*.c tests/*.c'
if [ -n "$callers" ]; then
    sources="$sources c-shim/hosted/callers/*.c tests/callers/*.c"
    options="$options -DCALLERS -I c-shim/hosted/callers -I tests/callers"
fi
# shellcheck disable=SC2086 # lists of options and files
$cc $options -g -Wall -Wextra -DHARNESS_MAIN -I gnumach-headers -I c-shim/hosted -I tests $sources "$library" \
    -pthread -o "$program.$$"
mv "$program.$$" "$program"
"$program" "$@"
