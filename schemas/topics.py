"""Every Kafka topic that Penstock uses: name, policy, retention. Names are persisted: renaming one is a migration.

Frozen by tests/unit/schemas/test_topics.py.
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal, get_args

from msgspec import Struct

RAW = "webhooks.raw"
OUTCOMES = "deliveries.outcomes"
DEAD = "deliveries.dead"
PENDING = "deliveries.pending"
OTHER = "other"  # suffix of the shared topics, for resource types without topics of their own

TableName = Literal["seen", "latest"]
TABLE_NAMES: Final[tuple[TableName, ...]] = get_args(TableName)
"""The pipeline's tables; each has a changelog."""

Priority = Literal["high", "default", "low"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""The lanes in reading order."""

DAY_MS = 24 * 60 * 60 * 1000
RAW_RETENTION_MS = 14 * DAY_MS  # longer than any provider retries, long enough to replay after a bug fix
FETCH_RETENTION_MS = 31 * DAY_MS  # longer than the longest `max_age_h`, after which what waits is dead
REPORT_RETENTION_MS = 400 * DAY_MS  # a year, and a month to look back over it
SEEN_DAYS = 7  # the longest provider retry takes 3 days; GitHub Enterprise redelivers for up to 7
# The largest body (GitHub, 25 MB) with key, headers and batch overhead.
RAW_RECORD_BYTES = 26 * 1024 * 1024

DELAYS_S: Final[Mapping[str, int]] = {"1m": 60, "10m": 600, "1h": 3_600}
"""The delays of topics on which requests wait, by the end of the topic's name."""

MAX_RECORD_BYTES = 60 * 1024 * 1024  # a change holds two documents of up to 25 MB, plus JSON escapes


class Topic(Struct, frozen=True):
    """One topic and its policy."""

    name: str
    settings: Mapping[str, str]


def topic_part(resource_type: str, own: Collection[str]) -> str:
    """Return the topic suffix of a resource type: the type itself if it is in `own`, else `other`.

    `own` is a provider's finite `resource_types`. All others share `other`, because some type names come from unsigned
    headers: one captured body under a thousand names would create a thousand topics (decision 0015).
    """
    return resource_type if resource_type in own else OTHER


def changes_topic(provider: str, resource_type: str, own: Collection[str]) -> str:
    """Return the topic for changes of one provider's resource; `own` as in `topic_part`."""
    return f"changes.{provider}.{topic_part(resource_type, own)}"


def state_topic(provider: str, resource_type: str, own: Collection[str]) -> str:
    """Return the compacted topic with the current documents of one provider's resource; `own` as in `topic_part`."""
    return f"state.{provider}.{topic_part(resource_type, own)}"


def lane_topic(topic: str, priority: Priority) -> str:
    """Return the topic of one lane of a route's topic; the default lane is that topic itself.

    No other topic has such a name: no resource type with its own topics is named like a lane, and the configuration
    rejects topics with such a suffix.
    """
    return topic if priority == "default" else f"{topic}.{priority}"


def lane(topic: str) -> Priority:
    """Return the lane of a topic with changes."""
    return next((name for name in PRIORITIES if topic.endswith(f".{name}")), "default")


def changelog_topic(app: str, table: str) -> str:
    """Return the topic from which one of the pipeline's tables is restored."""
    return f"penstock.{app}.{table}-changelog"


def fetches_topic(app: str) -> str:
    """Return the topic of the requests to read a resource, keyed by account."""
    return f"penstock.{app}.fetches"


def delay_topic(app: str, delay: str) -> str:
    """Return the topic of requests that wait for one of `DELAYS_S` before they are tried again."""
    return f"penstock.{app}.fetches.{delay}"


def standings_topic(app: str) -> str:
    """Return the topic that says, by resource, why it is not read yet."""
    return f"penstock.{app}.fetch-standings"


def hydration_topics(app: str) -> list[str]:
    """Return the topics of the hydration alone: requests, those that wait, and why."""
    return [fetches_topic(app), *(delay_topic(app, delay) for delay in DELAYS_S), standings_topic(app)]


def reconciliation_topic(app: str) -> str:
    """Return the inbox of reconciliation: what is to be compared, keyed by account, and what became of reads."""
    return f"penstock.{app}.reconcile"


def progress_topic(app: str) -> str:
    """Return the topic with the progress of each list of each account."""
    return f"penstock.{app}.reconcile-progress"


def listed_ids_topic(app: str) -> str:
    """Return the topic with the ids of the pages of complete lists that are under way."""
    return f"penstock.{app}.reconcile-ids"


def reports_topic(app: str) -> str:
    """Return the topic with the report of every reconciliation and backfill."""
    return f"penstock.{app}.reconcile-reports"


def reconciliation_topics(app: str) -> list[str]:
    """Return the topics of reconciliation and backfill alone."""
    return [reconciliation_topic(app), progress_topic(app), listed_ids_topic(app), reports_topic(app)]


def raw_record_bytes(body_limit_bytes: int) -> int:
    """Return the size of the largest record that the raw topic must accept: a body with its key and headers."""
    return max(RAW_RECORD_BYTES, body_limit_bytes + 1024 * 1024)


def described(name: str, seen_days: int = SEEN_DAYS, *, holds_copies: bool = False) -> Topic:
    """Return a topic with its policy; topics named by a route, and lanes, keep records like `changes.*`.

    `seen_days` is how long the table *seen* and its changelog keep a row. The topic of a raw route holds passthrough copies
    of `webhooks.raw`, with the same retention.
    """
    size = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    if holds_copies:
        return Topic(name, {"retention.ms": str(RAW_RETENTION_MS), **size})
    if name.startswith("penstock.") and name.endswith(".reconcile-reports"):
        return Topic(name, {"retention.ms": str(REPORT_RETENTION_MS), **size})
    if name.startswith("penstock.") and (".fetches" in name or name.endswith((".reconcile", ".reconcile-ids"))):
        return Topic(name, {"retention.ms": str(FETCH_RETENTION_MS), **size})
    if name == RAW:
        return Topic(name, {"retention.ms": str(RAW_RETENTION_MS), "max.message.bytes": str(RAW_RECORD_BYTES)})
    if name.endswith(".seen-changelog"):
        kept = {"cleanup.policy": "compact,delete", "retention.ms": str(seen_days * DAY_MS)}
        return Topic(name, {**kept, "segment.ms": str(DAY_MS), **size})  # Kafka deletes only whole log segments
    if (
        name.startswith("state.")
        or name == PENDING
        or name.endswith(("-changelog", "-standings", ".reconcile-progress"))
    ):
        return Topic(name, {"cleanup.policy": "compact", **size})
    return Topic(name, {"retention.ms": "-1", **size})
