"""The families of Kafka topics: what is on them, their policy, and which processes write and read them.

Policies come from `schemas/topics.py`, processes from the rights that `penstock acls` prints: neither can differ from the code.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from config.model import Configuration
from console.check.acls import PROCESSES, Process, Right, rights
from providers.registry import PROVIDERS, provider
from schemas import topics
from schemas.codec import SchemaName
from schemas.typed.columns import column_table

DAY_MS: Final = topics.DAY_MS
COPIES: Final = "github.pushes"
ROUTED: Final = "vip.orders"


class Family(Struct, frozen=True):
    """Topics of one kind. `example` is one of them; `schema` is that of the values, None where they are no Avro."""

    name: str
    holds: str
    key: str
    value: str
    example: str
    schema: SchemaName | None = None
    holds_copies: bool = False


RESOURCE_KEY: Final = "the resource key"

FAMILIES: Final[tuple[Family, ...]] = (
    Family(
        topics.RAW,
        "Every verified delivery, once per acceptance.",
        "the key of the root resource, else the delivery id",
        "the body as received",
        topics.RAW,
    ),
    Family(
        "changes.<provider>.<resource>",
        "Every real change of every resource of the type, in the resource's order, unless routes say otherwise.",
        RESOURCE_KEY,
        "Avro, `Change`",
        "changes.shopify.product",
        "change",
    ),
    Family(
        "the `topic` of a route, `….high`, `….low`",
        "The changes that routes select, whole or projected, and the lanes of any topic with changes.",
        RESOURCE_KEY,
        "Avro, `Change`",
        ROUTED,
        "change",
    ),
    Family(
        "state.<provider>.<resource>",
        "The current document of every resource of the type; a record without a value (tombstone) follows a deletion.",
        RESOURCE_KEY,
        "Avro, `State`, or none",
        "state.shopify.product",
        "state",
    ),
    Family(
        topics.OUTCOMES,
        "One record per record of `webhooks.raw`: what became of it, and why.",
        "the delivery id",
        "Avro, `Outcome`",
        topics.OUTCOMES,
        "outcome",
    ),
    Family(
        topics.DEAD,
        "Every delivery whose outcome is `dead`, as received.",
        "the key of the delivery",
        "Avro, `DeadLetter`",
        topics.DEAD,
        "dead",
    ),
    Family(
        topics.PENDING,
        "Every delivery that waits for a read of its resource; a record without a value (tombstone) says that it has ended.",
        "the delivery's position",
        "Avro, `Pending`, or none",
        topics.PENDING,
        "pending",
    ),
    Family(
        'the `topic` of a route with `mode = "raw"`',
        "Copies of the records of `webhooks.raw` that the route selects, with their headers.",
        "that of the copied record",
        "the body as received",
        COPIES,
        holds_copies=True,
    ),
    Family(
        topics.changelog_topic("<app>", "seen"),
        "Penstock's own: from which the table *seen* is restored.",
        "private",
        "MessagePack, private",
        topics.changelog_topic("capture", "seen"),
    ),
    Family(
        topics.changelog_topic("<app>", "latest"),
        "Penstock's own: from which the table *latest* is restored.",
        "private",
        "MessagePack, private",
        topics.changelog_topic("capture", "latest"),
    ),
    Family(
        topics.fetches_topic("<app>"),
        "Penstock's own: requests to read a resource.",
        "the account: provider, source and tenant",
        "JSON, private",
        topics.fetches_topic("capture"),
    ),
    Family(
        ", ".join(f"`{topics.delay_topic('<app>', delay)}`" for delay in topics.DELAYS_S),
        "Penstock's own: requests that wait so long before they are tried again.",
        "the account",
        "JSON, private",
        topics.delay_topic("capture", "1m"),
    ),
    Family(
        topics.standings_topic("<app>"),
        "Penstock's own: why a resource is not read yet, and when it is tried next.",
        RESOURCE_KEY,
        "JSON, private, or none",
        topics.standings_topic("capture"),
    ),
    Family(
        topics.reconciliation_topic("<app>"),
        "Penstock's own: what is to be compared with a provider's lists, and what became of the reads that followed.",
        "the account",
        "JSON, private",
        topics.reconciliation_topic("capture"),
    ),
    Family(
        topics.progress_topic("<app>"),
        "Penstock's own: how far the comparison with each list of each account is, and its last report.",
        "the account and the list",
        "JSON, private",
        topics.progress_topic("capture"),
    ),
    Family(
        topics.listed_ids_topic("<app>"),
        "Penstock's own: the resources on each page of a complete list.",
        "the account and the list",
        "JSON, private",
        topics.listed_ids_topic("capture"),
    ),
    Family(
        topics.reports_topic("<app>"),
        "The report of every reconciliation and backfill, for each list of each account.",
        "the run",
        "JSON",
        topics.reports_topic("capture"),
    ),
)

SAMPLE: Final[Mapping[str, object]] = {
    "worker": {"app": "capture"},
    "sources": [
        {"name": "acme-shop", "provider": "shopify", "secrets": ["env:ACME_SECRET"]},
        {"name": "acme-code", "provider": "github", "secrets": ["env:CODE_SECRET"]},
        {
            "name": "acme-store",
            "provider": "bigcommerce",
            "secrets": ["env:STORE_SECRET"],
            "api_token": "env:STORE_TOKEN",
        },
    ],
    "routes": [
        {"name": "all"},
        {"name": "vip", "source": "acme-shop", "resource": "order", "topic": ROUTED},
        {"name": "copies", "source": "acme-code", "mode": "raw", "event_type": "push", "topic": COPIES},
    ],
}
"""A configuration that leads to topics of every family."""


def sample_configuration() -> Configuration:
    """Return the configuration whose rights tell who writes and who reads each family."""
    return Configuration.model_validate(SAMPLE)


def topics_section(families: Sequence[Family] = FAMILIES) -> Iterator[str]:
    """Yield the lines of the page's section about topics."""
    needed = {process: rights(sample_configuration(), process) for process in PROCESSES}
    yield "| topic | holds | key | value | policy | written by | read by |"
    yield "|---|---|---|---|---|---|---|"
    for family in families:
        name = f"`{family.name}`" if "`" not in family.name else family.name
        users = (_users(needed, family.example, operation) for operation in ("Write", "Read"))
        cells = (name, family.holds, family.key, family.value, policy(family), *users)
        yield f"| {' | '.join(cells)} |"


def types_section() -> Iterator[str]:
    """Yield the lines of the table with the resource types that have topics of their own."""
    yield "| provider | resource types |"
    yield "|---|---|"
    for name in PROVIDERS:
        types = ", ".join(_named(name, each) for each in sorted(provider(name).resource_types))
        yield f"| {name} | {types or 'those that the source lists in `options.resource_types`'} |"


def _named(provider_name: str, resource_type: str) -> str:
    is_typed = column_table(provider_name, resource_type) is not None
    return f"**`{resource_type}`**" if is_typed else f"`{resource_type}`"


def policy(family: Family) -> str:
    """Return the policy of a family's topics in words."""
    settings = topics.described(family.example, holds_copies=family.holds_copies).settings
    compacted = "compact" in settings.get("cleanup.policy", "delete")
    kept_ms = int(settings.get("retention.ms", "-1"))
    kept = f"{kept_ms // DAY_MS} days" if kept_ms >= 0 else "without limit"
    size = f"records up to {int(settings['max.message.bytes']) // (1024 * 1024)} MiB"
    if not compacted:
        return f"kept {kept}; {size}"
    return f"compacted, kept {kept}; {size}" if kept_ms >= 0 else f"compacted; {size}"


def _users(needed: Mapping[Process, Sequence[Right]], topic: str, operation: str) -> str:
    """Return the processes with a right on a topic, and consumers for the readers of public ones."""
    named = [process for process, found in needed.items() if any(_covers(right, topic, operation) for right in found)]
    commands = [name if name in {"ingress", "worker"} else f"`penstock {name}`" for name in named]
    is_public = operation == "Read" and not topic.startswith("penstock.")
    return ", ".join([*commands, *(["your consumers"] if is_public else [])]) or "nothing"


def _covers(right: Right, topic: str, operation: str) -> bool:
    if right.kind != "topic" or right.operation != operation:
        return False
    return topic == right.name if right.pattern == "literal" else topic.startswith(right.name)
