"""Generates docs/configuration.md from the model of `penstock.toml`: `make docs` writes it, a unit test fails if it is stale.

Keys, types, defaults, limits and meanings come from the JSON Schema of the model, so they cannot differ from the validation.
Written by hand here: an example of each table (a test loads them all), units that the key's name does not tell, how a running
process handles a change, and the environment variables.
"""

import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from config.loading import json_schema
from config.model import (
    Echoes,
    GenericOptions,
    Hydration,
    Ingress,
    Kafka,
    ObjectStore,
    Pause,
    Reconcile,
    Registry,
    Route,
    SecretReference,
    Source,
    Warehouse,
    Worker,
)

Schema = Mapping[str, Any]
"""A JSON Schema, or the part of it for one key."""

SUFFIXES = {"_bytes": "bytes", "_s": "seconds", "_days": "days", "_h": "hours"}
UNITS = {"rate_limit": "deliveries per second", "burst": "deliveries", "max_concurrent": "deliveries"}
SIZES = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}

INTRODUCTION = """\
# Configuration

<!-- Made by `make docs` from config/model.py and config/reference.py. Edit those. -->

Everything that is configured stands in one file, `penstock.toml`. Unknown keys and wrong values are errors, each with its line:
`penstock check` shows them all, and `penstock check --online` also asks Kafka and the schema registry. Paths in the file are
relative to its folder. A secret is written as a reference: `env:NAME` names an environment variable, `file:PATH` a file that
holds the secret. `text:SECRET` is the secret itself, for tests and demos.
"""


class Table(Struct, frozen=True):
    """One table of the file: its title, its model, how a running process handles a change, and an example."""

    title: str
    model: type[BaseModel]
    reload: str
    example: str


class Variable(Struct, frozen=True):
    """An environment variable: which processes read it and what it means."""

    name: str
    readers: str
    meaning: str


TABLES: Sequence[Table] = (
    Table(
        "`[kafka]`",
        Kafka,
        "Read at the start: restart ingress and workers after a change. Topics that exist stay as they are. "
        "Recipes for TLS and logins are in [Kafka](kafka.md).",
        """\
[kafka]
bootstrap_servers = "kafka-1:9093,kafka-2:9093,kafka-3:9093"
replication_factor = 3
min_insync_replicas = 2
[kafka.options]
security.protocol = "SASL_SSL"
sasl.mechanism = "SCRAM-SHA-512"
sasl.username = "penstock"
sasl.password = "file:secrets/kafka"
""",
    ),
    Table(
        "`[registry]`",
        Registry,
        "Read at the start: restart the workers after a change. Only workers and commands use the registry.",
        """\
[registry]
url = "https://registry.example.com"
username = "penstock"
password = "env:REGISTRY_PASSWORD"
tls_ca = "certificates/ca.pem"
""",
    ),
    Table(
        "`[[sources]]`",
        Source,
        "The ingress follows these tables: a change takes effect within seconds, or at SIGHUP, without a restart "
        "([operations](operations.md#sources-change-while-the-ingress-runs)). Workers read `paused`, `options` and what "
        "concerns the API at their start: restart them after a change of those; a token in a file may be renewed at any time.",
        """\
[[sources]]
name = "acme-shop"
provider = "shopify"
secrets = ["env:ACME_SECRET", { ref = "file:secrets/acme-old", until = 2026-12-31 }]
allow = ["203.0.113.0/24"]
rate_limit = 100
burst = 500
tenants = ["shop-a.myshopify.com", "shop-b.myshopify.com"]
""",
    ),
    Table(
        "`paused` of `[[sources]]`",
        Pause,
        "The ingress follows them like the source, but only workers use them: restart these after a change. A text in the list "
        "is the `resource` of a table.",
        """\
[[sources]]
name = "our-app"
provider = "shopify"
secrets = ["env:APP_SECRET"]
paused = ["product", { tenant = "shop-b.myshopify.com" }, { tenant = "shop-c.myshopify.com", resource = "order" }]
""",
    ),
    Table(
        "`secrets` of `[[sources]]`",
        SecretReference,
        "The ingress follows them like the source, and the files that they name, too: new content is used within seconds. "
        "An environment variable cannot change while a process runs.",
        """\
[[sources]]
name = "acme-code"
provider = "github"
secrets = [
    "file:secrets/github",                             # the first one signs what `penstock send` sends
    { ref = "file:secrets/github-old", until = 2026-12-31 },
]
""",
    ),
    Table(
        "`options` of `[[sources]]`",
        GenericOptions,
        "The ingress follows them like the source. Workers read them at their start: restart them after a change.",
        """\
[[sources]]
name = "help-desk"
provider = "generic"
secrets = ["env:DESK_SECRET"]
[sources.options]
signature_header = "x-desk-signature"
prefix = ""
encoding = "base64"
type_path = "ticket.kind"
time_path = ["ticket.changed_at", "happened_at"]
volatile = ["ticket.views", "ticket.seen_at"]
resource_types = ["ticket", "price_list"]
""",
    ),
    Table(
        "`echoes` of `[[sources]]`",
        Echoes,
        "The ingress follows it like the source; workers read it at their start: restart them after a change. "
        "[Echoes](echoes.md) explains it.",
        """\
[[sources]]
name = "acme-shop"
provider = "shopify"
secrets = ["env:ACME_SECRET"]
echoes = { token = "file:secrets/acme-writes" }

[[sources]]
name = "acme-code"
provider = "github"
secrets = ["file:secrets/github"]
echoes = { sender_ids = [41898282] }

[[sources]]
name = "acme-pay"
provider = "stripe"
secrets = ["env:STRIPE_SECRET"]
echoes = { idempotency_key_prefixes = ["acme-sync-"] }
""",
    ),
    Table(
        "`[[routes]]`",
        Route,
        "Read at the start: restart the workers after a change. [Routes](routes.md) explains them with examples.",
        """\
[[routes]]
name = "vip-orders"
resource = "order"
filter = "customer.tags:VIP"
include_fields = ["total_price", "line_items.sku"]
operations = ["c", "u"]
topic = "vip.orders"
priority = "high"
""",
    ),
    Table(
        "`[worker]`",
        Worker,
        "Read at the start: restart the workers after a change.",
        """\
[worker]
app = "capture"
seen_days = 14
operations_host = "0.0.0.0"
""",
    ),
    Table(
        "`[hydration]`",
        Hydration,
        "Read at the start: restart the workers after a change. [Reading](reading.md) explains it.",
        """\
[[sources]]
name = "our-store"
provider = "bigcommerce"
secrets = ["env:STORE_SECRET"]
api_tokens = { abc123 = "file:secrets/store-abc123", def456 = "file:secrets/store-def456" }
hydrate = ["product", "order"]

[hydration]
max_attempts = 10
max_age_h = 24
""",
    ),
    Table(
        "`[reconcile]`",
        Reconcile,
        "Read at the start: restart the workers after a change. [Reconciliation](reconciliation.md) explains it.",
        """\
[[sources]]
name = "our-store"
provider = "bigcommerce"
secrets = ["env:STORE_SECRET"]
tenants = ["abc123"]
api_token = "file:secrets/store"
reconcile = ["product", "order"]

[reconcile]
daily_at = "04:30"
complete_every_days = 1
""",
    ),
    Table(
        "`[ingress]`",
        Ingress,
        "Read at the start: restart the ingress after a change. A renewed certificate or key in the same file is used "
        "within seconds.",
        """\
[ingress]
trusted_proxies = ["10.0.0.0/8"]
max_concurrent = 5000
spool_bytes = 4_294_967_296
tls_certificate = "certificates/ingress.pem"
tls_key = "certificates/ingress.key"
lame_duck_s = 15
""",
    ),
    Table(
        "`[warehouse]`",
        Warehouse,
        "Read at the start: restart `penstock load` after a change. See [warehouse](warehouse.md).",
        """\
[warehouse]
engine = "ducklake"
path = "warehouse"
batch_s = 1
""",
    ),
    Table(
        "`[warehouse.s3]`",
        ObjectStore,
        "Read at the start: restart `penstock load` after a change. "
        "See [warehouse](warehouse.md#ducklake-on-postgresql-and-an-object-store).",
        """\
[warehouse]
engine = "ducklake"
dsn = "host=db.internal dbname=lake user=penstock"
password = "env:LAKE_PASSWORD"
data = "s3://acme-lake/penstock"

[warehouse.s3]
access_key = "env:S3_ACCESS_KEY"
secret_key = "env:S3_SECRET_KEY"
region = "eu-central-1"
""",
    ),
)

VARIABLES: Sequence[Variable] = (
    Variable(
        "PENSTOCK_CONFIG", "every command",
        "The file, as `--config`. Default: `./penstock.toml`, else the demo of `penstock up`.",
    ),
    Variable("PENSTOCK_DATA_DIR", "every command", "The data directory, as `--data-dir`. Default: `.penstock`."),
    Variable("PENSTOCK_KAFKA_BOOTSTRAP_SERVERS", "every command", "Replaces `bootstrap_servers` of `[kafka]`."),
    Variable("PENSTOCK_REGISTRY_URL", "every command", "Replaces `url` of `[registry]`."),
    Variable("PENSTOCK_INGRESS_REUSE_PORT", "`ingress`", "`1`: other instances may share the port, as `--reuse-port`."),
    Variable("PENSTOCK_INGRESS_WORKERS", "`ingress`", "Removed, and refused where it is set: start several instances."),
    Variable(
        "PENSTOCK_INGRESS_OPERATIONS_HOST", "`ingress`",
        "The address of `/metrics`, `/healthz` and `/readyz`, as `--operations-host`. Default: `127.0.0.1`.",
    ),
    Variable("PENSTOCK_INGRESS_OPERATIONS_PORT", "`ingress`", "Their port, as `--operations-port`. Default: 9464."),
    Variable("PENSTOCK_INGRESS_LAME_DUCK", "`ingress`", "Replaces `lame_duck_s` of `[ingress]`, as `--lame-duck`."),
    Variable("PENSTOCK_WORKER_ID", "`worker`", "The worker's id, as `--worker-id`. Default: the host's name and `-0`."),
    Variable("PENSTOCK_WORKER_OPERATIONS_HOST", "`worker`", "Replaces `operations_host` of `[worker]`, as `--operations-host`."),
    Variable("PENSTOCK_WORKER_OPERATIONS_PORT", "`worker`", "Replaces `operations_port` of `[worker]`, as `--operations-port`."),
    Variable("PENSTOCK_LOADER_OPERATIONS_HOST", "`load`", "Replaces `operations_host` of `[warehouse]`, as `--operations-host`."),
    Variable("PENSTOCK_LOADER_OPERATIONS_PORT", "`load`", "Replaces `operations_port` of `[warehouse]`, as `--operations-port`."),
    Variable("PENSTOCK_URL", "`send`", "The ingress to post to, as `--url`."),
    Variable("PENSTOCK_CACHE", "`up`", "The folder for downloads of Kafka and the registry. Default: the user's cache folder."),
    Variable("PENSTOCK_MAVEN_URL", "`up`", "A mirror of Maven Central to download them from."),
    Variable("XDG_CACHE_HOME", "`up`", "The user's cache folder. Default: `~/.cache`."),
    Variable("JAVA_HOME", "`up`", "A Java to use instead of the one that is installed with `penstock[local]`."),
)  # fmt: skip


def configuration_page() -> str:
    """Return docs/configuration.md."""
    schema = json_schema()
    sections = (_section(table, schema["$defs"][table.model.__name__]) for table in TABLES)
    return "\n".join([INTRODUCTION, *sections, *_environment()])


def undescribed() -> list[str]:
    """Return the keys, as `Table.key`, that have no description in the model."""
    tables = json_schema()["$defs"]
    return [
        f"{table.model.__name__}.{key}"
        for table in TABLES
        for key, value in tables[table.model.__name__]["properties"].items()
        if "description" not in value
    ]


def _section(table: Table, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = (_row(key, value, is_required=key in required) for key, value in schema["properties"].items())
    lines = [
        f"## {table.title}",
        "",
        _meaning(table.model),
        "",
        table.reload,
        "",
        "| key | type | default | unit | allowed | meaning |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "```toml",
        table.example.rstrip(),
        "```",
        "",
    ]
    return "\n".join(lines)


def _meaning(model: type[BaseModel]) -> str:
    """Return the model's docstring without the name of the table before it."""
    text = " ".join((inspect.getdoc(model) or "").split())
    _, separator, rest = text.partition("`: ")
    meaning = rest if separator and text.startswith("`[") else text
    return meaning[0].upper() + meaning[1:]


def _row(key: str, schema: Schema, *, is_required: bool) -> str:
    default = "required" if is_required else _default(schema["default"], _unit(key))
    cells = (f"`{key}`", _kind(schema), default, _unit(key), "; ".join(_allowed(schema)), schema.get("description", ""))
    return f"| {' | '.join(cells)} |"


def _unit(key: str) -> str:
    by_suffix = (unit for suffix, unit in SUFFIXES.items() if key.endswith(suffix))
    return UNITS.get(key) or next(by_suffix, "")


def _default(value: object, unit: str) -> str:
    if value is None:
        return "not set"
    if unit == "bytes" and isinstance(value, int):
        return f"`{value}` ({_size(value)})"
    return f"`{json.dumps(value)}`"


def _kind(schema: Schema) -> str:
    """Return the type of value to write after the equals sign."""
    if "anyOf" in schema:
        kinds = dict.fromkeys(_kind(choice) for choice in schema["anyOf"] if choice.get("type") != "null")
        return "number" if set(kinds) == {"integer", "number"} else " or ".join(kinds)
    if "$ref" in schema:
        return "table"
    match schema.get("type"):
        case "array":
            return f"list of {_plural(_kind(schema['items']))}"
        case "object":
            return "table of strings"
        case kind:
            return "date" if schema.get("format") == "date" else str(kind)


def _plural(kinds: str) -> str:
    return " or ".join(f"{kind}s" for kind in kinds.split(" or "))


def _allowed(schema: Schema) -> Iterator[str]:
    """Yield each limit on the value once."""
    yield from dict.fromkeys(_limits(schema))


def _limits(schema: Schema) -> Iterator[str]:
    for part in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
        yield from _limits(part)
    if "enum" in schema:
        yield ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "x-expected" in schema:
        yield schema["x-expected"]
    least, most = schema.get("minimum", schema.get("ge")), schema.get("maximum", schema.get("le"))  # ge: of a union
    if least is not None and most is not None:
        yield f"{least:,} to {most:,}"


def _size(count: int) -> str:
    return next((f"{count // size} {name}" for name, size in SIZES.items() if count % size == 0), f"{count:,}")


def _environment() -> Iterator[str]:
    yield "## Environment variables\n"
    yield "An option on the command line wins over its variable, and a variable over the file.\n"
    yield "| variable | read by | meaning |\n|---|---|---|"
    yield from (f"| `{variable.name}` | {variable.readers} | {variable.meaning} |" for variable in VARIABLES)
    yield "\nThe variables of the compose file are in `.env.example`.\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(configuration_page(), encoding="utf-8")
