"""Mutants in what is listed at providers: `providers/listing.py` and `providers/<name>/lists.py`."""

from typing import Final

from tests.mutants.mutant import Mutant

_WINDOWS: Final = "tests/unit/providers/test_listing.py"
_BIGCOMMERCE: Final = "tests/unit/providers/bigcommerce/test_listing.py"
_SHOPIFY: Final = "tests/unit/providers/shopify/test_listing.py"

LISTING: Final = (
    Mutant(
        "list_is_walked_by_page_number",
        "Nothing is missed: what changes between two pages moves others onto a page that was read already.",
        "providers/bigcommerce/lists.py",
        '"/v3/catalog/products",\n        "id",',
        '"/v3/catalog/products",\n        "number",',
        (f"{_BIGCOMMERCE}::test_nothing_is_passed_over_while_others_change",),
    ),
    Mutant(
        "shorter_list_is_not_read_again",
        "Nothing is missed: a deleted address moves the next one onto a page that was read already.",
        "providers/bigcommerce/lists.py",
        "if lost > 0 and position.number > 1:",
        "if lost < 0 and position.number > 1:",
        (f"{_BIGCOMMERCE}::test_numbered_list_that_became_shorter_is_read_again",),
    ),
    Mutant(
        "no_content_means_no_resources",
        "Nothing is deleted by mistake: an answer without a body counts as a complete list without products.",
        "providers/bigcommerce/lists.py",
        'is_v2 = each.path.startswith("/v2/")',
        'is_v2 = value is None or each.path.startswith("/v2/")',
        (f"{_BIGCOMMERCE}::test_reply_that_is_not_understood_is_no_short_list",),
    ),
    Mutant(
        "hidden_orders_count_as_deleted",
        "Nothing is deleted by mistake: orders that the token may not see count as gone.",
        "providers/shopify/lists.py",
        'List("orders", "order", "read_orders", coverage="changes", days=60)',
        'List("orders", "order", "read_orders", days=60)',
        (f"{_SHOPIFY}::test_orders_are_no_complete_list",),
    ),
    Mutant(
        "ignored_search_is_believed",
        "Calls are bounded: a shop that ignores a part of the search shows its first page again and again.",
        "providers/shopify/lists.py",
        "if any(later <= earlier for earlier, later in pairwise(numbers)):",
        "if any(later < 0 for _, later in pairwise(numbers)):",
        (f"{_SHOPIFY}::test_search_that_is_ignored_is_noticed",),
    ),
    Mutant(
        "window_without_zone",
        "Nothing is missed: the provider takes a window's times for those of the shop's own zone.",
        "providers/listing.py",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S",
        (
            f"{_WINDOWS}::test_times_of_queries_have_a_zone",
            f"{_BIGCOMMERCE}::test_times_are_sent_with_their_zone",
            f"{_SHOPIFY}::test_times_are_sent_with_their_zone",
        ),
    ),
)
