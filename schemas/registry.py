"""The schema registry, over its Confluent-compatible HTTP interface: register what is written, look up what is read."""

from typing import Any

import structlog
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas import codec
from schemas.codec import SchemaName
from schemas.records import Document

COMPATIBILITY = "BACKWARD_TRANSITIVE"  # a consumer with the newest schema can read every record ever written

log = structlog.get_logger()


class RegistryFault(Exception):
    """The registry is away, or refuses a schema; the message says which subject and what to do."""


class Registry:
    """One schema registry; ids and schemas are looked up once and kept."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = SchemaRegistryClient({"url": url, "timeout": 10})
        self._prefixes: dict[tuple[str, SchemaName], bytes] = {}
        self._schemas: dict[int, Any] = {}

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def prefix(self, topic: str, name: SchemaName) -> bytes:
        """Return the wire prefix for values of a topic, registering the schema under `<topic>-value` the first time."""
        known = self._prefixes.get((topic, name))
        if known is None:
            known = self._prefixes[topic, name] = codec.wire_prefix(self.register(f"{topic}-value", name))
        return known

    def register(self, subject: str, name: SchemaName) -> int:
        """Register one of Penstock's schemas under a subject, checked as BACKWARD_TRANSITIVE, and return its id."""
        try:
            schema_id = self._client.register_schema(subject, Schema(codec.schema_text(name), "AVRO"))
            self._client.set_compatibility(subject, level=COMPATIBILITY)
        except (SchemaRegistryError, OSError) as error:
            raise RegistryFault(f"registering {name} as {subject} at {self._url}: {error}") from error
        log.debug("schema_registered", subject=subject, schema_id=schema_id)
        return int(schema_id)

    def decode(self, message: bytes) -> Document:
        """Return the record that a wire-format message holds; ValueError when it is none, RegistryFault when unknown."""
        schema_id = codec.schema_id(message)
        schema = self._schemas.get(schema_id)
        if schema is None:
            schema = self._schemas[schema_id] = self._fetch(schema_id)
        return codec.decode(message, schema)

    def _fetch(self, schema_id: int) -> Any:
        try:
            return codec.parse_schema(str(self._client.get_schema(schema_id).schema_str))
        except (SchemaRegistryError, OSError) as error:
            raise RegistryFault(f"looking up schema {schema_id} at {self._url}: {error}") from error
