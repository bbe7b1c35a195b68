#!/usr/bin/env bash
# Install the Debian packages of nginx and HAProxy where they are missing.
set -euo pipefail

missing=()
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
"$(dirname "$0")/../support/install_debian.sh" "${missing[@]}"
