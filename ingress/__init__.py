"""The door: verifies a delivery, keeps it on Kafka, answers."""
