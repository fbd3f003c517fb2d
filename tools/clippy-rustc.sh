#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What lint.sh has cargo call as rustc for our own crates.
set -eu
case ${1-} in
    '' | -h | --help)
        cat <<'END'
usage: clippy-rustc.sh RUSTC ARGUMENT...
For `cargo build` as RUSTC_WORKSPACE_WRAPPER: clippy looks at the crate, and nothing of it is compiled but what other crates must
know of it. `cargo clippy` compiles all crates of others for itself; so they are those that were built for the programs.
$CLIPPY_ARGS has clippy's options, each with __CLIPPY_HACKERY__ behind it, as `cargo clippy` hands them on.
END
        exit 0
        ;;
esac
rustc=$1
shift
driver=$(dirname -- "$rustc")/clippy-driver
[ -x "$driver" ] || driver=clippy-driver
# What runs while crates are compiled has to be whole: build scripts, and what they are made of.
case " $* " in
    *' --crate-name build_script_build '*) whole=1 ;;
    *' --crate-name kit '*' --test '*) whole= ;;
    *' --crate-name kit '*) whole=1 ;;
    *) whole= ;;
esac
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    case $argument in
        --emit=*link*) [ -n "$whole" ] || argument=--emit=dep-info,metadata ;;
        # Of a crate of ours there is no more than that.
        *=*.rlib) [ -e "${argument#*=}" ] || argument=${argument%.rlib}.rmeta ;;
    esac
    set -- "$@" "$argument"
    count=$((count - 1))
done
exec "$driver" "$rustc" "$@"
