# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by scripts that use apt. For those that download: a state of their own, so that the machine's lists and caches stay as they
# are and root is not needed. The machine's settings (proxies, methods, keys) hold.

# private_apt_in FOLDER: makes that state there and exports APT_CONFIG. Hooks are left out: they could touch the
# machine's own caches. So is any leave to take what is not signed.
private_apt_in() {
    private=$1
    mkdir -p "$private/conf" "$private/lists/partial" "$private/cache/archives/partial"
    : >"$private/none"
    parts= main=
    eval "$(apt-config shell parts Dir::Etc::parts/d main Dir::Etc::main/f 2>/dev/null || :)"
    for file in "${parts:-/etc/apt/apt.conf.d}"/* "${main:-/etc/apt/apt.conf}"; do
        [ ! -f "$file" ] || ln -s "$file" "$private/conf/"
    done
    cat >"$private/conf/zzz-private" <<'END'
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::CNF;
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
END
    {
        [ ! -f "${APT_CONFIG-}" ] || cat "$APT_CONFIG"
        echo "Dir::Etc::parts \"$private/conf\"; Dir::Etc::main \"$private/none\";"
    } >"$private/apt.conf"
    export APT_CONFIG="$private/apt.conf"
}

# private_apt STATUS TOOL...: runs an apt tool in that state, STATUS being the file that says what is installed.
private_apt() {
    private_status=$1 private_tool=$2
    shift 2
    "$private_tool" -o Dir::State="$private" -o Dir::State::lists="$private/lists" \
        -o Dir::State::status="$private_status" -o Dir::State::extended_states="$private/extended_states" \
        -o Dir::Cache="$private/cache" -o Debug::NoLocking=true "$@"
}

# packages.txt's choices: the names in them, and whether a version of one is as new as is asked.
names_of() {
    echo "$1" | sed 's/>=[^ ]*//g' | tr '|' ' '
}
is_enough() {
    case $2 in *'>='*) dpkg --compare-versions "$1" ge "${2##*>=}" ;; esac
}
# What apt-cache policy, on the input, says that apt would install; nothing if it has none.
candidate() {
    sed -n 's/^  Candidate: \([^(].*\)/\1/p'
}
debian_release() {
    sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null || :
}
