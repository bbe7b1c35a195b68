"""A real Kafka and registry for tests, and readers of their contents."""
