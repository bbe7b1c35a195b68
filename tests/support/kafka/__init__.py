"""A real Kafka and registry for tests, and reading what is on them."""
