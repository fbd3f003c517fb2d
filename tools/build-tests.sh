#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Compiles what several checks run on this machine, with all cores: what runs side by side afterwards finds it made.
set -eu
cd "$(dirname -- "$0")/.."
cargo=${CARGO:-cargo}

case ${1-} in
    '') ;;
    -h | --help) echo "usage: build-tests.sh"; exit 0 ;;
    *) echo "usage: build-tests.sh" >&2; exit 2 ;;
esac
quiet=--quiet
[ ! -t 2 ] || quiet=
# Not the interleavings: they are one long job, beside which others run that need no cargo here.
# shellcheck disable=SC2086 # $quiet may be nothing
$cargo test $quiet --locked --target-dir target --no-run -p gnumach-vm-map -p vmtool -p kit -p oracle -p oracle-play
