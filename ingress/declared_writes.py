"""Turns a declared write into the record on `webhooks.raw` by which the worker recognises its change (decision 0025)."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from hmac import compare_digest

from starlette.types import Receive

from ingress import answers
from ingress.admission.body_limits import InFlightLimits, read_body, refused_unread
from ingress.answers import Answer
from ingress.sources import Source
from schemas.records import RawDelivery, resource_key
from schemas.writes import EVENT_TYPE, MAX_BYTES, Malformed, write_of

SCHEME = "bearer "
ORIGIN = "penstock_origin"  # the header by which the pipeline tells; senders cannot set it


async def received(
    source: Source,
    headers: Mapping[str, str],
    receive: Receive,
    in_flight: InFlightLimits,
    now: Callable[[], datetime],
) -> RawDelivery | Answer:
    """Return the record of a declaration after checking token, size and form, in that order; else the refusal."""
    if source.write_token is None:
        return answers.no_writes(source.name)
    if not is_authorised(headers, source.write_token):
        return answers.wrong_token()
    body = refused_unread(headers, MAX_BYTES) or await read_body(receive, MAX_BYTES, in_flight)
    if isinstance(body, Answer):
        return answers.write_too_large() if body.reason == "body_too_large" else body
    return delivery_of(source, body, now())


def is_authorised(headers: Mapping[str, str], token: bytes) -> bool:
    """Say whether a request has the source's token, in constant time. Source: RFC 6750, section 2.1."""
    given = headers.get("authorization", "")
    # A header's bytes, as they were sent; without the scheme nothing is compared, which tells nothing about the token.
    return given[: len(SCHEME)].lower() == SCHEME and compare_digest(given[len(SCHEME) :].encode("latin-1"), token)


def delivery_of(source: Source, body: bytes, now: datetime) -> RawDelivery | Answer:
    """Return the record of a declaration, on the partition of the deliveries that will show it; else why it is refused."""
    write = write_of(body)
    if isinstance(write, Malformed):
        return answers.malformed_write(write.detail)
    if source.tenants and write.tenant not in source.tenants:
        return answers.unknown_tenant(write.tenant)
    root = write.root
    return RawDelivery(
        f"write-{write.write_id or uuid.uuid4()}",
        source.provider.name,
        source.name,
        EVENT_TYPE,
        now,
        resource_key(source.provider.name, source.name, write.tenant, root.resource_type, root.resource_id),
        body,
        headers={ORIGIN: "write"},
        tenant=write.tenant,
    )
