"""What every provider file offers: verification, identification, parsing, and signing for tests and `penstock send`.

A provider is a frozen value without I/O or clock. The ingress calls `verify` and, only when that returned `Verified`,
`identify`; the pipeline calls `parse`. None of the three raises on any bytes that a stranger can send.
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


class Verified(Struct, frozen=True):
    """The signature is right; `secret_index` tells which of the given secrets made it, so that an old one can be retired."""

    secret_index: int


class Refused(Struct, frozen=True):
    """The signature is not accepted: a fixed reason and, for people, what was expected. Never a secret, body or signature.

    `is_probe` says that the request claims nothing and shows nothing: a sender that tests whether the address is there.
    """

    reason: RefusalReason
    detail: str
    is_probe: bool = False


Verdict = Verified | Refused


class Envelope(Struct, frozen=True):
    """What the ingress writes on the outside of a verified delivery.

    `key` is the resource key of the ROOT resource (see `schemas.records.resource_key`), so that all deliveries about one
    resource, children included, share a partition; the delivery id where the body names no resource or is not readable.
    """

    delivery_id: str
    event_type: str
    key: str
    event_time: datetime | None = None
    api_version: str | None = None


class Parsed(Struct, frozen=True):
    """The resources that a delivery shows, the root first; never empty."""

    snapshots: tuple[Snapshot, ...]


class Unparsed(Struct, frozen=True):
    """The delivery shows nothing that could be understood: it becomes a dead letter with this reason."""

    reason: DeadReason
    detail: str


class Handshake(Struct, frozen=True):
    """The delivery only tests the address and is about no resource: its outcome is `filtered`, reason `handshake`."""

    detail: str


class Sample(Struct, frozen=True):
    """What a fake provider is about to post: enough to make every header that the real one sends."""

    body: bytes
    topic: str
    delivery_id: str
    now: datetime
    tenant: str = "example"


class Provider(Protocol):
    """One sender's rules."""

    @property
    def name(self) -> str:
        """Return the provider's name as in `penstock.toml` and in topic names."""

    @property
    def resource_types(self) -> Collection[str]:
        """Return the resource types that have topics of their own; the changes of all others share the topic `other`.

        Finite, so that no name in an unsigned header makes a topic; what the provider's documents list belongs in it.
        """

    @property
    def secret_headers(self) -> frozenset[str]:
        """Return the lower-case names of headers that carry a secret itself; they never reach Kafka, a log or a page."""

    @property
    def own_headers(self) -> tuple[str, ...]:
        """Return the lower-case prefixes of the headers kept on `webhooks.raw`."""

    @property
    def scheme(self) -> Scheme:
        """Return how the provider authenticates what it sends; `verify` and `sign` go by it."""

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:
        """Check the signature over the exact body bytes against every current secret, in constant time."""

    def identify(self, source: str, request: SignedRequest) -> Envelope:
        """Return the outside of a verified delivery; any body is acceptable, readable or not."""

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed | Handshake:
        """Return the resources that the delivery shows, if it shows any. Step 1 of the pipeline."""

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:
        """Return the headers, content-type and signature included, that the real provider would send with this body."""
