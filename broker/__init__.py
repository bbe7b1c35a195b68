"""Kafka for every stage: its clients, and what they write into the log."""
