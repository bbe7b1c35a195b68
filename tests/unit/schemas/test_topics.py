"""Topic names and policies are persisted: a change here is a migration, with a decision and a changelog line."""

import pytest

from schemas import topics

DAY_MS = 86_400_000
SIZE = {"max.message.bytes": "62914560"}
SEEN = {"cleanup.policy": "compact,delete", "retention.ms": str(7 * DAY_MS), "segment.ms": str(DAY_MS)}


@pytest.mark.parametrize(
    ("name", "frozen"),
    [
        (topics.RAW, "webhooks.raw"),
        (topics.OUTCOMES, "deliveries.outcomes"),
        (topics.DEAD, "deliveries.dead"),
        (topics.PENDING, "deliveries.pending"),
        (topics.changes_topic("shopify", "product", {"product"}), "changes.shopify.product"),
        (topics.lane_topic("changes.shopify.product", "high"), "changes.shopify.product.high"),
        (topics.lane_topic("changes.shopify.product", "default"), "changes.shopify.product"),
        (topics.lane_topic("nike.prices", "low"), "nike.prices.low"),
        (topics.state_topic("shopify", "product", {"product"}), "state.shopify.product"),
        (topics.changes_topic("shopify", "anything", {"product"}), "changes.shopify.other"),
        (topics.state_topic("shopify", "anything", {"product"}), "state.shopify.other"),
        (topics.changes_topic("generic", "order", ()), "changes.generic.other"),
        (topics.changelog_topic("capture", "seen"), "penstock.capture.seen-changelog"),
        (topics.changelog_topic("capture", "latest"), "penstock.capture.latest-changelog"),
        (topics.fetches_topic("capture"), "penstock.capture.fetches"),
        (topics.delay_topic("capture", "10m"), "penstock.capture.fetches.10m"),
        (topics.standings_topic("capture"), "penstock.capture.fetch-standings"),
    ],
)
def test_name_is_frozen(name: str, frozen: str) -> None:
    """Renaming a topic loses the records on the old one."""
    assert name == frozen


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("webhooks.raw", {"retention.ms": str(14 * DAY_MS), "max.message.bytes": str(26 * 1024 * 1024)}),
        ("changes.shopify.product", {"retention.ms": "-1"}),
        ("nike.prices", {"retention.ms": "-1"}),
        ("changes.shopify.product.high", {"retention.ms": "-1"}),
        ("nike.prices.low", {"retention.ms": "-1"}),
        ("deliveries.outcomes", {"retention.ms": "-1"}),
        ("deliveries.dead", {"retention.ms": "-1"}),
        ("state.shopify.product", {"cleanup.policy": "compact"}),
        ("penstock.capture.latest-changelog", {"cleanup.policy": "compact"}),
        ("deliveries.pending", {"cleanup.policy": "compact"}),
        ("penstock.capture.fetch-standings", {"cleanup.policy": "compact"}),
        ("penstock.capture.fetches", {"retention.ms": str(31 * DAY_MS)}),
        ("penstock.capture.fetches.1h", {"retention.ms": str(31 * DAY_MS)}),
        ("penstock.capture.seen-changelog", SEEN),
    ],
)
def test_policy_is_frozen(name: str, policy: dict[str, str]) -> None:
    """Records that are kept without limit are never on a topic that deletes, and every topic takes the largest record."""
    described = topics.described(name)

    assert (described.name, dict(described.settings)) == (name, SIZE | policy)


def test_seen_is_kept_longer_than_any_provider_retries() -> None:
    """Stripe retries for 3 days and GitHub Enterprise redelivers up to 7."""
    assert topics.SEEN_DAYS >= 7
    assert topics.SEEN_DAYS * DAY_MS < topics.RAW_RETENTION_MS


def test_changelog_of_seen_is_kept_as_long_as_configured() -> None:
    """A changelog with a shorter retention than the tables would lose rows in a restore."""
    settings = topics.described("penstock.capture.seen-changelog", seen_days=30).settings

    assert settings["retention.ms"] == str(30 * DAY_MS)


def test_copies_are_kept_as_long_as_what_they_copy() -> None:
    """This holds for any topic name; they hold whole bodies, which should not be kept without limit by default."""
    described = topics.described("github.issues", holds_copies=True)

    assert dict(described.settings) == SIZE | {"retention.ms": str(14 * DAY_MS)}


@pytest.mark.parametrize("topic", ["changes.shopify.product", "nike.prices", "high", "x.highest"])
def test_lanes_are_read_in_the_order_of_their_priority(topic: str) -> None:
    """The end of a topic's name gives its lane."""
    lanes = [topics.lane_topic(topic, priority) for priority in ("high", "default", "low")]

    assert [topics.lane(name) for name in lanes] == list(topics.PRIORITIES) == ["high", "default", "low"]
