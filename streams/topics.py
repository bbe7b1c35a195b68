"""Every Kafka topic Penstock uses: name, policy, retention. Names are persisted: renaming one is a migration.

Frozen by tests/unit/test_topics.py.
"""

RAW = "webhooks.raw"
OUTCOMES = "deliveries.outcomes"
DEAD = "deliveries.dead"
