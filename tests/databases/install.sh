#!/usr/bin/env bash
# Install Debian's PostgreSQL and Prometheus where they are missing. No cluster is made: the tests make theirs.
set -euo pipefail

missing=()
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
command -v promtool >/dev/null || missing+=(prometheus)

# Debian's package makes a cluster named main, unless this file says no (createcluster.conf in postgresql-common).
clusters=/etc/postgresql-common/createcluster.conf
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && [ ! -e "$clusters" ]; then
    mkdir -p "$(dirname "$clusters")"
    echo 'create_main_cluster = false' >"$clusters"
fi
"$(dirname "$0")/../support/install_debian.sh" "${missing[@]}"
