"""Mutants in what is read from the APIs of Stripe, Shopify and GitHub."""

from typing import Final

from tests.mutants.mutant import Mutant

_STRIPE: Final = "tests/unit/providers/stripe"
_SHOPIFY: Final = "tests/unit/providers/shopify"
_GITHUB: Final = "tests/unit/providers/github"

QUERYING: Final = (
    Mutant(
        "read_is_later_than_its_second",
        "No change is lost: an event in the second of a read, but after it, counts as older than the read.",
        "providers/stripe/fetched.py",
        "event_time=read_at.replace(microsecond=0)",
        "event_time=read_at",
        (f"{_STRIPE}/test_fetched.py::test_read_makes_only_earlier_events_stale",),
    ),
    Mutant(
        "unknown_address_means_deleted",
        "Nothing is deleted by mistake: an address that does not exist counts as an object that is gone.",
        "providers/stripe/api.py",
        "return NotFound() if error.get",
        "return NotFound() if error is not None or error.get",
        (f"{_STRIPE}/test_api.py::test_unknown_address_is_no_missing_object",),
    ),
    Mutant(
        "half_of_a_list_is_the_list",
        "Nothing is deleted by mistake: elements on a page that failed count as gone.",
        "providers/stripe/api.py",
        "return _Completed(first_page, requests, failure)",
        'return _Completed(first_page | {"has_more": False}, requests)',
        (f"{_STRIPE}/test_api.py::test_object_whose_list_fails_is_not_read",),
    ),
    Mutant(
        "bounded_list_is_whole",
        "Nothing is deleted by mistake: elements beyond the last page that is read count as gone.",
        "providers/stripe/api.py",
        '"has_more": has_more}, requests)',
        '"has_more": False}, requests)',
        (f"{_STRIPE}/test_api.py::test_list_without_end_is_bounded",),
    ),
    Mutant(
        "address_in_a_notification_is_followed",
        "No secret leaves: the URL in an event decides where the key is sent.",
        "providers/stripe/fetched.py",
        'if not isinstance(url, str) or not url.startswith(("/v1/", "/v2/")) or',
        "if not isinstance(url, str) or",
        (f"{_STRIPE}/test_fetched.py::test_only_paths_of_the_api_are_followed",),
    ),
    Mutant(
        "error_beside_a_null_is_not_seen",
        "Nothing is deleted by mistake: a product that could not be read counts as gone.",
        "providers/shopify/replies.py",
        "if error is not None:\n        return _failure(error, body)",
        "if error is not None and not place:\n        return _failure(error, body)",
        (f"{_SHOPIFY}/test_api.py::test_error_of_one_node_spares_the_others",),
    ),
    Mutant(
        "pages_of_two_states_are_one_product",
        "The last state is the provider's: a product that changes while it is read gets variants of both states.",
        "providers/shopify/pages.py",
        'if page.get("updatedAt") != self.node.get("updatedAt"):',
        "if not page:",
        (f"{_SHOPIFY}/test_api.py::test_pages_of_two_states_are_not_mixed",),
    ),
    Mutant(
        "every_read_begins_at_the_first_page",
        "Every delivery ends: a product with more variants than the bucket has points is never read to its end.",
        "providers/shopify/api.py",
        "                self._keep(wanted, unfinished)",
        "                pass",
        (f"{_SHOPIFY}/test_api.py::test_product_larger_than_the_bucket_is_read_in_turns",),
    ),
    Mutant(
        "cut_list_replaces_the_whole_one",
        "Nothing is deleted by mistake: elements beyond the first page of a list count as gone.",
        "providers/shopify/fetched.py",
        "if name not in cut and name not in _ONLY_IN_GRAPHQL",
        "if name not in _ONLY_IN_GRAPHQL",
        (f"{_SHOPIFY}/test_fetched.py::test_other_types_become_their_webhooks_documents",),
    ),
    Mutant(
        "read_lists_more_variants_than_a_webhook",
        "Every real change once: a product's list of variants grows with every read and shrinks with every webhook.",
        "providers/shopify/fetched.py",
        '{"variants": variants[:MAX_VARIANTS]}',
        '{"variants": variants}',
        (f"{_SHOPIFY}/test_fetched.py::test_read_product_has_all_variants_and_lists_a_hundred",),
    ),
    Mutant(
        "query_is_dearer_than_allowed",
        "Every delivery ends: a batch of products costs more than a query may, and is refused each time.",
        "providers/shopify/selections.py",
        "length if brace[1] ==",
        "1 if brace[1] ==",
        (
            f"{_SHOPIFY}/test_fetched.py::test_points_count_objects",
            f"{_SHOPIFY}/test_api.py::test_full_batch_is_not_too_expensive",
        ),
    ),
    Mutant(
        "missing_right_means_deleted",
        "Nothing is deleted by mistake: a repository that the token may no longer read counts as empty.",
        "providers/github/api.py",
        "return await _missing(calls, wanted)",
        "return NotFound()",
        (f"{_GITHUB}/test_api.py::test_missing_repository_deletes_nothing",),
    ),
    Mutant(
        "transferred_issue_is_the_same",
        "One resource, one key: what a redirect leads to is stored under the name of what was asked for.",
        "providers/github/api.py",
        'if text_id(document.get("id")) != wanted.resource_id:',
        "if not document:",
        (f"{_GITHUB}/test_api.py::test_redirect_is_followed",),
    ),
    Mutant(
        "credential_in_a_document",
        "No secret is stored: the clone token of a private repository is part of its document.",
        "providers/github/fetched.py",
        "for name, value in document.items() if name in fields",
        "for name, value in document.items() if fields",
        (f"{_GITHUB}/test_api.py::test_credential_in_a_repository_is_not_kept",),
    ),
    Mutant(
        "limit_is_a_missing_right",
        "Every delivery ends: a secondary limit stops the account as if its token had lost a right.",
        "providers/github/api.py",
        'is_limit = answer.status == 429 or "rate limit" in said.lower()',
        "is_limit = answer.status == 429",
        (f"{_GITHUB}/test_api.py::test_secondary_limits_are_throttled",),
    ),
)
