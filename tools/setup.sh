# Set-up shared by ./run and ./test: sourced, POSIX sh, expects $root (the checkout).
#
# Stamps in .venv record what was done for which lock; while they match, nothing below runs but a
# checksum, so a second start costs a few milliseconds.

venv="$root/.venv"
python="$venv/bin/python"

say() { printf '%s\n' "netloom: $*" >&2; }
die() { say "$*"; exit 1; }

# --- Debian and Ubuntu packages -------------------------------------------------------------

qt_packages="libgl1 libegl1 libglib2.0-0 libxkbcommon0 libdbus-1-3 libfontconfig1 fonts-dejavu-core
libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 libx11-xcb1"

# apt_install PACKAGE…: as root, or through sudo after asking. Fails where that cannot be.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" -eq 0 ]; then
        elevate=""
    elif command -v sudo >/dev/null 2>&1 && [ -t 0 ] && [ -t 2 ]; then
        printf 'netloom: missing system packages: %s\nInstall them with sudo? [Y/n] ' "$*" >&2
        read -r answer
        case "$answer" in [nN]*) return 1 ;; esac
        elevate="sudo"
    else
        return 1
    fi
    say "installing system packages: $*"
    log=$(mktemp)
    if { $elevate apt-get update -q &&
        $elevate env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        return 0
    fi
    cat "$log" >&2
    rm -f "$log"
    return 1
}

# --- Python and .venv ------------------------------------------------------------------------

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'

# find_python: prints a Python 3.11–3.14 of this machine, `python3` first.
find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c "$supported" 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

make_venv() {
    if [ -x "$python" ] && "$python" -c "$supported" 2>/dev/null; then
        return 0
    fi
    [ ! -e "$venv" ] || die "$venv holds no working Python 3.11–3.14. Remove it and start again."
    base=$(find_python) || base=""
    if command -v uv >/dev/null 2>&1; then
        say "making .venv with uv"
        uv venv --quiet --python "${base:-3.13}" "$venv" || die "uv could not make $venv."
        return 0
    fi
    [ -n "$base" ] || die "found no Python 3.11–3.14. Install one (python3 and python3-venv)."
    if ! "$base" -c 'import venv, ensurepip' 2>/dev/null; then
        apt_install python3-venv ||
            die "$base has no venv module. Install it: apt-get install python3-venv"
    fi
    say "making .venv with $base"
    "$base" -m venv "$venv" || { rm -rf "$venv"; die "could not make $venv."; }
}

# install ARGUMENTS…: by uv when it is there, else by the venv's pip. Progress on a terminal only.
install() {
    quiet="--quiet"
    if [ -t 2 ]; then quiet=""; fi
    if command -v uv >/dev/null 2>&1; then
        uv pip install $quiet --python "$python" "$@"
    else
        "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --upgrade >/dev/null
        "$python" -m pip --disable-pip-version-check install $quiet --no-warn-script-location "$@"
    fi >&2
}

# install_project REQUIREMENTS…: the locked packages, hashes checked, then Netloom itself.
install_project() {
    make_venv
    say "installing the locked packages (some 200 MB the first time)"
    locks=""
    for file in "$@"; do locks="$locks -r $file"; done
    (cd "$root" && install --require-hashes $locks && install --no-deps --editable .) ||
        die "could not install the packages: see the lines above."
}

# --- Qt's system libraries ---------------------------------------------------------------------

# qt_missing: the shared libraries that Qt and its platform plugins lack here.
qt_missing() {
    [ "$(uname -s)" = Linux ] || return 0
    qt=$("$python" -c 'import importlib.util as u
print(u.find_spec("PySide6").submodule_search_locations[0])') || return 0
    plugins="$qt/Qt/plugins/platforms"
    ldd "$qt/Qt/lib/libQt6Widgets.so.6" "$qt/Qt/lib/libQt6OpenGL.so.6" \
        "$plugins/libqxcb.so" "$plugins/libqoffscreen.so" 2>/dev/null |
        awk '/not found/ { print $1 }' | sort -u | tr '\n' ' '
}

# system_libraries: installs or names what Qt needs. Fails where something stays missing.
system_libraries() {
    missing=$(qt_missing)
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    apt_install $qt_packages && return 0
    say "Qt lacks system libraries: $missing"
    if command -v apt-get >/dev/null 2>&1; then
        say "install them: sudo apt-get install --no-install-recommends" $qt_packages
    else
        say "install the packages of your system that hold them."
    fi
    return 1
}

# --- Stamps ------------------------------------------------------------------------------------

# key: what an installation depends on. The checkout's place counts: scripts in .venv hold it.
key() {
    (cd "$root" && cksum pyproject.toml requirements.txt requirements-test.txt \
        tools/setup.sh tools/torch_peer.py && echo "$root")
}

# stamped NAME KEY: was the step NAME done for KEY?
stamped() {
    [ -r "$venv/.netloom-$1" ] && [ "$(cat "$venv/.netloom-$1")" = "$2" ]
}

stamp() { printf '%s\n' "$2" >"$venv/.netloom-$1"; }
