"""Publishes accepted deliveries to Kafka, and spools them on disk while Kafka does not acknowledge."""
