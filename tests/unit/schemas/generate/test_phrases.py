"""Names that say what they hold get their sentence; the rest is left to a person."""

import pytest

from schemas.generate.phrases import column_doc, resource_doc


@pytest.mark.parametrize(
    ("provider", "resource", "name", "sentence"),
    [
        ("shopify", "order_line_item", "id", "Identifies the order line at Shopify."),
        ("stripe", "invoice", "created", "When the invoice was created."),
        ("github", "issue", "closed_at", "When the issue was closed; null until then."),
        ("github", "commit_comment", "pull_request_id", "Id of the pull request."),
        ("bigcommerce", "product", "reviews_count", "Number of reviews."),
        ("shopify", "order", "price_set", "Price, in the shop's and in the customer's currency."),
        ("shopify", "order", "original_duties_set",
         "Duties when the order was placed, in the shop's and in the customer's currency."),
        ("shopify", "order", "landing_site", ""),
    ],
)  # fmt: skip
def test_name_becomes_a_sentence(provider: str, resource: str, name: str, sentence: str) -> None:
    """The first pattern that matches the whole name tells."""
    assert column_doc(provider, resource, name) == sentence


def test_resource_without_words_of_its_own_has_its_name() -> None:
    """A reviewer writes a better one."""
    assert resource_doc("github", "issue_comment") == "An issue comment of GitHub."
