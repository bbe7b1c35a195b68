"""docs/asyncapi.yaml: every channel, message and schema in AsyncAPI 3, for the tools that read it.

Source: AsyncAPI 3.0.0, with the Kafka bindings 0.5.0. `tests/unit/console/reference/test_asyncapi.py` validates the document with
the JSON Schema of the specification.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from console.reference.avro_schemas import SCHEMAS, TYPED, avro_path, typed_tables
from console.reference.fields import schema
from console.reference.headers import MEANINGS, written_headers
from console.reference.topics import COPIES, ROUTED
from providers.registry import PROVIDERS, provider
from schemas import topics
from schemas.codec import SCHEMA_NAMES, SchemaName
from schemas.topics import OTHER
from schemas.typed.columns import ColumnTable

Node = dict[str, Any]
"""One object of the document."""

AVRO: Final = "application/vnd.apache.avro+json;version=1.9.0"
BINDING: Final = "0.5.0"
TITLES: Final = {"changes": "Changes", "state": "Current documents"}
COMMENT: Final = "# Made by `make docs` from the code (console/reference/). Edit the code, then run it.\n"
REGISTRY_URL: Final = "http://127.0.0.1:8081/apis/ccompat/v7"  # of `penstock up`, as in config/model.py

DESCRIPTION: Final = (
    "Change data capture for webhooks. Read with `isolation.level=read_committed`. Avro values are in Confluent's wire format. "
    "Keys are `provider|source|tenant|resource type|resource id`."
)


class Channel(NamedTuple):
    """One channel: its name in the document, its address, a title, the messages on it, and one topic that it covers.

    `parameters` names the address's parameters, each with its name among the components.
    """

    name: str
    address: str
    title: str
    messages: Sequence[str]
    example: str
    parameters: Mapping[str, str] = {}
    holds_copies: bool = False


def asyncapi_document() -> Node:
    """Return the document as plain values."""
    channels = list(_channels())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Penstock",
            "version": version("penstock"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "servers": {"local": _server()},
        "channels": {channel.name: _channel(channel) for channel in channels},
        "operations": {f"send_{channel.name}": _operation(channel) for channel in channels},
        "components": {
            "messages": dict(_messages()),
            "parameters": dict(_parameters()),
            "schemas": dict(_schemas()),
        },
    }


def asyncapi_text() -> str:
    """Return docs/asyncapi.yaml."""
    import yaml  # of the group dev: only `make docs` and the tests write the document

    return COMMENT + str(yaml.safe_dump(asyncapi_document(), sort_keys=False, allow_unicode=True, width=120))


def _server() -> Node:
    registry = {"schemaRegistryUrl": REGISTRY_URL, "schemaRegistryVendor": "apicurio", "bindingVersion": BINDING}
    return {
        "host": "127.0.0.1:9092",
        "protocol": "kafka",
        "description": "Kafka and registry of `penstock up`; elsewhere your own.",
        "bindings": {"kafka": registry},
    }


def _channels() -> Iterator[Channel]:
    yield Channel("webhooks_raw", topics.RAW, "Every verified delivery, as received", ["Delivery"], topics.RAW)
    for name in PROVIDERS:
        resource = {"resource": f"{name}_resource"}
        for kind, message in (("changes", "Change"), ("state", "State")):
            address, example = f"{kind}.{name}.{{resource}}", f"{kind}.{name}.{OTHER}"
            typed = [message_name(each, message) for each in typed_tables() if each.provider == name]
            yield Channel(f"{kind}_{name}", address, f"{TITLES[kind]} of {name}", [*typed, message], example, resource)
    route = {"topic": "routed_topic"}
    all_changes = [*(message_name(each, "Change") for each in typed_tables()), "Change"]
    yield Channel("routed_changes", "{topic}", "Changes that routes select, and lanes", all_changes, ROUTED, route)
    copy = {"topic": "copied_topic"}
    yield Channel("copied_deliveries", "{topic}", "Deliveries that raw routes copy", ["Delivery"], COPIES, copy, True)
    yield Channel("outcomes", topics.OUTCOMES, "What became of each delivery", ["Outcome"], topics.OUTCOMES)
    yield Channel("dead_letters", topics.DEAD, "Deliveries that could not be processed", ["DeadLetter"], topics.DEAD)
    yield Channel("pending", topics.PENDING, "Deliveries that wait for a read", ["Pending"], topics.PENDING)


def _parameters() -> Iterator[tuple[str, Node]]:
    for name in PROVIDERS:
        yield f"{name}_resource", _resource(sorted(provider(name).resource_types))
    yield "routed_topic", {"description": "The `topic` of a route, or a topic with changes and `.high` or `.low`."}
    yield "copied_topic", {"description": 'The `topic` of a route with `mode = "raw"`.'}


def _resource(own: list[str]) -> Node:
    if own:
        return {"description": f"The resource type; those not listed share `{OTHER}`.", "enum": [*own, OTHER]}
    return {"description": f"One of the source's `options.resource_types`, or `{OTHER}`.", "examples": [OTHER]}


def _channel(channel: Channel) -> Node:
    found: Node = {
        "address": channel.address,
        "title": channel.title,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in channel.messages},
    }
    if channel.parameters:
        named = channel.parameters.items()
        found["parameters"] = {name: {"$ref": f"#/components/parameters/{component}"} for name, component in named}
    settings = topics.described(channel.example, holds_copies=channel.holds_copies).settings
    policy: Node = {"cleanup.policy": settings.get("cleanup.policy", "delete").split(",")}
    policy |= {key: int(settings[key]) for key in ("retention.ms", "max.message.bytes") if key in settings}
    return found | {"bindings": {"kafka": {"topicConfiguration": policy, "bindingVersion": BINDING}}}


def _operation(channel: Channel) -> Node:
    return {"action": "send", "channel": {"$ref": f"#/channels/{channel.name}"}}


def _messages() -> Iterator[tuple[str, Node]]:
    """Yield each message: a delivery as received, and the Avro records."""
    key = {"key": {"type": "string"}, "bindingVersion": BINDING}
    yield (
        "Delivery",
        {
            "summary": "A delivery: the body as the provider sent it.",
            "headers": {"$ref": "#/components/schemas/DeliveryHeaders"},
            "payload": {"description": "The exact bytes of the body, mostly JSON."},
            "bindings": {"kafka": key},
        },
    )
    in_payload = {"schemaIdLocation": "payload", "schemaIdPayloadEncoding": "confluent"}
    for name in SCHEMA_NAMES:
        record = schema(name)
        yield (
            record["name"],
            {
                "summary": record["doc"],
                "contentType": "application/vnd.apache.avro",
                "payload": {"$ref": f"#/components/schemas/{record['name']}"},
                "bindings": {"kafka": {**key, **in_payload}},
            },
        )

    for table in typed_tables():
        for name in TYPED:
            yield message_name(table, name.capitalize()), _typed_message(table, name, {**key, **in_payload})


def _typed_message(table: ColumnTable, name: SchemaName, kafka: Node) -> Node:
    """Return the message of a topic with typed documents; its schema is a file of its own, because there are many."""
    record = schema(name)
    file = SCHEMAS / avro_path(table, name)
    return {
        "summary": f"{record['doc']} Documents are records of a {table.resource.replace('_', ' ')}.",
        "contentType": "application/vnd.apache.avro",
        "payload": {"schemaFormat": AVRO, "schema": {"$ref": f"./{file.as_posix()}"}},
        "bindings": {"kafka": kafka},
    }


def message_name(table: ColumnTable, record: str) -> str:
    """Return the name of a resource's message, such as ShopifyOrderLineItemChange."""
    words = f"{table.provider}_{table.resource}".split("_")
    return "".join(word.capitalize() for word in words) + record


def _schemas() -> Iterator[tuple[str, Node]]:
    examples = written_headers()
    headers = {name: _header(name, examples.get(name)) for name in MEANINGS}
    yield "DeliveryHeaders", {"type": "object", "properties": headers}
    for name in SCHEMA_NAMES:
        yield _avro(name)


def _header(name: str, example: str | None) -> Node:
    return {"type": "string", "description": MEANINGS[name], **({} if example is None else {"examples": [example]})}


def _avro(name: SchemaName) -> tuple[str, Node]:
    record = schema(name)
    return record["name"], {"schemaFormat": AVRO, "schema": record}
