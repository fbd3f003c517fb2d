#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a private Python environment with what the prover needs, in the folder given, unless it is there already. The
# versions and the hashes of what is installed stand in requirements.txt. Prints the environment's Python.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
case ${1-} in
    '' | -*) echo "usage: environment.sh DIR" >&2; exit 2 ;;
esac
folder=$1
stamp=$folder/made-from
if cmp -s "$here/requirements.txt" "$stamp" && "$folder/bin/python" -c 'import pyvex, z3' 2>/dev/null; then
    echo "$folder/bin/python"
    exit 0
fi
rm -f "$stamp"
python=$(command -v python3) || {
    echo "environment.sh: no python3: tools/install-packages.sh prove" >&2
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "environment.sh: $python is older than 3.11" >&2
    exit 1
}
# A private folder of ours: what an older Python left in it goes.
"$python" -m venv --clear "$folder" >&2 || {
    echo "environment.sh: $python cannot make a private environment; Debian has that in python3-venv" >&2
    exit 1
}
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all: \
    --requirement "$here/requirements.txt" >&2 || {
    echo "environment.sh: pip could not install what requirements.txt names" >&2
    exit 1
}
cp "$here/requirements.txt" "$stamp"
echo "$folder/bin/python"
