"""Prints every change of a topic, with Faust: `TOPIC=changes.shopify.product faust -A faust_changes worker`.

`exactly_once` makes Faust read committed records only and commit its offsets in a transaction. Records are compressed with LZ4,
for which aiokafka needs `pip install aiokafka[lz4]`.
"""

import os
from typing import Any

import faust
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

KAFKA = os.environ.get("KAFKA", "127.0.0.1:9092")
REGISTRY = os.environ.get("REGISTRY", "http://127.0.0.1:8081/apis/ccompat/v7")
TOPIC = os.environ.get("TOPIC", "changes.shopify.product")


class RegistryAvro(faust.Codec):
    """Decodes Avro in Confluent's wire format with the schema that the registry has for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._deserialize = AvroDeserializer(SchemaRegistryClient({"url": REGISTRY}))

    def _loads(self, message: bytes) -> Any:
        return self._deserialize(message, SerializationContext(TOPIC, MessageField.VALUE))


app = faust.App(
    os.environ.get("GROUP", "example-faust"),
    broker=f"kafka://{KAFKA}",
    processing_guarantee="exactly_once",
    topic_disable_leader=True,
)
changes = app.topic(TOPIC, key_serializer="raw", value_serializer=RegistryAvro())


@app.agent(changes)
async def print_changes(stream: faust.StreamT[dict[str, Any]]) -> None:
    """Print each change; Faust's worker makes a line of its log of it."""
    async for change in stream:
        print(f"{change['event_id']} {change['op']} {change['resource_id']} {','.join(change['changed'])}")
