"""Infrastructure shared by every process: Kafka clients, schema registry, retry policy, log and operations port."""
