"""The ingress: verifies a delivery, stores it on Kafka and answers."""
