"""What `penstock up --sample` waits for before it asks the warehouse."""

from console.sample_question import ORDERS, PRODUCTS, events
from schemas.records import Document


def test_only_what_a_question_needs_is_waited_for() -> None:
    """Shopery's sample has orders too, and Shopify's has products, in other tables than those that are asked."""
    outcomes: list[Document] = [
        {"provider": "shopify", "key": "shopify|shopify|shop|order|1", "event_ids": ("a", "b")},
        {"provider": "shopify", "key": "shopify|shopify|shop|product|1", "event_ids": ("c",)},
        {"provider": "shopery", "key": "shopery|shopery||order|1", "event_ids": ("d",)},
        {
            "provider": "bigcommerce",
            "key": "bigcommerce|bigcommerce|example|product|1",
            "event_ids": ("e", "its variant"),
        },
        {"provider": "shopify", "key": None, "event_ids": ()},
    ]

    assert events(ORDERS, outcomes) == {"a", "b"}
    assert events(PRODUCTS, outcomes) == {"e"}
