"""Reads of Kafka and of this machine that commands share, and that the web console will."""
