#!/bin/sh
# Proves the README's two commands on a bare Debian 12: a fresh minimal system with nothing but
# Python, its venv module and the CA certificates, a clean clone, `./run` without a display, `./test`.
#
#   sudo tests/system/bare_debian.sh [FOLDER]
#
# Needs root, git and debootstrap (apt-get install debootstrap), 6 GB and 15 minutes. The system is
# built in FOLDER: by default a new one in /var/tmp, removed at the end; one that was named is kept.
# This machine's package mirror, name servers, CA certificates and pip settings enter it, no more.
set -eu
repository=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
[ "$(id -u)" -eq 0 ] || { echo "bare_debian: run as root, found uid $(id -u)" >&2; exit 2; }
for command in debootstrap git unshare; do
    command -v $command >/dev/null || { echo "bare_debian: needs $command" >&2; exit 2; }
done

bare=${1:-}
if [ -z "$bare" ]; then
    bare=$(mktemp -d /var/tmp/netloom-bare.XXXXXX)
    trap 'rm -rf "$bare"' EXIT
fi
began=$(date +%s)
lap() { echo "bare_debian: $* after $(($(date +%s) - began)) s"; }

# The system: only Python, venv and certificates on top of Debian's minimum.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -n 1)
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
    bookworm "$bare" ${mirror:+"$mirror"} >"$bare.log" 2>&1 ||
    { tail -n 20 "$bare.log" >&2; exit 1; }
rm -f "$bare.log"
lap "debootstrap done"

# This machine's way to its mirrors.
cp -L /etc/resolv.conf /etc/hosts "$bare/etc/"
for path in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/*registry* /etc/apt/auth.conf.d; do
    if [ -e "$path" ]; then cp -a "$path" "$bare$(dirname "$path")/"; fi
done
cp -L /etc/ssl/certs/ca-certificates.crt "$bare/etc/ssl/certs/"
if [ -e /etc/pip.conf ]; then cp /etc/pip.conf "$bare/etc/"; fi
for path in "$HOME/.config/pip" "$HOME/.pip"; do
    if [ -e "$path" ]; then
        mkdir -p "$bare/root/$(dirname "${path#"$HOME"/}")"
        cp -a "$path" "$bare/root/$(dirname "${path#"$HOME"/}")/"
    fi
done
# Local folders of packages that pip's settings name, under the same paths.
{ env; cat /etc/pip.conf "$HOME/.config/pip/pip.conf" 2>/dev/null || true; } |
    grep -iE '^pip_find_links=|^ *find-links *=' | sed 's/^[^=]*= *//' | tr ' ' '\n' | sort -u |
    while read -r folder; do
        if [ -d "$folder" ]; then mkdir -p "$bare$folder" && cp -a "$folder/." "$bare$folder/"; fi
    done

git clone --quiet --no-hardlinks "$repository" "$bare/src/netloom"
rm -rf "$bare/src/netloom/.git"

# inside COMMAND: in a mount and process namespace of its own, so nothing stays mounted or running.
# Only the settings of pip, certificates and proxies pass.
settings=$(env | grep -E '^(PIP_[A-Z_]*|SSL_CERT_(FILE|DIR)|(https?|no)_proxy|(HTTPS?|NO)_PROXY)=' || true)
inside() {
    oldifs=$IFS
    IFS='
'
    # shellcheck disable=SC2086
    set -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LANG=C.UTF-8 $settings /bin/sh -c "cd /src/netloom && $1"
    IFS=$oldifs
    unshare --mount --pid --fork --kill-child /bin/sh -c '
        mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$bare" "$@"
}

inside "./run"
lap "./run done"
ls -l "$bare/src/netloom/netloom-report"
for file in "$bare"/src/netloom/netloom-report/*; do
    [ -s "$file" ] || { echo "bare_debian: $file is missing or empty" >&2; exit 1; }
done
inside "./run --help" >/dev/null
lap "a second start done"
inside "CI=true ./test"
lap "./test done"
