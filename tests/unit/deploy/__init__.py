"""Tests of what is in `deploy/`, without a cluster, Helm or a running systemd."""
