"""Mutants in what names a resource and in what a rendering leaves out."""

from typing import Final

from tests.mutants.mutant import Mutant

_TENANTS: Final = "tests/contract/test_tenants.py"
_RENDERINGS: Final = "tests/contract/test_renderings.py"

NAMING: Final = (
    Mutant(
        "tenants_share_resources",
        "Resources are apart: the same id in two stores of one app names one resource.",
        "schemas/records.py",
        'return f"{provider}|{source}|{tenant}|{resource_type}|{resource_id}"',
        'return f"{provider}|{source}||{resource_type}|{resource_id}"',
        (f"{_TENANTS}::test_stores_of_one_app_have_their_own_products",),
    ),
    Mutant(
        "test_mode_is_live_mode",
        "Resources are apart: what is tried out in Stripe's test mode replaces live data.",
        "providers/stripe/provider.py",
        'if event.get("livemode") is not False:',
        'if event.get("livemode") is not None:',
        (f"{_TENANTS}::test_test_mode_never_replaces_live_data",),
    ),
    Mutant(
        "pause_of_a_shop_pauses_all",
        "Changes are emitted: the pause of one shop holds the deliveries of every shop.",
        "streams/steps/routing.py",
        "or (source, tenant, None) in paused",
        "or any(name == source for name, _, _ in paused)",
        (f"{_TENANTS}::test_pause_of_one_tenant_leaves_the_others",),
    ),
    Mutant(
        "unknown_tenant_is_accepted",
        "Only listed tenants post: `tenants` of a source has no effect.",
        "ingress/receive.py",
        "if source.tenants and envelope.tenant not in source.tenants:",
        "if source.tenants and envelope.tenant is None:",
        ("tests/unit/ingress/test_receive.py::test_delivery_of_an_unlisted_tenant_is_refused",),
    ),
    Mutant(
        "slim_document_removes_fields",
        "No field is lost: a subscription with include_fields removes the fields that it leaves out.",
        "streams/steps/renderings.py",
        "return snapshot.may_be_partial and _lacks_field(snapshot, latest)",
        "return False",
        (f"{_RENDERINGS}::test_slim_subscription_removes_nothing",),
    ),
    Mutant(
        "slim_document_makes_the_whole_one_stale",
        "No field is lost: a subscription without the update time is later than the whole document of the same change.",
        "streams/steps/dedup.py",
        "if snapshot.may_be_partial and snapshot.event_time and latest.version_us is None and not latest.is_deleted:",
        "if False:",
        (f"{_RENDERINGS}::test_subscription_without_the_update_time_makes_no_whole_document_stale",),
    ),
    Mutant(
        "things_with_other_ids_are_mixed",
        "No value is made up: a document merged from two renderings has the phone number of another customer.",
        "streams/steps/partial_documents.py",
        "        if _is_another(stored, shown):\n",
        "        if False:\n",
        (f"{_RENDERINGS}::test_object_of_another_id_in_the_same_place_is_not_merged",),
    ),
    Mutant(
        "mixed_document_becomes_whole",
        "No field is lost: a document merged from two API versions is replaced by one of them.",
        "streams/steps/renderings.py",
        "return MIXED if is_merged and shown_version != latest.api_version else shown_version",
        "return shown_version",
        (f"{_RENDERINGS}::test_two_versions_lose_no_field",),
    ),
    Mutant(
        "other_version_is_suspicious",
        "A retry is a duplicate: the same event for a second endpoint with another API version is dead-lettered.",
        "streams/steps/dedup.py",
        "if api_version is not None and seen.api_versions and api_version not in seen.api_versions:",
        "if api_version is None:",
        (f"{_RENDERINGS}::test_same_event_in_another_api_version_is_a_duplicate",),
    ),
)
