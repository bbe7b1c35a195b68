"""Tests of Kafka's clients."""
