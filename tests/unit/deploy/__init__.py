"""Tests of `deploy/`, without a cluster, Helm or a running systemd."""
