#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Compiles all that the checks run on this machine, with all cores: what runs side by side afterwards finds it made.
set -eu
cd "$(dirname -- "$0")/.."
cargo=${CARGO:-cargo}

case ${1-} in
    '') ;;
    -h | --help) echo "usage: build-tests.sh"; exit 0 ;;
    *) echo "usage: build-tests.sh" >&2; exit 2 ;;
esac
common="--quiet --locked --target-dir target"
# By itself: the interleavings want the crate with a feature that its own tests do not know.
# shellcheck disable=SC2086 # options
{
    $cargo test $common --no-run -p gnumach-vm-map -p vmtool -p kit -p oracle
    $cargo build $common -p interleavings
}
