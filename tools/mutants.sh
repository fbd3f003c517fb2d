#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Changes src/ in every small way that cargo-mutants knows, and says which changes neither the hosted tests nor the oracle see.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH= cd -- "$here/.." && pwd)
build=${BUILD:-$top/build}
vmtool=${VMTOOL:-$top/target/debug/vmtool}
version=27.1.0
least=95 # percent of the viable ones that must be caught

usage() {
    cat <<END
usage: mutants.sh --oracle FILE --kernel FILE --object FILE --headers DIR [OPTION]...
Runs cargo-mutants $version (installed under build/ when it is not there) over src/ with the hosted tests; then the
check of layouts and the oracle over what they let pass. tests/mutants.txt lists those that none can catch, with reasons.
  --oracle FILE   the oracle, and what it needs: a kernel, an object of ours that is right, the kernel's structs.h
  --cases N       calls that the oracle compares for each (20000)
  --jobs N        mutants at one time (1)
  --only REGEX    mutants whose name matches, alone; then no share is asked for
Writes under build/ (\$BUILD replaces it) only; build/mutants holds cargo-mutants' own report. Exits with 1 if one that is
not listed passes, if one that is listed does not, or if fewer than $least % are caught. All takes an hour or more on two cores.
END
}
fail() {
    echo "mutants.sh: $*" >&2
    exit "${status:-1}"
}

oracle= kernel= object= headers= cases=20000 jobs=1 only=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --oracle | --kernel | --object | --headers | --cases | --jobs | --only)
            [ $# -ge 2 ] || status=2 fail "$1 needs a value"
            case $1 in
                --oracle) oracle=$2 ;;
                --kernel) kernel=$2 ;;
                --object) object=$2 ;;
                --headers) headers=$2 ;;
                --cases) cases=$2 ;;
                --jobs) jobs=$2 ;;
                --only) only=$2 ;;
            esac
            shift 2
            ;;
        *) status=2 fail "what is $1? See --help" ;;
    esac
done
[ -n "$oracle" ] && [ -n "$kernel" ] && [ -n "$object" ] && [ -n "$headers" ] || { usage >&2; exit 2; }
oracle=$(readlink -f "$oracle") kernel=$(readlink -f "$kernel") object=$(readlink -f "$object") headers=$(readlink -f "$headers")
compare() {
    "$vmtool" layout "$kernel" --check "$1" && "$oracle" --kernel "$kernel" --object "$1" --cases "$cases" --seed 1
}
# One that refuses everything would seem to catch everything.
compare "$object" >/dev/null || fail "the oracle does not pass $object, which is to be right"

tool=$build/cargo-mutants
[ "$("$tool/bin/cargo-mutants" mutants --version 2>/dev/null)" = "cargo-mutants $version" ] ||
    "${CARGO:-cargo}" install --quiet --locked --root "$tool" --target-dir "$tool/target" --version "$version" cargo-mutants
rm -rf "$build/mutants"
mkdir -p "$build/mutants"
cd "$top"
# What is not compiled here, or does nothing, has no mutants to catch. 2 and 3 say that some were missed or took too long.
code=0
"$tool/bin/cargo-mutants" mutants --package gnumach-vm-map --file 'src/**/*.rs' --exclude src/panic.rs --exclude src/counters.rs \
    --exclude "**/callers/**" --exclude "**/callers.rs" --exclude "**/sound/**" --exclude-re schedule_point \
    --exclude-re 'replace lock::<impl Drop for (Hint|Object)Lock' \
    ${only:+--re "$only"} --jobs "$jobs" --timeout 120 --no-times --colors never --output "$build/mutants" --cargo-arg=--test=hosted || code=$?
case $code in 0 | 2 | 3) ;; *) fail "cargo-mutants did not come to its end (status $code)" ;; esac
out=$build/mutants/mutants.out

# The crate as build-object.sh takes it: all but src/ by links.
copy=$build/mutants/crate
mkdir -p "$copy"
for item in "$top"/*; do
    case ${item##*/} in src | build | target) ;; *) ln -s "$item" "$copy/" ;; esac
done
mkdir -p "$build/mutants/build"
[ ! -d "$build/sysroot" ] || ln -s "$(readlink -f "$build/sysroot")" "$build/mutants/build/sysroot"

: >"$out/survived.txt"
seen=0
while IFS= read -r mutant <&3; do
    # src/a.rs:12:3: replace ... has its diff in src__a.rs_line_12_col_3.diff, or in one of several with a number behind.
    place=${mutant%%: *} name=${mutant#*: }
    file=${place%%:*} rest=${place#*:}
    found=
    for diff in "$out/diff/$(echo "$file" | sed 's|/|__|g')_line_${rest%%:*}_col_${rest#*:}"*.diff; do
        sed -n 2p "$diff" | grep -qxF "+++ $name" && found=$diff
    done
    [ -n "$found" ] || fail "no diff for: $mutant"
    rm -rf "$copy/src"
    cp -R "$top/src" "$copy/src"
    (cd "$copy" && sed "2s|.*|+++ $file|" "$found" | patch --quiet -p0)
    BUILD=$build/mutants/build "$here/build-object.sh" --headers "$headers" --crate "$copy" "$build/mutants/mutant.o" 2>"$out/build.log" ||
        { cat "$out/build.log" >&2; fail "no object of: $mutant"; }
    if compare "$build/mutants/mutant.o" >"$out/oracle.log" 2>&1; then
        echo "$mutant" >>"$out/survived.txt"
    else
        seen=$((seen + 1))
        echo "layouts or the oracle tell: $mutant"
    fi
done 3<"$out/missed.txt"

count() { wc -l <"$out/$1.txt"; }
caught=$(($(count caught) + $(count timeout) + seen))
viable=$(($(count caught) + $(count timeout) + $(count missed)))
[ "$viable" -gt 0 ] || fail "no mutants"
# Without line and column, which any change moves.
sed 's/:[0-9]*:[0-9]*:/:/' "$out/survived.txt" | sort >"$out/names.txt"
grep '^src/' tests/mutants.txt | sort >"$out/listed.txt" || :
echo "$viable viable mutants: the hosted tests catch $(($(count caught) + $(count timeout))), layouts and the oracle $seen more; $((caught * 100 / viable)) %"
status=0
[ -n "$only" ] || comm -13 "$out/names.txt" "$out/listed.txt" | sed 's/^/listed, and caught: /' | grep . && status=1
comm -23 "$out/names.txt" "$out/listed.txt" | sed 's/^/caught by nothing: /' | grep . && status=1
[ -n "$only" ] || [ $((caught * 100)) -ge $((viable * least)) ] || { echo "fewer than $least %"; status=1; }
exit "$status"
