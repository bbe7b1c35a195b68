"""Penstock on one machine: a real Kafka and registry without Docker, and `penstock up`."""
