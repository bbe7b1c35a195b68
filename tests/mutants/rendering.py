"""Mutants of renderings and ids: what a partial document leaves out, what names a resource, what is no data."""

from typing import Final

from tests.mutants.mutant import Mutant

_EVENTS = "tests/contract/test_shopify_events.py"
_IDS = "tests/unit/providers/shopify/test_ids.py"

RENDERING: Final = (
    Mutant(
        "event_replaces_the_document",
        "What a rendering leaves out is unknown: a Next Gen Event removes every field that its query does not ask for.",
        "streams/pipeline.py",
        "        if is_merged:\n",
        "        if is_merged and not snapshot.is_partial:\n",
        (f"{_EVENTS}::test_event_changes_only_what_it_shows",),
    ),
    Mutant(
        "page_of_a_list_removes_the_others",
        "What a rendering leaves out is unknown: the first page of a connection removes the elements of the other pages.",
        "streams/steps/partial_documents.py",
        "    if not is_partial:\n",
        "    if True:\n",
        (
            "tests/unit/streams/steps/test_partial_documents.py::test_element_of_a_truncated_list_stays",
            f"{_EVENTS}::test_two_renderings_in_any_order_lose_no_field",
        ),
    ),
    Mutant(
        "untimed_event_makes_the_webhook_stale",
        "Every real change once: an event without an update time is later than the webhook of the same change, which is dropped.",
        "streams/pipeline.py",
        "(event_time_us is None or snapshot.is_partial or _lacks_version(snapshot, latest))",
        "(event_time_us is None or _lacks_version(snapshot, latest))",
        (f"{_EVENTS}::test_event_without_update_time_does_not_make_the_webhook_stale",),
    ),
    Mutant(
        "header_wins_over_the_signed_body",
        "Nothing unsigned is believed against the body: a captured update is posted again as a deletion.",
        "providers/shopify/evidence.py",
        "    return contradicts(delivery.headers, body)\n",
        "    return None\n",
        (f"{_EVENTS}::test_header_against_the_signed_body_is_refused",),
    ),
    Mutant(
        "discounts_share_their_numbers",
        "Two things never share a resource: automatic and code discounts are numbered separately.",
        "providers/shopify/ids.py",
        "    if kind in _NUMBERED_SEPARATELY and tail:\n",
        "    if False:\n",
        (f"{_IDS}::test_two_things_do_not_share_a_resource",),
    ),
    Mutant(
        "test_notification_is_data",
        "Tests are no data: the made-up order of the admin's button becomes a change.",
        "providers/shopify/provider.py",
        '.lower() == "true":\n',
        '.lower() == "never":\n',
        ("tests/contract/test_test_deliveries.py::test_test_notification_is_no_data",),
    ),
    Mutant(
        "older_rendering_adds_nothing",
        "What a rendering leaves out is unknown: fields that only an older document shows are lost when it arrives last.",
        "streams/steps/renderings.py",
        "    return codec.document_json(document | codec.document(stored))\n",
        "    return None\n",
        ("tests/contract/test_renderings.py::test_fields_of_an_older_document_are_added",),
    ),
    Mutant(
        "creation_undoes_the_update_of_its_second",
        "The last state is kept: Shopify's orders/create that arrives after orders/paid of its second opens the order again.",
        "providers/shopify/provider.py",
        'CREATION if delivery.event_type.endswith("/create") else 0',
        "0",
        ("tests/contract/test_renderings.py::test_creation_is_the_first_of_its_second",),
    ),
)
