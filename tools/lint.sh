#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Formatting, lines of prose, and what clippy finds.
set -eu
tools=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$tools/.."
cargo=${CARGO:-cargo}

usage() {
    cat <<'END'
usage: lint.sh format, or lint.sh clippy|prose [FOLDER]
format: the Rust sources are as `cargo fmt` writes them, and prose too. prose: no line of a .md file in FOLDER (this one) is longer
than 100 columns, tables, code and what has no space in it apart. clippy: it finds nothing wrong in the workspace in FOLDER, and a
reason for each unsafe block; it works in target/ there, with what the programs are made of, compiled for them already.
Exit status: 0 so it is, 77 this cargo has no such command, another: it is not so.
END
}

has() {
    $cargo "$1" --version >/dev/null 2>&1 || { echo "SKIP: this cargo has no $1"; exit 77; }
}

prose() {
    ! find "$1" \( -name build -o -name target -o -name vendor -o -name '.?*' \) -prune -o -name '*.md' -print0 |
        LC_ALL=C.UTF-8 xargs -0r grep -nHE '^.{101}' | grep -vE '^[^:]*:[0-9]+:(\||    |[^ ]*$)' || {
        echo "lint.sh: these lines are longer than 100 columns" >&2
        exit 1
    }
}

case ${1-} in
    -h | --help) usage ;;
    prose) prose "${2-.}" ;;
    format) prose .; has fmt; exec $cargo fmt --all --check ;;
    clippy)
        has clippy
        cd "${2-.}"
        RUSTC_WORKSPACE_WRAPPER=$tools/clippy-rustc.sh
        CLIPPY_ARGS=$(printf '%s__CLIPPY_HACKERY__' -D clippy::correctness -D clippy::suspicious -D clippy::perf \
            -D clippy::undocumented_unsafe_blocks -D unsafe_op_in_unsafe_fn)
        export RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS
        # kit is compiled whole for a build script alone, which has little to do.
        exec $cargo build --locked --quiet --target-dir target --all-targets --workspace \
            --config profile.dev.package.kit.opt-level=0
        ;;
    *) usage >&2; exit 2 ;;
esac
