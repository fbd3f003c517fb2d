#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Downloads packages with apt and unpacks them where nothing else sees them, with programs that run from there.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/env.sh"
. "$here/apt.sh"

usage() {
    cat <<'END'
usage: unpack-packages.sh GROUP:CHOICE[,CHOICE]...
       unpack-packages.sh --cargo FOLDER
Called by install-packages.sh, which knows what is missing and holds the lock.
Resolves each group's packages and what they need beyond this machine's with apt, from this machine's own sources, in a
private state; downloads them (apt checks signatures) and unpacks them into build/tools/GROUP, which appears whole or not
at all. Programs are linked from build/tools/bin. Nothing is installed, and no root is needed.
--cargo links that folder's cargo, rustc and rustdoc alone.
$GNUMACH_TOOLS replaces build/tools.
END
}
fail() {
    echo "unpack-packages.sh: $*" >&2
    exit 1
}
say() {
    [ ! -t 2 ] || echo "$*" >&2
}

case ${1-} in
    -h | --help) usage; exit 0 ;;
    '') usage >&2; exit 2 ;;
esac
mkdir -p "$unpacked/bin"
unpacked=$(CDPATH= cd -- "$unpacked" && pwd)

# Written beside and renamed, so that no one runs half a script. The path is found when it is run: build/ may be moved.
script() {
    {
        echo '#!/bin/sh'
        echo 'bin=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)'
        cat
    } >"$unpacked/bin/.$1"
    chmod 755 "$unpacked/bin/.$1"
    mv -f "$unpacked/bin/.$1" "$unpacked/bin/$1"
}
link() {
    ln -sfn "$1" "$unpacked/bin/.$2"
    mv -fT "$unpacked/bin/.$2" "$unpacked/bin/$2"
}

# cargo is a script: it says where libclang is, and where the machine's own cargo serves, finds that.
cargo_script() {
    script cargo <<END
if [ -z "\${LIBCLANG_PATH-}" ]; then
    for file in "\${bin%/*}"/build/usr/lib/*-linux-gnu/libclang-*.so.*; do
        [ ! -f "\$file" ] || export LIBCLANG_PATH="\${file%/*}"
    done
fi
$1
END
}
if [ "$1" = --cargo ]; then
    folder=$2
    case $folder in "$unpacked"/*) folder=../${folder#"$unpacked"/} ;; esac
    link "$folder/rustc" rustc
    link "$folder/rustdoc" rustdoc
    case $folder in ../*) folder=\$bin/$folder ;; esac
    cargo_script "exec \"$folder/cargo\" \"\$@\""
    exit 0
fi

for tool in apt-get apt-cache apt-config dpkg-deb tar awk; do
    command -v "$tool" >/dev/null || fail "no $tool here: this needs a Debian system"
done
rm -rf "$unpacked"/.work-* # of one that was killed: the lock lets none run beside this one
work=$(mktemp -d "$unpacked/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
status=
eval "$(apt-config shell status Dir::State::status/f)"
private_apt_in "$work/apt"
release=$(debian_release)

say "fetching package lists"
# A source that cannot be reached is only a loss if it has something that is needed.
private_apt "$status" apt-get update -qq >"$work/update" 2>&1 || :

# What machine $2 would have to install for the names after it, in $plan as NAME=VERSION; its removals in $removed.
plan() {
    on=$1
    shift
    private_apt "$on" apt-get -s -q install --no-install-recommends "$@" >"$work/plan" 2>&1 || return 1
    plan=$(sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p' "$work/plan")
    removed=$(sed -n 's/^Remv \([^ ]*\) .*/\1/p' "$work/plan")
}
# A machine's status, file $1, without the packages named after it.
status_without() {
    file=$1
    shift
    awk -v names=" $* " 'BEGIN { RS = ""; ORS = "\n\n"; FS = "\n" } !index(names, " " substr($1, 10) " ")' \
        "$file" >"$work/status.new"
    mv "$work/status.new" "$work/status"
}
resolve() {
    plan "$work/apt/none" "$@" || return 1
    # A compiler finds its parts beside itself: none of them may be half on the machine.
    # shellcheck disable=SC2046,SC2086 # lists of names
    status_without "$status" "$@" $(echo $plan | tr ' ' '\n' | sed -n 's/=.*//; /rust\|cargo\|^cpp\|^gcc-[0-9]*$\|-dev$/p')
    for turn in 1 2 3 4 5 6 7 8; do
        plan "$work/status" "$@" || break
        [ -n "$removed" ] || return 0
        # What stands in the way is only left out of what apt is told: on the machine it stays.
        # shellcheck disable=SC2086 # a list of names
        status_without "$work/status" $removed
    done
    # Nothing can be built upon such a machine's packages: all that is needed is taken, down to libc.
    plan "$work/apt/none" "$@"
}

# Programs find libraries in their own root first. DT_RPATH serves the libraries' libraries too, unlike DT_RUNPATH, and
# unlike LD_LIBRARY_PATH it does not reach the programs that a program starts.
settle() {
    root=$1
    find "$root" -type f -perm /6000 -exec chmod a-s {} +
    find "$root" -type l -lname '/*' | while IFS= read -r name; do
        to=$(readlink "$name")
        [ ! -e "$root$to" ] || ln -sfn "$(realpath -ms --relative-to="$(dirname "$name")" "$root$to")" "$name"
    done
    for file in "$root"/usr/lib/*/lib*.so "$root"/usr/lib32/lib*.so; do
        # A linker script: names alone are found here and on the machine.
        [ -f "$file" ] && [ ! -L "$file" ] && head -c 2000 "$file" | grep -qa '^ *\(GROUP\|INPUT\) *(' || continue
        sed -i 's#\(/usr\)\{0,1\}/lib\(32\|64\)\{0,1\}/\([a-z0-9_-]*/\)\{0,1\}##g' "$file"
    done
    patchelf=$root/usr/bin/patchelf
    [ -x "$patchelf" ] || patchelf=patchelf
    loader=
    for file in "$root"/lib64/ld-linux-*.so.* "$root"/usr/lib64/ld-linux-*.so.*; do
        [ ! -e "$file" ] || loader=$unpacked/$2${file#"$root"}
    done
    find "$root/usr/lib" "$root/lib" -type f -name 'lib*.so.*' -printf '%h\n' 2>/dev/null | sort -u >"$work/folders"
    find "$root" -type f \( -perm -u+x -o -name '*.so' -o -name '*.so.*' \) >"$work/files"
    while IFS= read -r file; do
        old=$("$patchelf" --print-rpath "$file" 2>/dev/null) || continue
        program=
        case $file in
            */libclang*) ;;
            *.so | *.so.*) [ -n "$old" ] || continue ;;
            *) "$patchelf" --print-interpreter "$file" >/dev/null 2>&1 && program=yes || [ -n "$old" ] || continue ;;
        esac
        path=$old
        while IFS= read -r folder; do
            path=$path${path:+:}\$ORIGIN/$(realpath -ms --relative-to="$(dirname "$file")" "$folder")
        done <"$work/folders"
        [ "$file" != "$patchelf" ] || continue
        "$patchelf" --force-rpath --set-rpath "$path" ${program:+${loader:+--set-interpreter "$loader"}} "$file" ||
            fail "patchelf could not set the library path of $file"
    done <"$work/files"
}

# Names in build/tools/bin: of the packages asked for all programs, of what came along those that the machine lacks.
machine_path=$(echo "$PATH" | tr : '\n' | grep -vxF "$unpacked/bin" | tr '\n' :)/usr/sbin:/sbin
expose() {
    group=$1 root=$unpacked/$1
    [ "$group" != kernel-build ] || return 0
    while read -r asked file; do
        name=${file##*/}
        [ "$name" != patchelf ] || continue
        # A script that starts the program in there by its absolute path is no use here.
        [ ! -x "$root/usr/libexec/$name" ] || file=/usr/libexec/$name
        [ "$asked" = asked ] || ! (PATH=$machine_path; command -v "$name") >/dev/null || continue
        case $name in
            gcc | gcc-[0-9]* | x86_64-linux-gnu-gcc*)
                # Beside its own folders gcc knows the machine's, which lack libc's headers and start files.
                script "$name" <<END
root=\$bin/../$group
exec "\$root$file" -B"\$root/usr/lib/x86_64-linux-gnu/" -idirafter "\$root/usr/include/x86_64-linux-gnu" \\
    -idirafter "\$root/usr/include" -L"\$root/usr/lib/x86_64-linux-gnu" "\$@"
END
                [ "$name" != gcc ] || link gcc cc
                ;;
            grub-mkrescue)
                script "$name" <<END
root=\$bin/../$group
pkgdatadir=\$root/usr/share/grub exec "\$root$file" "\$@"
END
                ;;
            *) link "../$group$file" "$name" ;;
        esac
    done <"$root/PROGRAMS"
    # The machine's own gcc does not look here for what a 32-bit program is made of, nor does that program when it runs.
    [ "$group" != harness-32 ] || script cc-m32 <<END
root=\$bin/../$group
root=\$(CDPATH= cd -- "\$root" && pwd)
exec "\$root/usr/bin/gcc" -m32 -B"\$root/usr/lib32/" -L"\$root/usr/lib32" -L"\$root/lib32" \\
    -idirafter "\$root/usr/include/x86_64-linux-gnu" -idirafter "\$root/usr/include" \\
    -Wl,--dynamic-linker="\$root/lib32/ld-linux.so.2" -Wl,--disable-new-dtags,-rpath,"\$root/usr/lib32:\$root/lib32" "\$@"
END
    for file in "$root"/usr/lib/*-linux-gnu/libclang-*.so.*; do
        [ ! -f "$file" ] || [ -e "$unpacked/bin/cargo" ] || cargo_script 'IFS=:
for folder in $PATH; do
    if [ -x "$folder/cargo" ] && [ ! "$folder" -ef "$bin" ]; then exec "$folder/cargo" "$@"; fi
done
echo "cargo: none on PATH" >&2
exit 127'
    done
}

unpack() {
    group=${1%%:*}
    choices=$(echo "${1#*:}" | tr , ' ')
    names=
    for choice in $choices; do
        found= older=
        for name in $(names_of "$choice"); do
            candidate=$(private_apt "$status" apt-cache policy "$name" 2>/dev/null | candidate)
            [ -n "$candidate" ] || continue
            if is_enough "$candidate" "$choice"; then found=$name; break; fi
            older="$older $name $candidate"
        done
        [ -z "$older" ] || [ -n "$found" ] || fail "apt offers$older, and what is wanted is $choice.
Debian's stable releases get newer ones in their security archive (the suite ${release:-CODENAME}-security), which a
default installation has among apt's sources: add it, then try again."
        [ -n "$found" ] || fail "apt knows no package for: $choice
$(sed 's/^/    /' "$work/update")"
        names="$names $found"
    done
    tool=
    command -v patchelf >/dev/null || tool=patchelf
    # shellcheck disable=SC2086 # lists of names
    resolve $names $tool || fail "apt cannot resolve:$names
$(sed 's/^/    /' "$work/plan")"

    debs=$work/debs-$group new=$work/$group
    mkdir "$debs" "$new"
    # shellcheck disable=SC2086 # lists of packages
    say "downloading $(echo $plan | wc -w) packages for $group"
    (
        cd "$debs"
        if [ -t 2 ]; then
            private_apt "$status" apt-get download -q $plan >&2
        else
            private_apt "$status" apt-get download -qq $plan >"$work/download" 2>&1
        fi
    ) || fail "could not download the packages of $group:
$(sed 's/^/    /' "$work/download" 2>/dev/null)"
    say "unpacking $group"
    for deb in "$debs"/*.deb; do
        asked=along
        case "$names " in *" $(dpkg-deb -f "$deb" Package) "*) asked=asked ;; esac
        dpkg-deb -X "$deb" "$new" >"$work/unpacked" || fail "${deb##*/} cannot be unpacked"
        sed -n "s|^\.\(/\(usr/\)\{0,1\}s\{0,1\}bin/[^/]*[^/]\)\$|$asked \1|p" "$work/unpacked"
    done >"$work/programs"
    rm -rf "$debs"
    mv "$work/programs" "$new/PROGRAMS"
    settle "$new" "$group"
    {
        echo "release $release"
        for choice in $choices; do echo "choice $choice"; done
        for package in $plan; do echo "package ${package%%=*} ${package#*=}"; done
    } >"$new/RECORD"
    chmod 755 "$new"
    if [ -e "$unpacked/$group" ]; then mv -T "$unpacked/$group" "$work/old-$group"; fi
    mv -T "$new" "$unpacked/$group"
    expose "$group"
}
for wanted; do
    unpack "$wanted"
done
