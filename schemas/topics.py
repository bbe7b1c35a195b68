"""Every Kafka topic Penstock uses: name, policy, retention. Names are persisted: renaming one is a migration.

Frozen by tests/unit/schemas/test_topics.py.
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal, get_args

from msgspec import Struct

RAW = "webhooks.raw"
OUTCOMES = "deliveries.outcomes"
DEAD = "deliveries.dead"
OTHER = "other"  # ends the topics of resource types that have none of their own

TableName = Literal["seen", "latest"]
TABLE_NAMES: Final[tuple[TableName, ...]] = get_args(TableName)
"""The pipeline's tables; each has a changelog."""

Priority = Literal["high", "default", "low"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""The lanes, the first to be read first."""

DAY_MS = 24 * 60 * 60 * 1000
RAW_RETENTION_MS = 14 * DAY_MS  # longer than any provider retries, long enough to replay after a bug fix
SEEN_DAYS = 7  # the most patient provider retries for 3 days; GitHub Enterprise redelivers up to 7
# The largest body (GitHub, 25 MB) with key, headers and the frame of the batch.
RAW_RECORD_BYTES = 26 * 1024 * 1024

MAX_RECORD_BYTES = 60 * 1024 * 1024  # a change holds two documents of up to 25 MB, and JSON escapes


class Topic(Struct, frozen=True):
    """One topic and its policy."""

    name: str
    settings: Mapping[str, str]


def topic_part(resource_type: str, own: Collection[str]) -> str:
    """Return how the topics of a resource type end: as the type, if it is one of those with topics of their own.

    `own` is a provider's finite `resource_types`. All others share `other`, for the names of some come from headers that
    are not signed: one captured body under a thousand names would make a thousand topics (decision 0015).
    """
    return resource_type if resource_type in own else OTHER


def changes_topic(provider: str, resource_type: str, own: Collection[str]) -> str:
    """Return the topic for changes of one provider's resource; `own` as in `topic_part`."""
    return f"changes.{provider}.{topic_part(resource_type, own)}"


def state_topic(provider: str, resource_type: str, own: Collection[str]) -> str:
    """Return the compacted topic with the current documents of one provider's resource; `own` as in `topic_part`."""
    return f"state.{provider}.{topic_part(resource_type, own)}"


def lane_topic(topic: str, priority: Priority) -> str:
    """Return the topic of one lane beside a topic that a route leads to; the default lane is that topic itself.

    No other topic has such a name: no resource type with topics of its own is called like a lane, and the configuration
    refuses topics that end so.
    """
    return topic if priority == "default" else f"{topic}.{priority}"


def lane(topic: str) -> Priority:
    """Return which lane a topic with changes is."""
    return next((name for name in PRIORITIES if topic.endswith(f".{name}")), "default")


def changelog_topic(app: str, table: str) -> str:
    """Return the topic that one of the pipeline's tables is restored from."""
    return f"penstock.{app}.{table}-changelog"


def raw_record_bytes(body_limit_bytes: int) -> int:
    """Return the size of the largest record that the raw topic has to take: a body, its key and headers."""
    return max(RAW_RECORD_BYTES, body_limit_bytes + 1024 * 1024)


def described(name: str, seen_days: int = SEEN_DAYS, *, holds_copies: bool = False) -> Topic:
    """Return a topic with its policy; topics that a route names, and lanes, keep records like `changes.*`.

    `seen_days` is how long the table *seen* keeps a row, and so its changelog. A raw route's topic holds copies of
    `webhooks.raw`, and keeps them as long.
    """
    size = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    if holds_copies:
        return Topic(name, {"retention.ms": str(RAW_RETENTION_MS), **size})
    if name == RAW:
        return Topic(name, {"retention.ms": str(RAW_RETENTION_MS), "max.message.bytes": str(RAW_RECORD_BYTES)})
    if name.endswith(".seen-changelog"):
        kept = {"cleanup.policy": "compact,delete", "retention.ms": str(seen_days * DAY_MS)}
        return Topic(name, {**kept, "segment.ms": str(DAY_MS), **size})  # only whole log segments go
    if name.startswith("state.") or name.endswith("-changelog"):
        return Topic(name, {"cleanup.policy": "compact", **size})
    return Topic(name, {"retention.ms": "-1", **size})
