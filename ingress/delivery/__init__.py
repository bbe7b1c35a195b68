"""The way of an accepted delivery to Kafka: the publisher, and the spool on disk for when Kafka does not acknowledge."""
