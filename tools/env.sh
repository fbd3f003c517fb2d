# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by scripts, with $here set to this folder: what install-packages.sh has unpacked is found first.
# Sets $unpacked, the folder it lies in; $GNUMACH_TOOLS replaces build/tools.
unpacked=${GNUMACH_TOOLS:-$here/../build/tools}
if [ -d "$unpacked" ]; then
    unpacked=$(CDPATH= cd -- "$unpacked" && pwd)
    case :$PATH: in
        *":$unpacked/bin:"*) ;;
        *) export PATH="$unpacked/bin:$PATH" ;;
    esac
    # For bindgen. A libclang that the user names stays. Not by the links in llvm-*/lib: the path that a library is opened
    # by is what it looks for others from.
    if [ -z "${LIBCLANG_PATH-}" ]; then
        for file in "$unpacked"/build/usr/lib/*-linux-gnu/libclang-*.so.*; do
            [ ! -f "$file" ] || export LIBCLANG_PATH="${file%/*}"
        done
    fi
fi
