#!/usr/bin/env bash
# Install the named Debian packages, as root on Debian; elsewhere say that they are missing. Only their programs are used: no service
# starts, now or at the next boot.
set -euo pipefail

[ $# -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: $*. As root on Debian this target installs them; the tests of these will fail." >&2
    exit 0
fi

# Debian's packages start what they install, unless this file says no (invoke-rc.d(8)): 101 is "action forbidden".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

echo "installing $*"
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=120 update
apt-get -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "$@"
for package in "$@"; do
    update-rc.d "${package%-light}" disable
done
