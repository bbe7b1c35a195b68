"""The headers of the records on `webhooks.raw`, as `schemas/codec.py` writes them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from providers.registry import PROVIDERS, provider
from schemas.codec import raw_headers
from schemas.fetches import HEADER as FETCH
from schemas.records import RawDelivery
from streams.steps import origin
from streams.steps.correction import HEADER as CORRECTION

MEANINGS: Final[Mapping[str, str]] = {
    "ce_specversion": "CloudEvents 1.0, Kafka binding, binary mode.",
    "ce_id": "The delivery id.",
    "ce_source": "The path that the provider posted to.",
    "ce_type": "The event type.",
    "ce_time": "When the event happened, as the provider says; else when the delivery was received.",
    "ce_subject": "The record's key.",
    "content-type": "The content type that the sender declared.",
    "penstock_provider": "The provider.",
    "penstock_source": "The source in `penstock.toml`.",
    "penstock_tenant": "The account at the provider within the source; empty where ids are unique without it.",
    "penstock_delivery_id": "The delivery id.",
    "penstock_received_at": "When the ingress received the delivery, UTC.",
    "penstock_api_version": "The provider's API version. Missing where the delivery names none.",
    CORRECTION: "Only on corrections that `penstock replay` wrote.",
    FETCH: "Only on deliveries of the hydration: what a read brought, and up to which offset it answers deliveries, as JSON.",
    origin.ORIGIN: "Only on deliveries that Penstock wrote: `retry`, `edited` and `drop` by `penstock dead`, "
    "`fetch`, `reconcile` and `backfill` by a read, `write` for a declared write.",
    origin.CAUSE: "On those: the position or id of the delivery that they answer.",
    origin.ATTEMPT: "On those of `penstock dead`: how often the delivery was decided before, plus one.",
    origin.FIRST_AT: "On those of `penstock dead`: when the delivery became a dead letter for the first time, UTC.",
    origin.BY: "On those of `penstock dead`: who wanted it.",
    origin.AT: "On those of `penstock dead`: when, UTC.",
    origin.EDITED_BY: "On an edited copy, and its retries: who edited the body.",
}


def written_headers() -> Mapping[str, str]:
    """Return every header that the ingress writes by itself, with an example of its value."""
    now = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
    delivery = RawDelivery(
        "b1946ac9-2492-4d23-9f9d-3a3f2f6a0c1e",
        "shopify",
        "acme-shop",
        "products/update",
        now,
        "shopify|acme-shop|acme.myshopify.com|product|788032119674292922",
        b"{}",
        event_time=now,
        api_version="2026-07",
        tenant="acme.myshopify.com",
    )
    return {name: value.decode() for name, value in raw_headers(delivery)}


def headers_section() -> Iterator[str]:
    """Yield the lines of the section about headers; a header without a meaning raises `KeyError`."""
    written = written_headers()
    yield "| header | example | meaning |"
    yield "|---|---|---|"
    for name in (*written, CORRECTION, FETCH, *origin.HEADERS):
        example = written.get(name, "").replace("|", r"\|")
        yield f"| `{name}` | {f'`{example}`' if example else ''} | {MEANINGS[name]} |"
    for name in PROVIDERS:
        prefixes = " ".join(f"`{prefix}*`" for prefix in provider(name).own_headers if prefix.endswith("-"))
        yield f"| {prefixes} | | Of {name}, as received, unless they hold a secret. |"
