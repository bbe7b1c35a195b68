"""Deliveries and snapshots for tests of the pipeline: a case names its relevant values, all others have defaults.

The provider `scripted` reads exactly the snapshots that a test put into a body, so that a test decides the pipeline's
input independently of any real provider's rules.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
from msgspec import Struct

from ingress.delivery.spool_file import pack
from providers.base import Envelope, Parsed, Sample, SignedRequest, Unparsed, Verdict, Verified
from providers.scheme import SecretScheme
from schemas import codec
from schemas.records import (
    Change,
    Document,
    LatestState,
    Operation,
    RawDelivery,
    SeenVersion,
    Snapshot,
    resource_key,
)
from streams.pipeline import Result, Tables, process
from streams.steps.routing import Routes

START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
SOURCE = "acme"
RESOURCE = "product"


def second(number: float) -> datetime:
    """Return the time that many seconds after the start of the test's world."""
    return START + timedelta(seconds=number)


def spooled_headers(provider: str, source: str) -> bytes:
    """Return the headers of a spooled delivery, all that this version writes: a worker may read it on a shared topic."""
    return pack([*codec.raw_headers(RawDelivery("", provider, source, "", START, "", b""))])


def snapshot(
    document: Document | None = None,
    version: float | None = None,
    event_time: float | None = None,
    resource_id: str = "7",
    volatile: Sequence[str] = (),
    state_rank: int = 0,
) -> Snapshot:
    """Return a snapshot of one product; without a document it is deleted. Times are seconds from START."""
    return Snapshot(
        RESOURCE,
        resource_id,
        document,
        None if version is None else second(version),
        None if event_time is None else second(event_time),
        is_deleted=document is None,
        volatile=frozenset(volatile),
        state_rank=state_rank,
    )


def delivery(
    *snapshots: Snapshot, delivery_id: str = "first", event_type: str = "product.updated", source: str = SOURCE
) -> RawDelivery:
    """Return a delivery of the scripted provider with these snapshots."""
    return real_delivery(Scripted.name, encode_script(snapshots), event_type, delivery_id, source=source)


def real_delivery(
    provider: str,
    body: bytes,
    event_type: str = "",
    delivery_id: str = "first",
    headers: Mapping[str, str] | None = None,
    source: str = SOURCE,
) -> RawDelivery:
    """Return a delivery of any provider as it would lie on `webhooks.raw`, its event time left out."""
    key = resource_key(provider, source, "", RESOURCE, "7")
    return RawDelivery(delivery_id, provider, source, event_type, START, key, body, headers=headers or {})


class Scripted(Struct, frozen=True):
    """A provider whose deliveries contain their snapshots."""

    name: ClassVar[str] = "scripted"
    resource_types: ClassVar[frozenset[str]] = frozenset({"product", "image", "variant"})
    secret_headers: ClassVar[frozenset[str]] = frozenset()
    own_headers: ClassVar[tuple[str, ...]] = ()
    scheme: ClassVar[SecretScheme] = SecretScheme("scripted", "x-scripted")

    def verify(self, request: SignedRequest, secrets: Sequence[bytes], now: datetime) -> Verdict:  # noqa: ARG002  as the port names them
        """Accept everything."""
        return Verified(0)

    def identify(self, source: str, request: SignedRequest) -> Envelope:  # noqa: ARG002  as the port names them
        """Return no identity: the tests build their deliveries themselves."""
        return Envelope("first", "", "first")

    def parse(self, delivery: RawDelivery) -> Parsed | Unparsed:
        """Return the snapshots in the body."""
        return Parsed(_decode_script(delivery.body))

    def sign(self, sample: Sample, secret: bytes) -> dict[str, str]:  # noqa: ARG002  as the port names them
        """Return no headers."""
        return {}


encode_script = msgspec.json.Encoder().encode
_decode_script = msgspec.json.Decoder(tuple[Snapshot, ...]).decode
ROUTES = Routes({SOURCE: Scripted()})
"""The scripted source, and no routes: every change goes to its default topic."""


class Pipeline:
    """The pure pipeline over plain dicts, in place of a worker's transaction and tables."""

    def __init__(self, routes: Routes = ROUTES) -> None:
        self.routes = routes
        self.seen: dict[bytes, bytes] = {}
        self.latest: dict[bytes, bytes] = {}
        self.results: list[Result] = []

    def decide(self, delivery: RawDelivery) -> Result:
        """Decide one delivery and store its result."""
        result = process(delivery, Tables(self.seen, self.latest), self.routes)
        self.seen |= result.writes.seen
        self.latest |= result.writes.latest
        self.results.append(result)
        return result

    def show(
        self, document: Document | None = None, version: float | None = None, at: float | None = None, by: str = ""
    ) -> Result:
        """Decide a delivery that shows the product; each has its own id unless `by` names one."""
        shown = snapshot(document, version, at)
        return self.decide(delivery(shown, delivery_id=by or f"delivery-{len(self.results)}"))

    @property
    def changes(self) -> list[Change]:
        """Return every published change, in order."""
        return [routed.change for result in self.results for routed in result.routed_changes if routed.goes_out]

    @property
    def outcomes(self) -> list[str]:
        """Return the result of each delivery, as `outcome reason`."""
        return [f"{result.outcome.outcome} {result.outcome.reason}" for result in self.results]

    def stored(self, resource_id: str = "7") -> LatestState:
        """Return the stored state of a product."""
        return codec.decode_latest(self.latest[resource_key(Scripted.name, SOURCE, "", RESOURCE, resource_id).encode()])


def seen(*fingerprints: bytes, delivery_ids: Sequence[str] = ()) -> SeenVersion:
    """Return a row of *seen*: contents in order of arrival."""
    return SeenVersion(fingerprints, tuple(delivery_ids))


def latest(version: float | None = None, event_time: float | None = None, *, is_deleted: bool = False) -> LatestState:
    """Return a row of *latest* with these times, in seconds from START."""
    times = [None if time is None else codec.time_us(second(time)) for time in (version, event_time)]
    return LatestState(times[0], times[1], b"stored", None if is_deleted else b"{}", is_deleted)


def change(
    before: Document | None = None,
    after: Document | None = None,
    changed: Sequence[str] = (),
    resource_type: str = RESOURCE,
) -> Change:
    """Return a change from one document to another; the operation follows from which of them exists."""
    op: Operation = "d" if after is None else "c" if before is None else "u"
    return Change(
        "event-1",
        op,
        resource_key(Scripted.name, SOURCE, "", resource_type, "7"),
        resource_type,
        "7",
        tuple(changed),
        None if before is None else codec.document_json(before),
        None if after is None else codec.document_json(after),
        second(0),
        None,
    )
