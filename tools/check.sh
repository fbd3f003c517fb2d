#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs every check, or those named: `vmtool check`, whose --help tells the rest. The checks stand in tools/steps.txt.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/env.sh"
cd "$here/.."
export MAKE="${MAKE:-make}" CARGO="${CARGO:-cargo}"
# As in the Makefile: a user's own settings do not say where cargo builds.
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR
# Nor has cargo the job server of a make that runs this.
unset MAKEFLAGS MFLAGS
if [ -z "${VMTOOL-}" ]; then
    # With all else that is compiled for all checks, so that no core waits for the last crate of one program. What does not
    # compile is told by the step for it.
    [ $# -gt 0 ] || tools/build-tests.sh || :
    $CARGO build --quiet --locked --target-dir target -p vmtool
    VMTOOL=target/debug/vmtool
fi
export VMTOOL
exec "$VMTOOL" check "$@"
