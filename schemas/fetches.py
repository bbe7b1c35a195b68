"""What asks for a read of a resource, and what a read brought: values on private topics and in a header of `webhooks.raw`.

A delivery that only names its resource waits. The worker writes a request in the same transaction, keyed by account; the
hydration (`streams/hydrate`) reads the resource and writes a delivery of its own, whose header says what it brought and which
deliveries it answers.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from schemas.records import resource_key

HEADER: Final = "penstock_fetch"
"""The header of a delivery on `webhooks.raw` that the hydration wrote: a `FetchResult` as JSON. The ingress drops it."""

Priority = Literal[0, 1, 2]
"""Live, retry, reconciliation: the order in which an account's quota is spent."""

ReadOrigin = Literal["fetch", "reconcile", "backfill"]
"""Why a resource is read: for deliveries that wait, or because a list of the provider shows more than is stored."""

NO_DELIVERY: Final = -1
"""The offset that a request answers for which no delivery waits."""


def account_key(provider: str, source: str, tenant: str) -> str:
    """Return the key of an account: what has one quota and one token."""
    return f"{provider}|{source}|{tenant}"


class FetchRequest(Struct, frozen=True, omit_defaults=True):
    """One wish to read one resource.

    `raw_key` and `raw_partition` are those of the delivery that waits, and `answers` is its offset: a read that starts later
    shows what it tells of. `told_us` is the time of the event that it tells of, microseconds since 1970, UTC; `since_us` is when
    the oldest delivery came that the request is for. `attempts` counts failed reads, `missing` those that found nothing, `early`
    those that showed an older version than the callback promised. `due_us` is when it may be read, 0 for at once. A person who
    does not want to wait makes a request that `is_urgent`: what is known of the resource is read as soon as that one may be.
    `origin` and `run` are those of a reconciliation or backfill: no delivery waits, so `answers` is `NO_DELIVERY`, and the raw
    partition follows from the key.
    """

    provider: str
    source: str
    tenant: str
    resource_type: str
    resource_id: str
    raw_key: str
    raw_partition: int
    answers: int
    since_us: int
    told_us: int | None = None
    reference: str = ""
    context: str = ""
    api_version: str | None = None
    priority: Priority = 0
    attempts: int = 0
    missing: int = 0
    early: int = 0
    due_us: int = 0
    detail: str = ""
    is_urgent: bool = False
    origin: ReadOrigin = "fetch"
    run: str = ""

    @property
    def resource_key(self) -> str:
        """Return the key of the resource."""
        return resource_key(self.provider, self.source, self.tenant, self.resource_type, self.resource_id)

    @property
    def account(self) -> str:
        """Return the key of its account, by which requests are partitioned: one owner for one quota."""
        return account_key(self.provider, self.source, self.tenant)


class FetchResult(Struct, frozen=True, omit_defaults=True):
    """What a read brought: `found` (the body is the document), `gone`, or `failed` with the reason.

    It answers the waiting deliveries of the resource up to the offset `answers`. `read_at_us` is when the read started.
    `run` names the reconciliation or backfill that asked for it, "" for none.
    """

    resource_type: str
    resource_id: str
    status: Literal["found", "gone", "failed"]
    answers: int
    read_at_us: int
    attempts: int = 1
    detail: str = ""
    run: str = ""


class Standing(Struct, frozen=True, omit_defaults=True):
    """Why a resource is not read yet, for people: the last failure, how many there were, and when it is tried next.

    Under the key of an account: why nothing of it is read.
    """

    attempts: int
    due_us: int
    detail: str


encode_request = encode_result = encode_standing = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(FetchRequest).decode
decode_result = msgspec.json.Decoder(FetchResult).decode
decode_standing = msgspec.json.Decoder(Standing).decode
