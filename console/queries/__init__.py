"""Reads of Kafka and of this machine, shared by the commands and the future web console."""
