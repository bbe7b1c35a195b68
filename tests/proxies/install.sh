#!/usr/bin/env bash
# Install the Debian packages of nginx and HAProxy where they are missing; only their programs are used, no service starts.
set -euo pipefail

missing=()
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}. As root on Debian this target installs them; the tests of these proxies will fail." >&2
    exit 0
fi

# Debian's packages start what they install, unless this file says no (invoke-rc.d(8)): 101 is "action forbidden".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=120 update
apt-get -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "${missing[@]}"
for package in "${missing[@]}"; do
    update-rc.d "${package%-light}" disable  # nor at the next boot
done
