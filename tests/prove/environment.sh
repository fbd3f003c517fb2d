#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a private Python environment with what the prover needs, in the folder given, unless it is there already. The
# versions and the hashes of what is installed stand in requirements.txt. Prints the environment's Python.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
case ${1-} in
    '' | -h | --help | -?)
        cat >&2 <<'END'
usage: environment.sh DIR        makes the environment in DIR, a folder of its own, and prints its Python
       environment.sh --python   prints the Python that it would be made with
Exit status: 0 done; 1 an error; 2 wrong usage; 77 it cannot be had here (the reason is printed after SKIP).
END
        case ${1-} in -h | --help) exit 0 ;; esac
        exit 2
        ;;
esac
skip() {
    echo "SKIP proof: $*" >&2
    exit 77
}

# What is installed is compiled for these versions; Debian's venv does not work without ensurepip, which is another package.
find_python() {
    for python in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        python=$(command -v "$python") || continue
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            return
        fi
    done
    skip "no Python 3.11 to 3.13 that can make a private environment (tools/install-packages.sh prove, as root)"
}
if [ "$1" = --python ]; then
    find_python
    echo "$python"
    exit 0
fi

folder=$1
stamp=$folder/made-from
mkdir -p "$(dirname -- "$folder")"
# Two at a time would make the same.
exec 9>"$folder.lock"
flock 9
if cmp -s "$here/requirements.txt" "$stamp" && "$folder/bin/python" -c 'import pyvex, z3' 2>/dev/null; then
    echo "$folder/bin/python"
    exit 0
fi
rm -f "$stamp"
find_python
# A private folder of ours: what an older Python left in it goes. Debian's venv puts in a pip from a place that is named by its
# path from the root, where the one of a Python that was unpacked elsewhere does not lie: it lies beside that Python. By its own
# name, not by a link: from there it finds what belongs to it.
program=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
"$program" -m venv --clear --without-pip "$folder" >&2 || {
    echo "environment.sh: $python cannot make an environment in $folder" >&2
    exit 1
}
wheels=$(ls "${program%/bin/*}"/share/python-wheels/pip-*.whl 2>/dev/null | tail -n 1)
said=$folder/pip.log
if [ -z "$wheels" ]; then "$folder/bin/python" -m ensurepip >"$said" 2>&1 || skip "$python has no pip: $(tail -n 1 "$said")"; fi
if ! PYTHONPATH=$wheels "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-compile --retries 2 \
    --require-hashes --only-binary :all: --requirement "$here/requirements.txt" >"$said" 2>&1; then
    cat "$said" >&2
    ! grep -q 'DO NOT MATCH THE HASHES' "$said" || {
        echo "environment.sh: what pip got is not what requirements.txt names" >&2
        exit 1
    }
    skip "pip could not install what tests/prove/requirements.txt names: $(grep -v '^ ' "$said" | tail -n 1)"
fi
cp "$here/requirements.txt" "$stamp"
echo "$folder/bin/python"
