"""The interface of every provider: verification, identification, parsing, and signing for tests and `penstock send`.

A provider is an immutable value without I/O or a clock. The ingress calls `verify` and, only if that returns `Verified`,
`identify`; the pipeline calls `parse`. No bytes that a stranger can send make any of the three raise.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from providers.scheme import Scheme
from schemas.records import RawDelivery, Snapshot

RefusalReason = Literal["missing_signature", "malformed_signature", "wrong_signature", "too_old", "in_future"]
DeadReason = Literal["unreadable", "unknown_shape", "misnamed"]


class SignedRequest(Struct, frozen=True):
    """A request as received: header names in lower case, the exact body bytes."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """Return the content type, "" if the sender declares none."""
        return self.headers.get("content-type", "")


class Verified(Struct, frozen=True):
    """The signature is valid; `secret_index` is the index of the secret that made it, so that old ones can be retired."""

    secret_index: int


class Refused(Struct, frozen=True):
    """The signature is not accepted: a fixed reason and, for people, what was expected. Never a secret, body or signature.

    `is_probe` marks an unsigned request without content, by which a sender tests whether the address exists.
    """

    reason: RefusalReason
    detail: str
    is_probe: bool = False


Verdict = Verified | Refused


class Envelope(Struct, frozen=True):
    """The metadata that the ingress adds to a verified delivery.

    `key` is the resource key of the ROOT resource (see `schemas.records.resource_key`), so that all deliveries about one
    resource, children included, share a partition. If the body is unreadable or names no resource, it is the delivery id.
    `tenant` is the account at the provider within the source, "" where ids are unique without it or the body is unreadable.
    `has_unread_time`: where the update time is expected stands something else, which `parse` notes and the ingress counts.
    """

    delivery_id: str
    event_type: str
    key: str
    event_time: datetime | None = None
    api_version: str | None = None
    tenant: str = ""
    has_unread_time: bool = False


class Parsed(Struct, frozen=True):
    """The resources in a delivery, the root first; never empty.

    `notes` tell, in the outcome's detail, what could not be used although the delivery is decided. They never show a value.
    """

    snapshots: tuple[Snapshot, ...]
    notes: tuple[str, ...] = ()


class Unparsed(Struct, frozen=True):
    """The delivery cannot be parsed: it becomes a dead letter with this reason."""

    reason: DeadReason
    detail: str


class Handshake(Struct, frozen=True):
    """The delivery only tests the address and contains no resource: its outcome is `filtered`, reason `handshake`."""

    detail: str


class TestDelivery(Struct, frozen=True):
    """The provider marked the delivery as a test, with made-up content: its outcome is `filtered`, reason `test`."""

    detail: str


class Sample(Struct, frozen=True):
    """The input for a fake delivery: enough to create every header that the real provider sends."""

    body: bytes
    topic: str
    delivery_id: str
    now: datetime
    tenant: str = "example"


class Provider(Protocol):
    """The rules of one provider."""

    @property
    def name(self) -> str:
        """Return the provider's name as in `penstock.toml` and in topic names."""

    @property
    def resource_types(self) -> Collection[str]:
        """Return the resource types with separate topics; the changes of all others share the topic `other`.

        The set is finite, so that a name in an unsigned header cannot create a topic. It includes the types of resources
        listed in the provider's documents.
        """

    @property
    def secret_headers(self) -> frozenset[str]:
        """Return the lower-case names of headers that contain a secret; they never reach Kafka, a log or a page."""

    @property
    def own_headers(self) -> tuple[str, ...]:
        """Return the lower-case prefixes of the headers stored on `webhooks.raw`."""

    @property
    def scheme(self) -> Scheme:
        """Return how the provider authenticates its deliveries; `verify` and `sign` use it."""

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:
        """Check the signature over the exact body bytes against every current secret, in constant time."""

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the envelope of a verified delivery; the body may be unreadable."""

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed | Handshake | TestDelivery:
        """Return the resources in the delivery, if there are any. Step 1 of the pipeline."""

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers, content-type and signature included, that the real provider would send with this body."""
