"""Prints every change of a topic, with confluent-kafka: `python changes.py changes.shopify.product`.

The group's offsets are committed after the work: a crash repeats a few changes, never skips one. Where a repetition matters,
store `event_id`: the same change always has the same.
"""

import os
import sys

from confluent_kafka import DeserializingConsumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer

KAFKA = os.environ.get("KAFKA", "127.0.0.1:9092")
REGISTRY = os.environ.get("REGISTRY", "http://127.0.0.1:8081/apis/ccompat/v7")
GROUP = os.environ.get("GROUP", "example")


def main(topic: str) -> None:
    """Print the changes of a topic until Ctrl-C."""
    consumer = DeserializingConsumer(
        {
            "bootstrap.servers": KAFKA,
            "group.id": GROUP,
            "isolation.level": "read_committed",  # without it, a change of a transaction that was aborted is seen, too
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "value.deserializer": AvroDeserializer(SchemaRegistryClient({"url": REGISTRY})),
        }
    )
    consumer.subscribe([topic])
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            change = message.value()
            print(change["event_id"], change["op"], change["resource_id"], ",".join(change["changed"]), flush=True)
            consumer.commit(message=message, asynchronous=False)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main(sys.argv[1])
