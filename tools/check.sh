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
if [ -z "${VMTOOL-}" ]; then
    $CARGO build --quiet --locked --target-dir target -p vmtool
    VMTOOL=target/debug/vmtool
fi
export VMTOOL
exec "$VMTOOL" check "$@"
