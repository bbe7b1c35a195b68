"""What every process has: Kafka clients, what they write into the log, and a port for operations."""
