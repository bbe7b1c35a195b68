"""What `penstock up --sample` waits for before it asks the warehouse."""

from console.sample_question import order_events
from schemas.records import Document


def test_orders_of_the_shop_alone_are_waited_for() -> None:
    """Shopery's sample has orders too, in another table; products are not asked about."""
    outcomes: list[Document] = [
        {"provider": "shopify", "key": "shopify|shopify|shop|order|1", "event_ids": ("a", "b")},
        {"provider": "shopify", "key": "shopify|shopify|shop|product|1", "event_ids": ("c",)},
        {"provider": "shopery", "key": "shopery|shopery||order|1", "event_ids": ("d",)},
        {"provider": "shopify", "key": None, "event_ids": ()},
    ]

    assert order_events(outcomes) == {"a", "b"}
