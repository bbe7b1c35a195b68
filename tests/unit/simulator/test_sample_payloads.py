"""The sample's story: every provider, every outcome, and sums that the pipeline itself confirms."""

from collections import Counter
from datetime import UTC, datetime

from providers.base import Refused, Verified
from providers.registry import PROVIDERS, provider
from schemas.records import RawDelivery
from simulator.posting import Post
from simulator.sample_payloads import DELETED_EVERY, ORDERS, RESOURCES, posts
from simulator.senders import Sender
from simulator.signing import raw_delivery
from streams.pipeline import Tables, process
from streams.steps.routing import Routes

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET = b"whsec_bWFkZSB1cCBmb3IgYSB0ZXN0IG9ubHk="
SENDERS = {name: Sender(name, provider(name), SECRET) for name in PROVIDERS}


def delivery_of(post: Post) -> RawDelivery:
    """Return the delivery that the ingress makes of a post."""
    return raw_delivery(post.sender.provider, post.sender.source, post.request(NOW), NOW)


def test_the_sample_is_large_and_the_same_every_time() -> None:
    """It has at least 500 accepted deliveries, and one forged one per provider."""
    story = posts(SENDERS, 1_000_000, NOW)

    assert story == posts(SENDERS, 1_000_000, NOW)
    assert Counter(post.is_forged for post in story) == {False: 532 + 120, True: len(PROVIDERS)}
    assert Counter(post.sender.source for post in story) == {**dict.fromkeys(PROVIDERS, 77), "shopify": 77 + 120}


def test_only_news_changes_what_a_provider_shows() -> None:
    """What is repeated, late, forged or cut short leaves the shop as it is; so the last news is what a read finds."""
    story = posts({"bigcommerce": SENDERS["bigcommerce"]}, 1_000_000, NOW)

    kinds = Counter("news" if post.shown is not None else "none" for post in story)
    assert kinds == {"news": RESOURCES * 4 + RESOURCES // DELETED_EVERY, "none": RESOURCES * 2 + 2}
    assert {post.shown["name"][-1] for post in story if post.shown is not None} == {"1", "2", "3"}
    assert not [post for post in story if post.is_forged and post.shown is not None]


def test_two_runs_share_no_resource_and_no_delivery() -> None:
    """A used data directory gives the same outcomes as a new one."""
    first, second = (
        {delivery_of(post).delivery_id for post in posts(SENDERS, run, NOW)} for run in (1_000_000, 2_000_000)
    )

    assert not first & second


def test_only_what_is_forged_is_refused() -> None:
    """Every other post has its provider's correct signature."""
    for post in posts(SENDERS, 1_000_000, NOW):
        verdict = post.sender.provider.verify(post.request(NOW), [SECRET], NOW)
        assert isinstance(verdict, Refused if post.is_forged else Verified)


def test_the_story_has_every_outcome_that_a_person_should_see() -> None:
    """In the pipeline: changes, duplicates, stale, unchanged and dead ones, one for every accepted delivery."""
    tables: dict[str, dict[bytes, bytes]] = {"seen": {}, "latest": {}}
    outcomes: Counter[str] = Counter()
    for post in posts(SENDERS, 1_000_000, NOW):
        if not post.is_forged:
            result = process(delivery_of(post), Tables(tables["seen"], tables["latest"]), Routes({}))
            tables["seen"].update(result.writes.seen)
            tables["latest"].update(result.writes.latest)
            outcomes[result.outcome.outcome] += 1

    assert outcomes.total() == 652
    assert outcomes["duplicate"] == 84 + ORDERS
    assert outcomes["dead"] == len(PROVIDERS)
    assert min(outcomes[name] for name in ("changed", "stale", "unchanged")) > 50
